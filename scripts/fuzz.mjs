/**
 * Feeds the parsers and decoders what nobody would send, with libFuzzer:
 *
 *     npm run fuzz                             every target, until 3 minutes or 5 million executions
 *     npm run fuzz -- sse                      one target
 *     npm run fuzz -- request_ --seconds 60    those with "request_" in their name, a minute each
 *
 * Ends with a table of executions. Stable Rust is enough: without a sanitizer, which safe Rust has no use
 * for, nothing here asks for a nightly. What is found anew stays in `.esclusa/fuzz/`, to grow from; an input
 * that breaks a promise is written to `fuzz/artifacts/`.
 */

import { existsSync } from "node:fs";
import { mkdir } from "node:fs/promises";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { runMain } from "./lib/main.mjs";
import { capture, exists, follow, Problem, run } from "./lib/process.mjs";
import { fromRoot, stateDirectory } from "./lib/project.mjs";
import { toolEnvironment } from "./setup/environment.mjs";
import { setup } from "./setup.mjs";

/**
 * @typedef {object} Outcome
 * @property {string} target
 * @property {number} executions
 * @property {number} seconds
 * @property {number} edges of the program that were reached
 * @property {boolean} clean
 */

const mostExecutions = 5_000_000;
const defaultSeconds = 180;

/** Bytes of an input, megabytes of memory, seconds for one input. */
const bounds = ["-max_len=4096", "-rss_limit_mb=2048", "-timeout=10"];

const executed = /^stat::number_of_executed_units:\s+(\d+)/;
const covered = /\bcov: (\d+) /;
/** Progress, of which the summary is enough. */
const progress = /^#\d+\t(?!DONE)|^stat::|^\s*NEW_FUNC|^"|^######/;

async function main() {
  const { part, seconds } = wishes();
  await requireCompiler();
  await setup({ forFuzz: true });
  const targets = await selected(part);
  await run("cargo", ["fuzz", "build", "--sanitizer", "none"], { env: toolEnvironment() });
  const outcomes = [];
  for (const [index, target] of targets.entries()) {
    console.log(`\n── ${index + 1}/${targets.length} ${target}`);
    outcomes.push(await fuzz(target, seconds));
  }
  printTable(outcomes);
  const broken = outcomes.filter(({ clean }) => !clean).map(({ target }) => target);
  if (broken.length > 0) throw new Problem(`Broken: ${broken.join(", ")}. See fuzz/artifacts/.`);
}

function wishes() {
  const options = /** @type {const} */ ({ seconds: { type: "string" } });
  try {
    const { values, positionals } = parseArgs({ options, allowPositionals: true });
    const seconds = Number(values.seconds ?? defaultSeconds);
    if (!Number.isInteger(seconds) || seconds < 1) throw new Error("a whole number of seconds");
    return { part: positionals[0] ?? "", seconds };
  } catch (error) {
    const reason = error instanceof Error ? error.message : error;
    throw new Problem(`npm run fuzz -- [target] [--seconds ${defaultSeconds}]: ${reason}`);
  }
}

/** libFuzzer is written in C++ and compiled with the targets. */
async function requireCompiler() {
  if (await exists(process.env.CXX ?? "c++")) return;
  throw new Problem("A C++ compiler is missing (clang or g++), with which libFuzzer is compiled.");
}

/**
 * The target of a name, or all that have it in theirs.
 * @param {string} part
 */
async function selected(part) {
  const { code, stdout, stderr } = await capture("cargo", ["fuzz", "list"], {
    env: toolEnvironment(),
  });
  if (code !== 0) throw new Problem(`\`cargo fuzz list\` failed:\n${stderr}`);
  const targets = stdout.split("\n").filter(Boolean);
  if (targets.includes(part)) return [part];
  const chosen = targets.filter((target) => target.includes(part));
  if (chosen.length === 0) {
    throw new Problem(`There is no target "${part}". The targets are ${targets.join(", ")}.`);
  }
  return chosen;
}

/**
 * @param {string} target
 * @param {number} seconds
 * @returns {Promise<Outcome>}
 */
async function fuzz(target, seconds) {
  const grown = join(stateDirectory, "fuzz", target);
  await mkdir(grown, { recursive: true });
  // What is new goes into the first corpus; the committed one is only read.
  const corpora = [grown, fromRoot("fuzz", "corpus", target)].filter(existsSync);
  const limits = [`-max_total_time=${seconds}`, `-runs=${mostExecutions}`, ...bounds];
  const hints = [`-dict=${fromRoot("fuzz", "json.dict")}`, "-print_final_stats=1"];
  const args = ["fuzz", "run", "--sanitizer", "none", target, ...corpora, "--"];
  const outcome = { target, executions: 0, edges: 0 };
  const onLine = (/** @type {string} */ line) => {
    outcome.executions = Number(executed.exec(line)?.[1] ?? outcome.executions);
    outcome.edges = Number(covered.exec(line)?.[1] ?? outcome.edges);
    if (line && !progress.test(line)) console.log(line);
  };
  const began = Date.now();
  const code = await follow("cargo", [...args, ...limits, ...hints], {
    env: toolEnvironment(),
    onLine,
  });
  return { ...outcome, seconds: (Date.now() - began) / 1000, clean: code === 0 };
}

/** @param {Outcome[]} outcomes */
function printTable(outcomes) {
  console.log(`\n${"target".padEnd(24)} ${"executions".padStart(10)}  seconds   edges`);
  for (const { target, executions, seconds, edges, clean } of outcomes) {
    const figures = [
      target.padEnd(24),
      String(executions).padStart(10),
      seconds.toFixed(0).padStart(8),
      String(edges).padStart(7),
    ];
    console.log(`${figures.join(" ")}  ${clean ? "clean" : "BROKEN"}`);
  }
}

await runMain(main);
