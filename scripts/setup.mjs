/**
 * Everything the project needs to build, in order; what is there already is left alone. Other scripts call
 * `setup()` first, so nobody has to run this by hand.
 */

import { join } from "node:path";
import { withLock } from "./lib/lock.mjs";
import { isMain, runMain } from "./lib/main.mjs";
import { exists, Problem } from "./lib/process.mjs";
import { cacheDirectory } from "./lib/project.mjs";
import {
  arePackagesInstalled,
  installNode,
  installPackages,
  isNodeInstalled,
} from "./setup/node.mjs";
import {
  cargoDeny,
  cargoFuzz,
  installTool,
  isInstalled,
  wasmBindgen,
  workerBuild,
} from "./setup/rust-tools.mjs";
import { minimumNode } from "./setup/versions.mjs";
import { installLibrary, isLibraryInstalled } from "./setup/wasm-library.mjs";

/**
 * @typedef {object} Step
 * @property {string} title
 * @property {() => boolean | Promise<boolean>} isDone
 * @property {() => Promise<void>} install
 */

/** @type {Step[]} */
const buildSteps = [
  {
    title: "Node packages",
    isDone: arePackagesInstalled,
    install: installPackages,
  },
  {
    title: `Node ${minimumNode.join(".")} or newer, which wrangler needs`,
    isDone: isNodeInstalled,
    install: installNode,
  },
  {
    title: "Rust's standard library for WebAssembly",
    isDone: isLibraryInstalled,
    install: installLibrary,
  },
  rustTool(workerBuild),
  rustTool(wasmBindgen),
];

const lintSteps = [rustTool(cargoDeny)];
const fuzzSteps = [rustTool(cargoFuzz)];

/**
 * Installs what is missing: what building and testing need, and with `forLint` or `forFuzz` what the linters
 * or the fuzzer need too.
 */
export async function setup({ forLint = false, forFuzz = false } = {}) {
  await requirePrerequisites();
  const steps = [...buildSteps, ...(forLint ? lintSteps : []), ...(forFuzz ? fuzzSteps : [])];
  if (await areAllDone(steps)) return;
  await withLock(join(cacheDirectory, "setup.lock"), () => installMissing(steps), {
    onWait: () => console.log("Waiting for another set-up on this machine to finish"),
  });
}

/**
 * @param {import("./setup/rust-tools.mjs").RustTool} tool
 * @returns {Step}
 */
function rustTool(tool) {
  return {
    title: `${tool.name} ${tool.version}`,
    isDone: () => isInstalled(tool),
    install: () => installTool(tool),
  };
}

async function requirePrerequisites() {
  const [cargo, npm] = await Promise.all([exists("cargo"), exists("npm")]);
  if (!cargo)
    throw new Problem("Rust is missing: install it from https://rustup.rs, then run this again.");
  if (!npm)
    throw new Problem(
      "npm is missing: install Node.js 18 or newer from https://nodejs.org, then run this again.",
    );
}

/** @param {Step[]} steps */
async function areAllDone(steps) {
  for (const step of steps) {
    if (!(await step.isDone())) return false;
  }
  return true;
}

/** @param {Step[]} steps */
async function installMissing(steps) {
  for (const [index, step] of steps.entries()) {
    const place = `[${index + 1}/${steps.length}]`;
    if (await step.isDone()) {
      console.log(`${place} ${step.title}: there`);
      continue;
    }
    console.log(`${place} ${step.title}: installing`);
    await step.install();
  }
}

async function main() {
  const start = Date.now();
  await setup({ forLint: process.argv.includes("--lint") });
  console.log(`Everything needed is installed (${((Date.now() - start) / 1000).toFixed(1)} s).`);
}

if (isMain(import.meta.url)) await runMain(main);
