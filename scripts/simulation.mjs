/**
 * Simulates governors against a naive count of the same, with faults, from seeds:
 *
 *     npm run simulation                       1,000 seeds of 10,000 steps
 *     npm run simulation -- --seeds 50
 *     npm run simulation -- --seed 17          one again, to see it fail
 *
 * Prints steps, seeds, seconds and what happened how often. See test/native/governor/simulation.rs.
 */

import { parseArgs } from "node:util";
import { speedProfile } from "./lib/cargo.mjs";
import { runMain } from "./lib/main.mjs";
import { follow, Problem } from "./lib/process.mjs";

const defaultSeeds = "1000";
/** About ten times what it takes. */
const mostMilliseconds = 3_600_000;

async function main() {
  const args = ["test", ...speedProfile, "--test", "governor", "simulation", "--", "--nocapture"];
  const code = await follow("cargo", args, {
    env: wishes(),
    timeout: mostMilliseconds,
    onLine: (line) => console.log(line),
  });
  if (code !== 0) throw new Problem(`The simulation failed (${code}).`);
}

/** @returns {NodeJS.ProcessEnv} what the simulation is told */
function wishes() {
  const number = /** @type {const} */ ({ type: "string" });
  const { values } = parseArgs({ options: { seed: number, seeds: number } });
  const given = [values.seed, values.seeds].filter((value) => value !== undefined);
  const wrong = given.find((value) => !/^\d{1,9}$/.test(value));
  if (wrong !== undefined) throw new Problem(`"${wrong}" is not a whole number.`);
  if (values.seed !== undefined) return { GOVERNOR_SEED: values.seed };
  return { GOVERNOR_SEEDS: values.seeds ?? defaultSeeds };
}

await runMain(main);
