/**
 * Shows that the native tests can fail: applies each mutation of `test/native/mutations.json` to a
 * copy of the tree and expects every test target that it names to go red.
 *
 *     npm run mutations            all of them
 *     npm run mutations -- cache   those with "cache" in their name
 */

import { cp, mkdir, readFile, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { runMain } from "./lib/main.mjs";
import { capture, Problem } from "./lib/process.mjs";
import { fromRoot, stateDirectory } from "./lib/project.mjs";

/**
 * @typedef {object} Mutation
 * @property {string} name what is wrong now
 * @property {string} file
 * @property {string} old stands in the file exactly once
 * @property {string} new
 * @property {string[]} tests targets of `cargo test --test` that must go red
 *
 * @typedef {object} Verdict
 * @property {boolean} red
 * @property {string} by what went red, or why nothing did
 */

/** What the native tests are made of. */
const inputs = [
  "Cargo.toml",
  "Cargo.lock",
  "build.rs",
  "src",
  "config",
  "demo",
  "docs/openapi.json",
  "schema.sql",
  "test",
];

/** The same place each time, so that what is compiled stays compiled. */
const workshop = join(stateDirectory, "mutations");
const tree = join(workshop, "tree");

/** Fewer seeds than usual: a mutation that matters is found by the first ones. */
const environment = {
  CARGO_TARGET_DIR: process.env.CARGO_TARGET_DIR ?? join(workshop, "target"),
  RUST_BACKTRACE: "0",
  SIMULATION_SEEDS: process.env.SIMULATION_SEEDS ?? "12",
};

/** The crate changes with each mutation, so compiling it fast counts for more than a fast test. */
const quickly = [
  "--config",
  "profile.test.package.esclusa.opt-level=0",
  "--config",
  "profile.test.debug=0",
];

const buildMilliseconds = 1_200_000;
const testMilliseconds = 300_000;

async function main() {
  const mutations = await selected(process.argv[2] ?? "");
  await copyTree();
  await checkUnchanged(mutations);
  const survivors = [];
  for (const [index, mutation] of mutations.entries()) {
    const began = Date.now();
    const verdicts = await judge(mutation);
    const survived = [...verdicts].filter(([, verdict]) => !verdict.red);
    if (survived.length > 0) survivors.push(mutation.name);
    report(`${index + 1}/${mutations.length}`, mutation, verdicts, Date.now() - began);
  }
  if (survivors.length > 0) {
    throw new Problem(`${survivors.length} survived: ${survivors.join("; ")}.`);
  }
  console.log(`\nAll ${mutations.length} mutations turned every test red that they name.`);
}

/**
 * @param {string} part of the name
 * @returns {Promise<Mutation[]>}
 */
async function selected(part) {
  /** @type {Mutation[]} */
  const all = JSON.parse(await readFile(fromRoot("test", "native", "mutations.json"), "utf8"));
  const chosen = all.filter(({ name }) => name.includes(part));
  if (chosen.length === 0) throw new Problem(`No mutation has "${part}" in its name.`);
  return chosen;
}

async function copyTree() {
  await rm(tree, { recursive: true, force: true });
  await mkdir(tree, { recursive: true });
  for (const input of inputs) {
    // With its times, or all of it would be compiled again.
    await cp(fromRoot(input), join(tree, input), { recursive: true, preserveTimestamps: true });
  }
}

/** @param {Mutation[]} mutations */
async function checkUnchanged(mutations) {
  const targets = [...new Set(mutations.flatMap(({ tests }) => tests))];
  console.log(`Without any mutation: ${targets.join(", ")}`);
  const problem = await build(targets);
  if (problem) throw new Problem(`The tree itself ${problem}`);
  for (const target of targets) {
    const { red, by } = await test(target);
    if (red) throw new Problem(`The target ${target} is red without any mutation: ${by}.`);
  }
}

/**
 * @param {Mutation} mutation
 * @returns {Promise<Map<string, Verdict>>} by test target
 */
async function judge(mutation) {
  const path = join(tree, mutation.file);
  const original = await readFile(path, "utf8");
  const parts = original.split(mutation.old);
  if (parts.length !== 2) {
    throw new Problem(
      `"${mutation.name}" is out of date: its text stands ${parts.length - 1} times in ${mutation.file}.`,
    );
  }
  await writeFile(path, parts.join(mutation.new));
  try {
    const problem = await build(mutation.tests);
    const verdicts = new Map();
    for (const target of mutation.tests) {
      verdicts.set(target, problem ? { red: false, by: problem } : await test(target));
    }
    return verdicts;
  } finally {
    await writeFile(path, original);
  }
}

/**
 * @param {string[]} targets
 * @returns {Promise<string | undefined>} what the compiler says against it
 */
async function build(targets) {
  const { code, stderr } = await cargo(["--no-run", ...targets.flatMap(flag)], buildMilliseconds);
  if (code === 0) return undefined;
  const errors = stderr.split("\n").filter((line) => line.startsWith("error"));
  return `does not compile: ${errors[0] ?? stderr}`;
}

/**
 * @param {string} target
 * @returns {Promise<Verdict>}
 */
async function test(target) {
  const { code, stdout } = await cargo(flag(target), testMilliseconds);
  if (code === 0) return { red: false, by: "nothing" };
  const failed = [...stdout.matchAll(/^test (\S+) \.\.\. FAILED$/gm)].map(([, name]) => name);
  const others = failed.length > 1 ? ` and ${failed.length - 1} more` : "";
  return { red: true, by: failed.length > 0 ? `${failed[0]}${others}` : `no end (${code})` };
}

/**
 * @param {string[]} args
 * @param {number} timeout
 */
function cargo(args, timeout) {
  const words = ["test", ...quickly, ...args];
  return capture("cargo", words, { cwd: tree, env: environment, timeout });
}

/** @param {string} target */
function flag(target) {
  return ["--test", target];
}

/**
 * @param {string} number
 * @param {Mutation} mutation
 * @param {Map<string, Verdict>} verdicts
 * @param {number} milliseconds
 */
function report(number, mutation, verdicts, milliseconds) {
  const seconds = Math.round(milliseconds / 1_000);
  console.log(`\n${number} ${mutation.name} (${mutation.file}, ${seconds} s)`);
  for (const [target, { red, by }] of verdicts) {
    console.log(`  ${red ? "red     " : "SURVIVED"} ${target.padEnd(10)} ${by}`);
  }
}

await runMain(main);
