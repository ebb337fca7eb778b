/** Command line tools written in Rust: the project's own release archive where it can be had, else compiled. */

import { existsSync } from "node:fs";
import { copyFile, mkdir, mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { capture, run } from "../lib/process.mjs";
import { cacheDirectory } from "../lib/project.mjs";
import { placeDirectory } from "./place.mjs";
import { versions } from "./versions.mjs";

const secondsToConnect = 8;
const secondsToDownload = 300;

/**
 * @typedef {object} RustTool
 * @property {string} name of its crate
 * @property {string} version
 * @property {string} binary
 * @property {number} minutesToCompile
 * @property {string[]} installOptions for `cargo install`
 * @property {(version: string, target: string) => string} [archive] where its release can be downloaded
 */

/** @type {RustTool} */
export const workerBuild = {
  name: "worker-build",
  version: versions.workerBuild,
  binary: "worker-build",
  minutesToCompile: 5,
  installOptions: ["--locked"],
};

/** @type {RustTool} */
export const wasmBindgen = {
  name: "wasm-bindgen-cli",
  version: versions.wasmBindgen,
  binary: "wasm-bindgen",
  minutesToCompile: 4,
  installOptions: [],
  archive: (version, target) =>
    `https://github.com/wasm-bindgen/wasm-bindgen/releases/download/${version}/wasm-bindgen-${version}-${target}.tar.gz`,
};

/** @type {RustTool} */
export const cargoDeny = {
  name: "cargo-deny",
  version: versions.cargoDeny,
  binary: "cargo-deny",
  minutesToCompile: 3,
  installOptions: ["--locked"],
  archive: (version, target) =>
    `https://github.com/EmbarkStudios/cargo-deny/releases/download/${version}/cargo-deny-${version}-${target}.tar.gz`,
};

/** @type {RustTool} */
export const cargoFuzz = {
  name: "cargo-fuzz",
  version: versions.cargoFuzz,
  binary: "cargo-fuzz",
  minutesToCompile: 2,
  installOptions: ["--locked"],
};

/**
 * The folder of a tool's executables, whether it is installed yet or not.
 * @param {RustTool} tool
 */
export function binaryDirectory(tool) {
  return join(toolDirectory(tool), "bin");
}

/**
 * A tool's executable, whether it is installed yet or not.
 * @param {RustTool} tool
 */
export function binaryPath(tool) {
  return join(binaryDirectory(tool), tool.binary);
}

/** @param {RustTool} tool */
export function isInstalled(tool) {
  return existsSync(binaryPath(tool));
}

/**
 * Installs a tool of exactly its version into the cache.
 * @param {RustTool} tool
 */
export async function installTool(tool) {
  await placeDirectory(toolDirectory(tool), async (partial) => {
    if (await unpackRelease(tool, partial)) return;
    console.log(
      `      Compiling ${tool.name} ${tool.version} (about ${tool.minutesToCompile} min on two cores, once per machine)`,
    );
    const crate = `${tool.name}@${tool.version}`;
    const options = [...tool.installOptions, "--root", partial, "--no-track"];
    await run("cargo", ["install", crate, ...options], { env: compileQuickly });
  });
}

/** These tools run for seconds a day: compiling them faster is worth more than their speed. */
const compileQuickly = {
  CARGO_PROFILE_RELEASE_CODEGEN_UNITS: "16",
  CARGO_PROFILE_RELEASE_DEBUG: "0",
  CARGO_PROFILE_RELEASE_LTO: "off",
  CARGO_PROFILE_RELEASE_OPT_LEVEL: "1",
};

/** @param {RustTool} tool */
function toolDirectory(tool) {
  return join(cacheDirectory, "tools", `${tool.name}-${tool.version}`);
}

/**
 * Puts the tool of its release archive into `directory/bin`; answers whether it then runs.
 * @param {RustTool} tool
 * @param {string} directory
 */
async function unpackRelease(tool, directory) {
  if (!tool.archive) return false;
  const release = await mkdtemp(join(tmpdir(), "esclusa-release-"));
  try {
    const url = tool.archive(tool.version, await releaseTarget());
    if (!(await downloadAndUnpack(url, release))) return false;
    const binary = join(directory, "bin", tool.binary);
    await mkdir(dirname(binary));
    await copyFile(join(release, tool.binary), binary);
    return (await capture(binary, ["--version"])).code === 0;
  } catch {
    return false;
  } finally {
    await rm(release, { recursive: true, force: true });
  }
}

/** @param {string} url @param {string} directory */
async function downloadAndUnpack(url, directory) {
  const archive = join(directory, "release.tar.gz");
  const limits = ["--connect-timeout", `${secondsToConnect}`, "--max-time", `${secondsToDownload}`];
  const quietly = ["--fail", "--silent", "--location", ...limits];
  const download = await capture("curl", [...quietly, "--output", archive, url]);
  if (download.code !== 0) return false;
  return (
    (await capture("tar", ["-xzf", archive, "-C", directory, "--strip-components=1"])).code === 0
  );
}

/** The host's target as release archives name it: on Linux they are linked statically. */
async function releaseTarget() {
  const { stdout } = await capture("rustc", ["-vV"]);
  const host = /^host: (.+)$/m.exec(stdout)?.[1] ?? "";
  return host.replace("-linux-gnu", "-linux-musl");
}
