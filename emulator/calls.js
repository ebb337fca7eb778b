// The log of calls, for tests. In the isolate's memory for the reason given in faults.js; bounded
// in number and in bytes, so that a benchmark can run against the emulator for hours.
import { matchesGlob } from "./glob.js";

/** @import { Call, CallFilter, CallOutcome } from "./types.js" */

const MAX_CALLS = 1_000;
const MAX_BYTES = 16 * 1_024 * 1_024;
const MAX_CALL_BYTES = 1_024 * 1_024;
const MAX_DEPTH = 32;

/** @type {{ call: Call, bytes: number }[]} */
let log = [];
let bytesHeld = 0;

/**
 * Records a call; the outcome returned is filled in as the call proceeds.
 * @param {string} model
 * @param {unknown} inputs
 * @param {unknown} options
 * @param {Pick<Call, "url" | "method" | "headers">} [http]
 * @returns {CallOutcome}
 */
export function recordCall(model, inputs, options, http) {
  const budget = { left: MAX_CALL_BYTES };
  /** @type {Call} */
  const call = {
    model,
    inputs: snapshot(inputs, budget, 0),
    options: snapshot(options, budget, 0),
    ...http,
    at: Date.now(),
    outcome: {},
  };
  if (budget.left < 0) call.inputs = "[more than 1 MiB]";
  const bytes = budget.left < 0 ? 0 : MAX_CALL_BYTES - budget.left;
  log.push({ call, bytes });
  bytesHeld += bytes;
  while (log.length > MAX_CALLS || bytesHeld > MAX_BYTES) bytesHeld -= log.shift()?.bytes ?? 0;
  return call.outcome;
}

/** Recorded calls, most recent last. @param {CallFilter} [filter] @returns {Call[]} */
export function recordedCalls({ model = "*", since = 0 } = {}) {
  return log
    .map(({ call }) => call)
    .filter((call) => call.at >= since && covers(model, call.model));
}

export function clearCalls() {
  log = [];
  bytesHeld = 0;
}

/** @param {string} glob @param {string} model */
function covers(glob, model) {
  return matchesGlob(glob, model) || (glob === "vectorize" && model.startsWith("vectorize."));
}

/**
 * A copy that can cross RPC again: what is not plain data is named instead.
 * @param {unknown} value
 * @param {{ left: number }} budget
 * @param {number} depth
 * @returns {unknown}
 */
function snapshot(value, budget, depth) {
  budget.left -= typeof value === "string" ? value.length : 8;
  if (typeof value !== "object" || value === null) {
    return typeof value === "function" ? "[function]" : value;
  }
  if (budget.left < 0 || depth > MAX_DEPTH) return "[left out]";
  if (Array.isArray(value)) return value.map((item) => snapshot(item, budget, depth + 1));
  const prototype = Object.getPrototypeOf(value);
  if (prototype !== Object.prototype && prototype !== null) {
    return `[${value.constructor?.name ?? "object"}]`;
  }
  /** @type {Record<string, unknown>} */
  const copy = {};
  for (const [key, item] of Object.entries(value)) {
    budget.left -= key.length;
    copy[key] = snapshot(item, budget, depth + 1);
  }
  return copy;
}
