/**
 * The source of Rust's standard library, of exactly the installed version: rustup's own component if it is there,
 * else Debian's package `rust-src` from the mirror this machine is configured for. Needs no root and changes
 * nothing of the system's apt: its sources, lists and downloads live in folders of our own.
 */

import { existsSync } from "node:fs";
import { mkdir, mkdtemp, readdir, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { capture, exists, Problem } from "../lib/process.mjs";
import { cacheDirectory } from "../lib/project.mjs";
import { placeDirectory } from "./place.mjs";
import { wasmTarget } from "./versions.mjs";

/** @typedef {import("./wasm-library.mjs").Toolchain} Toolchain */

/** Where a release of Rust can be found, the most stable suite first. */
const suites = ["trixie-backports", "testing", "unstable"];

const debianKeyring = "/usr/share/keyrings/debian-archive-keyring.gpg";
const aptMilliseconds = 180_000;

/**
 * Answers the folder that holds `library/`.
 * @param {Toolchain} toolchain
 */
export async function findLibrarySource(toolchain) {
  const component = join(toolchain.sysroot, "lib", "rustlib", "src", "rust");
  if (existsSync(join(component, "library", "Cargo.lock"))) return component;
  const unpacked = join(cacheDirectory, `rust-src-${toolchain.release}`);
  if (!existsSync(unpacked)) await fetchFromDebian(toolchain.release, unpacked);
  return sourceIn(unpacked);
}

/** @param {string} release @param {string} destination */
async function fetchFromDebian(release, destination) {
  const apt = await mkdtemp(join(tmpdir(), "esclusa-apt-"));
  try {
    const archive = await downloadPackage(release, apt);
    await placeDirectory(destination, async (partial) => {
      const { code, stderr } = await capture("dpkg-deb", ["-x", archive, partial]);
      if (code !== 0) throw new Problem(`Could not unpack rust-src: ${stderr.trim()}`);
    });
  } finally {
    await rm(apt, { recursive: true, force: true });
  }
}

/** @param {string} release @param {string} apt a folder for apt's state */
async function downloadPackage(release, apt) {
  for (const mirror of await debianMirrors()) {
    for (const suite of suites) {
      console.log(`      Looking for rust-src ${release} in ${suite}`);
      const archive = await downloadFromSuite(release, mirror, suite, join(apt, suite));
      if (archive) return archive;
    }
  }
  throw new Problem(
    `Rust's ${wasmTarget} library could not be installed: rustup's server is out of reach, and no package rust-src ` +
      `of version ${release} was found on this machine's Debian mirror. On a machine with open internet ` +
      `\`rustup target add ${wasmTarget}\` does it; behind a proxy set HTTPS_PROXY.`,
  );
}

/**
 * The mirrors that this machine's apt is configured for, in its order. What an update would fetch names them even
 * where no list was fetched yet, as in a fresh container.
 */
async function debianMirrors() {
  if (!(await exists("apt-get")) || !(await exists("dpkg-deb"))) return [];
  const { stdout } = await capture("apt-get", ["--print-uris", "update"]);
  return [...new Set([...stdout.matchAll(/^'(https?:[^']+?)\/dists\//gm)].map(([, url]) => url))];
}

/**
 * @param {string} release
 * @param {string} mirror
 * @param {string} suite
 * @param {string} directory
 * @returns {Promise<string | undefined>} the downloaded archive, if the suite has the release
 */
async function downloadFromSuite(release, mirror, suite, directory) {
  const apt = await privateApt(mirror, suite, directory);
  if ((await apt("apt-get", ["update"])).code !== 0) return undefined;
  const { stdout } = await apt("apt-cache", ["madison", "rust-src"]);
  const versions = stdout.split("\n").map((line) => line.split("|")[1]?.trim() ?? "");
  const version = versions.find((candidate) => isRelease(candidate, release));
  if (version === undefined) return undefined;
  if ((await apt("apt-get", ["download", `rust-src=${version}`])).code !== 0) return undefined;
  const name = (await readdir(directory)).find((file) => file.endsWith(".deb"));
  return name && join(directory, name);
}

/**
 * Whether a Debian version such as `1.95.0+dfsg1-2~bpo13+1` is of the upstream release.
 * @param {string} version
 * @param {string} release
 */
function isRelease(version, release) {
  return version.startsWith(release) && /^[+~-]/.test(version.slice(release.length));
}

/**
 * Answers a function that runs an apt command with sources, lists and cache of its own, in `directory`.
 * @param {string} mirror
 * @param {string} suite
 * @param {string} directory
 */
async function privateApt(mirror, suite, directory) {
  await mkdir(join(directory, "lists", "partial"), { recursive: true });
  await mkdir(join(directory, "cache", "archives", "partial"), { recursive: true });
  const signature = existsSync(debianKeyring) ? `[signed-by=${debianKeyring}] ` : "";
  await writeFile(join(directory, "sources.list"), `deb ${signature}${mirror} ${suite} main\n`);
  await writeFile(join(directory, "apt.conf"), aptConfiguration(directory));
  const env = { APT_CONFIG: join(directory, "apt.conf") };
  return (/** @type {string} */ command, /** @type {string[]} */ args) =>
    capture(command, args, { cwd: directory, env, timeout: aptMilliseconds });
}

/** @param {string} directory */
function aptConfiguration(directory) {
  return [
    `Dir::State "${directory}";`,
    `Dir::State::lists "${join(directory, "lists")}";`,
    `Dir::Cache "${join(directory, "cache")}";`,
    `Dir::Etc::sourcelist "${join(directory, "sources.list")}";`,
    `Dir::Etc::sourceparts "/dev/null";`,
    `Acquire::Languages "none";`,
    `Acquire::IndexTargets::deb::DEP-11::DefaultEnabled "false";`,
    `APT::Sandbox::User "root";`,
    "",
  ].join("\n");
}

/**
 * Debian keeps the source in a folder named after the version.
 * @param {string} unpacked
 */
async function sourceIn(unpacked) {
  const parent = join(unpacked, "usr", "src");
  const names = existsSync(parent) ? await readdir(parent) : [];
  const found = names
    .map((name) => join(parent, name))
    .find((path) => existsSync(join(path, "library")));
  if (!found) throw new Problem(`The package rust-src holds no library source: ${unpacked}`);
  return found;
}
