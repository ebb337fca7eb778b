/** A run of several stages: a heading for each, then how long each took and which one failed. */

import { Problem } from "./process.mjs";

/**
 * @typedef {object} Stage
 * @property {string} title
 * @property {() => unknown} run a `Problem` thrown is the stage's failure
 * @property {boolean} [required] the stages after it make no sense if it fails
 */

/**
 * Runs the stages in order and answers the titles of those that failed.
 * @param {Stage[]} stages
 */
export async function runStages(stages) {
  const results = [];
  for (const { title, run, required } of stages) {
    console.log(`\n── ${title}`);
    const start = Date.now();
    const problem = await problemOf(run);
    if (problem) console.error(problem.message);
    results.push({ title, seconds: (Date.now() - start) / 1000, failed: problem !== undefined });
    if (problem && required) break;
  }
  printSummary(results);
  return results.filter((result) => result.failed).map((result) => result.title);
}

/**
 * @param {() => unknown} run
 * @returns {Promise<Problem | undefined>}
 */
async function problemOf(run) {
  try {
    await run();
    return undefined;
  } catch (error) {
    if (error instanceof Problem) return error;
    throw error;
  }
}

/** @param {{ title: string, seconds: number, failed: boolean }[]} results */
function printSummary(results) {
  console.log("");
  for (const { title, seconds, failed } of results) {
    console.log(`${seconds.toFixed(1).padStart(8)} s  ${title}${failed ? "  FAILED" : ""}`);
  }
}
