/**
 * Builds the Worker into build/: release, incremental, and nothing at all when nothing changed.
 * wrangler calls it through `[build] command`, the other scripts through `build()`.
 */

import { createHash } from "node:crypto";
import { existsSync, readdirSync, readFileSync, statSync } from "node:fs";
import { mkdir, readFile, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { withLock } from "./lib/lock.mjs";
import { isMain, runMain } from "./lib/main.mjs";
import { capture, Problem, run } from "./lib/process.mjs";
import { buildDirectory, fromRoot, stateDirectory } from "./lib/project.mjs";
import { withoutNames } from "./lib/wasm.mjs";
import { toolEnvironment } from "./setup/environment.mjs";
import { versions } from "./setup/versions.mjs";
import { setup } from "./setup.mjs";

/** What the Wasm is made of. Folders count with all they hold. */
const inputs = [
  "Cargo.toml",
  "Cargo.lock",
  "build.rs",
  "rust-toolchain.toml",
  ".cargo",
  "src",
  "config",
  "docs/openapi.json",
];

/** What worker-build emits and wrangler uploads. */
const wasm = join(buildDirectory, "index_bg.wasm");
const outputs = [join(buildDirectory, "index.js"), wasm];

const stamp = join(stateDirectory, "build.stamp");

/**
 * Brings build/ up to date; two calls at once build once.
 * @param {{ names?: boolean }} [options] `names` keeps the names of functions, for profiles
 */
export async function build({ names = false } = {}) {
  await withLock(join(stateDirectory, "build.lock"), () => buildIfChanged(names), {
    onWait: () => console.log("Waiting for another build to finish"),
  });
}

/** @param {boolean} names */
async function buildIfChanged(names) {
  const digest = await inputDigest(names);
  if (isUpToDate(digest)) return;
  const start = Date.now();
  console.log("Building the Worker (about 2 min the first time)");
  await rm(stamp, { force: true });
  await run("worker-build", ["--release"], { env: buildEnvironment() });
  for (const output of outputs) {
    if (!existsSync(output)) throw new Problem(`worker-build did not write ${output}.`);
  }
  if (!names) await writeFile(wasm, withoutNames(await readFile(wasm)));
  await mkdir(stateDirectory, { recursive: true });
  await writeFile(stamp, digest);
  console.log(`Built the Worker (${Math.round((Date.now() - start) / 1000)} s)`);
}

function buildEnvironment() {
  // The handler keeps running after a client leaves, so that reservations are settled.
  return { ...toolEnvironment(), RUN_TO_COMPLETION: "1" };
}

/** @param {string} digest of the inputs */
function isUpToDate(digest) {
  return (
    outputs.every((output) => existsSync(output)) &&
    existsSync(stamp) &&
    readFileSync(stamp, "utf8") === digest
  );
}

/**
 * A digest over the compiler, the tools and every input file's path and content.
 * @param {boolean} names
 */
async function inputDigest(names) {
  const compiler = await capture("rustc", ["-vV"]);
  const hash = createHash("sha256").update(compiler.stdout);
  hash.update(JSON.stringify({ versions, names }));
  for (const file of inputs.flatMap((input) => filesUnder(input))) {
    hash.update(`\0${file}\0`).update(readFileSync(fromRoot(file)));
  }
  return hash.digest("hex");
}

/**
 * @param {string} path
 * @returns {string[]}
 */
function filesUnder(path) {
  if (!existsSync(fromRoot(path))) return [];
  if (!statSync(fromRoot(path)).isDirectory()) return [path];
  return readdirSync(fromRoot(path))
    .sort()
    .flatMap((name) => filesUnder(join(path, name)));
}

async function main() {
  await setup();
  await build();
}

if (isMain(import.meta.url)) await runMain(main);
