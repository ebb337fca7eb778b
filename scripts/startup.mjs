/**
 * Prints how long the built Worker takes to start: the median of several runs of `wrangler check startup`,
 * which profiles it in workerd on this machine. Cloudflare allows one second.
 */

import { mkdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { build } from "./build.mjs";
import { runMain } from "./lib/main.mjs";
import { capture, Problem } from "./lib/process.mjs";
import { stateDirectory } from "./lib/project.mjs";
import { toolEnvironment } from "./setup/environment.mjs";
import { setup } from "./setup.mjs";

/**
 * @typedef {object} Profile the parts of a .cpuprofile that are read here
 * @property {{ id: number, callFrame: { functionName: string } }[]} nodes
 * @property {number[]} samples ids of nodes
 * @property {number[]} timeDeltas microseconds, one for each sample
 */

/** The profiler looks every few milliseconds: one run alone says little. */
const runs = 5;

const profilePath = join(stateDirectory, "startup.cpuprofile");

async function main() {
  await setup();
  await build();
  mkdirSync(stateDirectory, { recursive: true });
  const figures = [];
  for (let count = 0; count < runs; count += 1) figures.push(await measure());
  figures.sort((one, other) => one - other);
  const shown = figures.map((figure) => figure.toFixed(1)).join(", ");
  console.log(
    `Start-up: ${figures[Math.floor(runs / 2)]?.toFixed(1)} ms active (median of ${shown})`,
  );
}

/** One profile: the milliseconds in which the start-up was not idle. */
async function measure() {
  const args = ["check", "startup", "--outfile", profilePath];
  const { code, stdout, stderr } = await capture("wrangler", args, { env: toolEnvironment() });
  if (code !== 0) throw new Problem(`\`wrangler check startup\` failed:\n${stderr}${stdout}`);
  return activeMilliseconds(JSON.parse(readFileSync(profilePath, "utf8")));
}

/** @param {Profile} profile */
function activeMilliseconds({ nodes, samples, timeDeltas }) {
  const idle = new Set(
    nodes.filter(({ callFrame }) => callFrame.functionName === "(idle)").map(({ id }) => id),
  );
  const active = samples.map((id, index) => (idle.has(id) ? 0 : (timeDeltas[index] ?? 0)));
  return active.reduce((sum, microseconds) => sum + microseconds, 0) / 1000;
}

await runMain(main);
