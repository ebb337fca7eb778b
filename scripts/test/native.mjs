/** `cargo test` on the stable toolchain, with the time of each test. */

import { capture, follow, Problem } from "../lib/process.mjs";
import { toolEnvironment } from "../setup/environment.mjs";

/** @typedef {import("./tally.mjs").Tally} Tally */

const unitTests = ["test", "--no-fail-fast", "--lib", "--bins", "--tests"];
const documentationTests = ["test", "--no-fail-fast", "--doc"];
const reportTime = ["--", "-Zunstable-options", "--report-time"];

/** With a time only where the test harness reports it: `test governor::expires ... ok <0.003s>`. */
const passedTest = /^test (.+) \.\.\. ok(?: <([\d.]+)s>)?$/;
const suiteResult = /^test result: \w+\. (\d+) passed; (\d+) failed;/;
const timesRefused = /`Z` is only accepted on the nightly/;

/**
 * Runs the unit, integration and documentation tests. Lines of tests that passed are left out.
 * @param {Tally} tally
 */
export async function runNativeTests(tally) {
  const timed = await cargo([...unitTests, ...reportTime], await timingEnvironment(), tally);
  if (timed.refused) console.log("\nThis toolchain reports no times: once more without them.\n");
  const unit = timed.refused ? await cargo(unitTests, {}, tally) : timed;
  const documentation = await cargo(documentationTests, {}, tally);
  if (unit.code !== 0 || documentation.code !== 0) throw new Problem("`cargo test` failed.");
}

/**
 * @param {string[]} args
 * @param {NodeJS.ProcessEnv} environment
 * @param {Tally} tally
 */
async function cargo(args, environment, tally) {
  let refused = false;
  const onLine = (/** @type {string} */ line) => {
    const [, passed, failed] = suiteResult.exec(line) ?? [];
    tally.passed += Number(passed ?? 0);
    tally.failed += Number(failed ?? 0);
    refused ||= timesRefused.test(line);
    const [isPassed, name, seconds] = passedTest.exec(line) ?? [];
    if (isPassed === undefined) console.log(line);
    else if (seconds !== undefined) tally.tests.push({ name, seconds: Number(seconds) });
  };
  const env = { ...toolEnvironment(), ...environment };
  const code = await follow("cargo", args, { env, onLine });
  return { code, refused };
}

/**
 * Times are an unstable option of the test harness. The variable that allows it on a stable toolchain
 * is given to the tests only, by way of cargo's runner: given to cargo, it would compile every crate
 * again in another way.
 */
async function timingEnvironment() {
  const { stdout } = await capture("rustc", ["-vV"]);
  const host = /^host: (.+)$/m.exec(stdout)?.[1] ?? "";
  const variable = `CARGO_TARGET_${host.replaceAll("-", "_").toUpperCase()}_RUNNER`;
  return { [variable]: "env RUSTC_BOOTSTRAP=1" };
}
