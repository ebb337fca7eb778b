/**
 * Every test, or with arguments only some of the suites:
 *
 *     npm test -- native     the core, compiled for this machine
 *     npm test -- tools      the scripts, the configuration and the emulator
 *     npm test -- edge       the built Worker in workerd
 *     npm test -- clients    real SDKs against the built Worker
 *
 * Ends with how long each stage took, the ten slowest tests and how many tests passed and failed.
 */

import { build } from "./build.mjs";
import { runMain } from "./lib/main.mjs";
import { Problem } from "./lib/process.mjs";
import { runStages } from "./lib/stages.mjs";
import { setup } from "./setup.mjs";
import { runNativeTests } from "./test/native.mjs";
import { emptyTally, printSlowest } from "./test/tally.mjs";
import { runWorkerTests } from "./test/worker.mjs";

const workerSuites = ["tools", "edge", "clients"];
const suites = ["native", ...workerSuites];

async function main() {
  const wanted = wantedSuites(process.argv.slice(2));
  const tally = emptyTally();
  const failed = await runStages(stagesOf(wanted, tally));
  printSlowest(tally);
  if (failed.length > 0) console.log(`\nFailed: ${failed.join(", ")}.`);
  console.log(`\n${tally.passed} passed, ${tally.failed} failed`);
  process.exitCode = failed.length > 0 ? 1 : 0;
}

/** @param {string[]} args */
function wantedSuites(args) {
  const unknown = args.find((argument) => !suites.includes(argument));
  if (unknown !== undefined) {
    throw new Problem(`There is no suite \`${unknown}\`. The suites are ${suites.join(", ")}.`);
  }
  return args.length > 0 ? args : suites;
}

/**
 * @param {string[]} wanted
 * @param {import("./test/tally.mjs").Tally} tally
 * @returns {import("./lib/stages.mjs").Stage[]}
 */
function stagesOf(wanted, tally) {
  const stages = [{ title: "set-up", run: () => setup(), required: true }];
  if (wanted.includes("native")) {
    stages.push({ title: "native tests", run: () => runNativeTests(tally), required: false });
  }
  const projects = workerSuites.filter((suite) => wanted.includes(suite));
  if (projects.some((project) => project !== "tools")) {
    stages.push({ title: "build", run: build, required: true });
  }
  if (projects.length > 0) {
    const title = `${projects.join(", ")} tests`;
    stages.push({ title, run: () => runWorkerTests(projects, tally), required: false });
  }
  return stages;
}

await runMain(main);
