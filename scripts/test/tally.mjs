/** What the suites of a run add up to. */

/**
 * @typedef {object} TimedTest
 * @property {string} name
 * @property {number} seconds
 *
 * @typedef {object} Tally
 * @property {number} passed
 * @property {number} failed
 * @property {TimedTest[]} tests those whose time is known
 */

const slowestShown = 10;

/** @returns {Tally} */
export function emptyTally() {
  return { passed: 0, failed: 0, tests: [] };
}

/** @param {Tally} tally */
export function printSlowest({ tests }) {
  if (tests.length === 0) return;
  const slowest = [...tests].sort((one, other) => other.seconds - one.seconds);
  console.log("\nThe slowest tests:");
  for (const { name, seconds } of slowest.slice(0, slowestShown)) {
    console.log(`${seconds.toFixed(2).padStart(8)} s  ${name}`);
  }
}
