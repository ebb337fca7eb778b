/**
 * Replays half an hour without one provider through the whole pipeline, in virtual time:
 *
 *     npm run outages
 *
 * Each of four providers answers 500, 429 or nothing while requests go on at 1, 10 and 100 in a second over
 * three isolates. Prints what was answered, how many calls that took and how much longer, and fails where
 * that is not what docs/ARCHITECTURE.md promises. See test/native/outages.
 */

import { speedProfile } from "./lib/cargo.mjs";
import { runMain } from "./lib/main.mjs";
import { follow, Problem } from "./lib/process.mjs";

/** About ten times what it takes. */
const mostMilliseconds = 3_600_000;

async function main() {
  const args = [
    "test",
    ...speedProfile,
    "--test",
    "outages",
    "--",
    "--nocapture",
    "--test-threads=1",
  ];
  const code = await follow("cargo", args, {
    env: { OUTAGES: "all" },
    timeout: mostMilliseconds,
    onLine: (line) => console.log(line),
  });
  if (code !== 0) throw new Problem(`The replay failed (${code}).`);
}

await runMain(main);
