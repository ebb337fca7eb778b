/**
 * The load generator, in a process of its own: sends what a scenario says over so many connections
 * that stay open, each asking again as soon as it was answered.
 */

import { Agent, request as send } from "node:http";
import { quantile } from "./lib/statistics.mjs";
import { scenarios } from "./scenarios.mjs";

const agent = new Agent({ keepAlive: true, scheduling: "fifo" });

process.on("message", async (order) => process.send(await run(order)));
process.on("disconnect", () => process.exit());

/**
 * Sends requests numbered from `order.first`: as many as `order.count`, or as many as are answered
 * within `order.milliseconds`. The first that fails ends it, unless they are sent `unchecked`.
 */
async function run({ name, target, first, count, connections, milliseconds, unchecked }) {
  const scenario = scenarios.find((candidate) => candidate.name === name);
  const began = performance.now();
  const state = {
    next: first,
    end: first + count,
    until: began + milliseconds,
    problem: undefined,
  };
  const latencies = [];
  const lane = async () => {
    while (state.next < state.end && performance.now() < state.until && !state.problem) {
      const number = state.next++;
      const sent = performance.now();
      try {
        const response = await exchange(target.url, scenario.request(number, target));
        latencies.push(performance.now() - sent);
        if (!unchecked) state.problem ??= problemOf(scenario, response);
      } catch (error) {
        state.problem ??= `request ${number}: ${error.message}`;
      }
    }
  };
  await Promise.all(Array.from({ length: connections }, lane));
  const seconds = (performance.now() - began) / 1000;
  latencies.sort((left, right) => left - right);
  return {
    answered: latencies.length,
    problem: state.problem,
    seconds,
    p50: quantile(latencies, 0.5),
    p99: quantile(latencies, 0.99),
  };
}

function problemOf(scenario, { status, headers, body }) {
  if (status !== 200) return `${scenario.name} was answered ${status}: ${body}`;
  return scenario.check?.(headers, body);
}

function exchange(url, { path, headers, body }) {
  const { hostname, port } = new URL(url);
  const options = {
    agent,
    hostname,
    port,
    path,
    method: "POST",
    headers: {
      "content-type": "application/json",
      "content-length": Buffer.byteLength(body),
      ...headers,
    },
  };
  return new Promise((resolve, reject) => {
    const outgoing = send(options, (incoming) => {
      const chunks = [];
      incoming.on("data", (chunk) => chunks.push(chunk));
      incoming.on("error", reject);
      incoming.on("end", () => {
        const { statusCode: status, headers } = incoming;
        resolve({ status, headers, body: Buffer.concat(chunks).toString() });
      });
    });
    outgoing.on("error", reject);
    outgoing.end(body);
  });
}
