/** Drives the scenarios in turn and measures each phase. */

import { setTimeout as sleep } from "node:timers/promises";
import { Problem } from "../../scripts/lib/process.mjs";
import { cpuMicroseconds } from "./process-cpu.mjs";

const CONNECTIONS = 16;
/** The longest that one phase sends, so that a slow machine measures less, not longer. */
const PHASE_MILLISECONDS = 6_000;
/** The share of a phase that warms up. */
const WARM_UP = 0.5;
/** Deferred work is over when a quarter of a second used less CPU than this. */
const QUIET_MICROSECONDS = 20_000;
const QUIET_MILLISECONDS = 250;
const LONGEST_WAIT_MILLISECONDS = 4_000;

/**
 * @typedef {object} Phase
 * @property {number} requestsPerSecond
 * @property {number} cpu microseconds of the workerd process for each request, deferred work included
 * @property {number} p50 milliseconds
 * @property {number} p99 milliseconds
 */

/** Sends the requests of scenarios to one workerd; no request is sent twice. */
export class Driver {
  #load;
  #targets;
  #pid;
  #sent = 0;

  constructor({ load, targets, pid }) {
    this.#load = load;
    this.#targets = targets;
    this.#pid = pid;
  }

  async warmUp(scenario) {
    if (scenario.fillsCache) {
      await this.#run(scenario, { count: 1, unchecked: true });
      await this.#settle(scenario);
    }
    await this.send(scenario, Math.ceil(scenario.requests * WARM_UP));
    await this.#settle(scenario);
  }

  /** @returns {Promise<Phase>} */
  async measure(scenario) {
    const before = cpuMicroseconds(this.#pid);
    const { answered, seconds, p50, p99 } = await this.send(scenario, scenario.requests);
    await this.#settle(scenario);
    const used = cpuMicroseconds(this.#pid) - before;
    return { requestsPerSecond: answered / seconds, cpu: used / answered, p50, p99 };
  }

  send(scenario, count) {
    return this.#run(scenario, { count });
  }

  async #run(scenario, order) {
    const outcome = await this.#load.run({
      name: scenario.name,
      target: this.#targets.get(scenario.name),
      first: this.#sent,
      connections: CONNECTIONS,
      milliseconds: PHASE_MILLISECONDS,
      ...order,
    });
    this.#sent += order.count;
    if (outcome.problem) throw new Problem(`The benchmark stops: ${outcome.problem}`);
    return outcome;
  }

  /** Waits for what a scenario defers: it is part of its price, and must not be added to the next. */
  async #settle({ afterMilliseconds = 0 }) {
    await sleep(afterMilliseconds);
    const until = Date.now() + LONGEST_WAIT_MILLISECONDS;
    while (Date.now() < until) {
      const before = cpuMicroseconds(this.#pid);
      await sleep(QUIET_MILLISECONDS);
      if (cpuMicroseconds(this.#pid) - before < QUIET_MICROSECONDS) return;
    }
  }
}

/**
 * Rounds of all scenarios in turn, as many as are wanted or fit into the time, at least one.
 * @returns {Promise<Map<string, Phase[]>>} the phases of each scenario by its name, round by round
 */
export async function driveRounds({ driver, scenarios, rounds, until, onProgress }) {
  const measured = new Map(scenarios.map(({ name }) => [name, []]));
  for (const scenario of scenarios) {
    onProgress(`warming up: ${scenario.name}`);
    await driver.warmUp(scenario);
  }
  for (let round = 1; round <= rounds; round++) {
    const began = Date.now();
    for (const scenario of scenarios) {
      onProgress(`round ${round} of ${rounds}: ${scenario.name}`);
      measured.get(scenario.name).push(await driver.measure(scenario));
    }
    const took = Date.now() - began;
    if (Date.now() + took > until) break;
  }
  return measured;
}
