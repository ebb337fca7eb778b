/** The tests that vitest runs, with the time of each. */

import { existsSync, mkdirSync, readFileSync, rmSync } from "node:fs";
import { join, relative } from "node:path";
import { Problem, run } from "../lib/process.mjs";
import { root, stateDirectory } from "../lib/project.mjs";
import { toolEnvironment } from "../setup/environment.mjs";

/**
 * @typedef {import("./tally.mjs").Tally} Tally
 *
 * @typedef {object} FileReport
 * @property {string} name path of the file
 * @property {"passed" | "failed"} status
 * @property {{ fullName: string, status: string, duration?: number | null }[]} assertionResults
 */

const report = join(stateDirectory, "vitest.json");

/**
 * Runs some of the projects of vitest.config.ts.
 * @param {string[]} projects
 * @param {Tally} tally
 */
export async function runWorkerTests(projects, tally) {
  mkdirSync(stateDirectory, { recursive: true });
  rmSync(report, { force: true });
  const chosen = projects.flatMap((project) => ["--project", project]);
  const reporters = ["--reporter=default", "--reporter=json", `--outputFile.json=${report}`];
  try {
    await run("vitest", ["run", ...chosen, ...reporters], { env: toolEnvironment() });
  } finally {
    count(tally);
  }
}

/** @param {Tally} tally */
function count(tally) {
  if (!existsSync(report)) throw new Problem("vitest wrote no report.");
  /** @type {{ testResults: FileReport[] }} */
  const { testResults } = JSON.parse(readFileSync(report, "utf8"));
  for (const file of testResults) countFile(file, tally);
}

/** @param {FileReport} file @param {Tally} tally */
function countFile({ name, status, assertionResults }, tally) {
  const failed = assertionResults.filter((test) => test.status === "failed").length;
  tally.passed += assertionResults.filter((test) => test.status === "passed").length;
  // A file that cannot be loaded, or whose set-up breaks, has failed without a test that has.
  tally.failed += failed === 0 && status === "failed" ? 1 : failed;
  for (const { fullName, duration } of assertionResults) {
    const seconds = (duration ?? 0) / 1000;
    tally.tests.push({ name: `${relative(root, name)}: ${fullName.trim()}`, seconds });
  }
}
