/** Rust's standard library for WebAssembly: from rustup, or built from its source where rustup's server is out of reach. */

import { existsSync, readdirSync, readFileSync } from "node:fs";
import { rm } from "node:fs/promises";
import { join } from "node:path";
import { capture, exists, Problem } from "../lib/process.mjs";
import { buildLibrary, stampName } from "./build-library.mjs";
import { findLibrarySource } from "./library-source.mjs";
import { wasmTarget } from "./versions.mjs";

const rustupMilliseconds = 300_000;

/** Whether the active toolchain can compile for WebAssembly. */
export async function isLibraryInstalled() {
  const toolchain = await activeToolchain();
  return isUsable(toolchain);
}

/** Installs the library into the active toolchain. */
export async function installLibrary() {
  const toolchain = await activeToolchain();
  await removeOutdated(toolchain);
  const refusal = await addWithRustup();
  if (isUsable(toolchain)) return;
  console.log(
    `      rustup could not add the target (${refusal}); building it from source instead`,
  );
  const source = await findLibrarySource(toolchain);
  await buildLibrary(toolchain, source);
  if (!isUsable(toolchain))
    throw new Problem(`No ${wasmTarget} library at ${libraryDirectory(toolchain)}.`);
}

/**
 * @typedef {object} Toolchain
 * @property {string} release such as `1.95.0`
 * @property {string} commit of rustc
 * @property {string} sysroot
 */

/**
 * The rustc that cargo uses in this project.
 * @returns {Promise<Toolchain>}
 */
async function activeToolchain() {
  const [version, sysroot] = await Promise.all([
    capture("rustc", ["-vV"]),
    capture("rustc", ["--print", "sysroot"]),
  ]);
  if (version.code !== 0) throw new Problem(`rustc does not run: ${version.stderr.trim()}`);
  return {
    release: /^release: (.+)$/m.exec(version.stdout)?.[1] ?? "",
    commit: /^commit-hash: (.+)$/m.exec(version.stdout)?.[1] ?? "",
    sysroot: sysroot.stdout.trim(),
  };
}

/** @param {Toolchain} toolchain */
function libraryDirectory(toolchain) {
  return join(toolchain.sysroot, "lib", "rustlib", wasmTarget, "lib");
}

/** @param {Toolchain} toolchain */
function isUsable(toolchain) {
  const directory = libraryDirectory(toolchain);
  if (
    !existsSync(directory) ||
    !readdirSync(directory).some((name) => /^libstd-.*\.rlib$/.test(name))
  )
    return false;
  return !isOutdated(toolchain);
}

/**
 * A library we built for an earlier rustc stays behind when rustup updates the toolchain in place.
 * @param {Toolchain} toolchain
 */
function isOutdated(toolchain) {
  const stamp = join(libraryDirectory(toolchain), stampName);
  return existsSync(stamp) && readFileSync(stamp, "utf8") !== toolchain.commit;
}

/** @param {Toolchain} toolchain */
async function removeOutdated(toolchain) {
  if (!isOutdated(toolchain)) return;
  await rm(join(toolchain.sysroot, "lib", "rustlib", wasmTarget), { recursive: true, force: true });
}

/** Answers why it did not work, in one line. */
async function addWithRustup() {
  if (!(await exists("rustup"))) return "rustup is not installed";
  const { stderr } = await capture("rustup", ["target", "add", wasmTarget], {
    env: { RUSTUP_MAX_RETRIES: "0" },
    timeout: rustupMilliseconds,
  });
  const lines = stderr.trim().split("\n");
  return (lines.find((line) => line.startsWith("error:")) ?? lines.at(-1) ?? "").replace(
    "error: ",
    "",
  );
}
