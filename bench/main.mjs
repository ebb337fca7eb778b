/** Runs the benchmark, or profiles one scenario. Started by `scripts/bench.mjs`; see README.md. */

import { writeFile } from "node:fs/promises";
import { cpus, loadavg } from "node:os";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { runMain } from "../scripts/lib/main.mjs";
import { Problem } from "../scripts/lib/process.mjs";
import { stateDirectory } from "../scripts/lib/project.mjs";
import { startLoad, startUpstream } from "./lib/children.mjs";
import { prepareGateway } from "./lib/gateway.mjs";
import { profileOf, summaryOf } from "./lib/profile.mjs";
import { comparisonsOf, figuresOf, tableOf } from "./lib/report.mjs";
import { Driver, driveRounds } from "./lib/rounds.mjs";
import { adminKey, startWorkerd } from "./lib/workerd.mjs";
import { scenarios as all, floors } from "./scenarios.mjs";

/** How many functions a profile names. */
const TOP_FUNCTIONS = 15;

const { values: options } = parseArgs({
  options: {
    json: { type: "string" },
    only: { type: "string" },
    profile: { type: "boolean", default: false },
    rounds: { type: "string", default: "7" },
    seconds: { type: "string", default: "150" },
  },
});

async function main() {
  const scenarios = chosen();
  const stops = [];
  try {
    const upstream = await startUpstream();
    stops.push(upstream.stop);
    const load = startLoad();
    stops.push(load.stop);
    const workerd = await startWorkerd({ upstream: upstream.url, inspect: options.profile });
    stops.push(workerd.stop);
    const driver = new Driver({ load, pid: workerd.pid, targets: await targetsOf(workerd) });
    if (options.profile) await profile(driver, workerd, scenarios);
    else await measure(driver, scenarios);
  } finally {
    for (const stop of stops.reverse()) await stop();
  }
}

/** The scenarios named by `--only`, beside the floors; a profile is of the first. */
function chosen() {
  const names = options.only?.split(",") ?? [];
  const unknown = names.find((name) => !all.some((scenario) => scenario.name === name));
  if (unknown) {
    const known = all.map(({ name }) => name).join(", ");
    throw new Problem(`There is no scenario ${unknown}, only: ${known}.`);
  }
  const wanted = all.filter(({ name }) => names.length === 0 || names.includes(name));
  if (options.profile) return names.length > 0 ? wanted : all.filter(({ name }) => name === "chat");
  const compared = [...floors, ...wanted.map(({ against }) => against?.scenario)];
  return all.filter((scenario) => compared.includes(scenario) || wanted.includes(scenario));
}

/** Where the requests of each scenario go. */
async function targetsOf(workerd) {
  const keys = await prepareGateway(await workerd.url("esclusa"), adminKey);
  const targets = all.map(async ({ name, worker, org = "strict" }) => [
    name,
    { url: await workerd.url(worker), apiKey: keys.get(org) },
  ]);
  return new Map(await Promise.all(targets));
}

async function measure(driver, scenarios) {
  const until = Date.now() + positive("seconds") * 1000;
  const machine = { cores: cpus().length, load_before: loadavg()[0], load_after: 0 };
  const rounds = positive("rounds");
  const measured = await driveRounds({ driver, scenarios, rounds, until, onProgress });
  machine.load_after = loadavg()[0];
  const figures = figuresOf(scenarios, floors, measured);
  onProgress("");
  for (const { name, title } of scenarios) console.log(`${name}: ${title}`);
  console.log(`\n${tableOf(figures).join("\n")}\n`);
  for (const line of comparisonsOf(figures)) console.log(line);
  console.log(
    `Medians over ${figures[0].rounds} rounds (least–greatest); CPU is that of the workerd process.`,
  );
  console.log(
    `Load of the ${machine.cores} cores: ${machine.load_before.toFixed(1)} before, ` +
      `${machine.load_after.toFixed(1)} after.`,
  );
  if (options.json) {
    await writeFile(options.json, `${JSON.stringify({ machine, figures }, null, 2)}\n`);
  }
}

async function profile(driver, workerd, [scenario]) {
  onProgress(`warming up: ${scenario.name}`);
  await driver.warmUp(scenario);
  onProgress(`profiling: ${scenario.name}`);
  const taken = await profileOf(await workerd.inspectorUrl(), scenario.worker, () =>
    driver.measure(scenario),
  );
  const file = join(stateDirectory, `${scenario.name}.cpuprofile`);
  await writeFile(file, JSON.stringify(taken));
  const { functions, kinds, owners } = summaryOf(taken);
  onProgress("");
  console.log(`${scenario.name}: ${scenario.title}`);
  console.log(`Shares of the time in the isolate of ${scenario.worker}, by kind of code:\n`);
  printShares(kinds);
  console.log("By function, its own time:\n");
  printShares(functions.slice(0, TOP_FUNCTIONS));
  console.log("By function of the gateway, with what others do for it:\n");
  printShares(owners.slice(0, TOP_FUNCTIONS));
  console.log(`The whole profile, for a browser's developer tools: ${file}`);
}

function printShares(list) {
  for (const { name, share } of list) {
    console.log(`${(share * 100).toFixed(1).padStart(5)} %  ${name}`);
  }
  console.log();
}

function positive(name) {
  const value = Number(options[name]);
  if (value > 0) return value;
  throw new Problem(`--${name} takes a number above 0.`);
}

/** One line that replaces the last, where somebody is looking. */
function onProgress(text) {
  if (process.stdout.isTTY) process.stdout.write(`\r\u001b[K${text}`);
  else if (text) console.log(text);
}

await runMain(main);
