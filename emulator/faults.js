// Told to fail: rules set over RPC, and directives in the prompt for a person with curl.
//
// Rules live in the isolate's memory. workerd runs one isolate per Worker, shared by every caller
// and by the Durable Object, so this is one state for all, and a call without faults pays no hop.

import { badDirective, covers, readDirectives, speaksOf } from "./directives.js";
import { forgetPrefixes } from "./prefix_cache.js";
import { SCRIPT_KEYS } from "./script.js";

/** @import { FaultRule } from "./types.js" */

const MAX_DIRECTIVES = 10_000;

/** @type {{ rule: FaultRule, left: number }[]} */
let rules = [];
/** How often each distinct directive text has fired. @type {Map<string, number>} */
const fired = new Map();

/** @type {Record<keyof FaultRule, (value: unknown) => boolean>} */
const FIELDS = {
  model: isString,
  status: (value) => isCount(value) && value >= 200 && value <= 599,
  code: (value) => isString(value) || isCount(value),
  message: isString,
  envelope: (value) => ["errors", "error", "internal"].includes(/** @type {string} */ (value)),
  body: isString,
  content_type: isString,
  headers: (value) => typeof value === "object" && value !== null,
  delay_ms: isCount,
  chunk_delay_ms: isCount,
  cut_after_chunks: isCount,
  cut_error: isBoolean,
  cut_event: isBoolean,
  hang: isBoolean,
  html: isBoolean,
  empty: isBoolean,
  bytes: isCount,
  endless: isBoolean,
  times: isCount,
};

/** Directive keys that are shorter than the field they stand for. @type {Record<string, string>} */
const SHORT = { delay: "delay_ms", chunk_delay: "chunk_delay_ms" };
const TEXTS = new Set(["model", "message", "body", "content_type", "envelope"]);

/** Replaces every rule and starts counting anew. @param {FaultRule[]} next @throws {TypeError} */
export function setFaults(next) {
  if (!Array.isArray(next)) throw new TypeError("setFaults: expected an array of rules");
  for (const rule of next) checkRule(rule);
  rules = next.map((rule) => ({ rule, left: rule.times ?? Number.POSITIVE_INFINITY }));
}

/** Forgets every rule, how often directives have fired, and the prompts providers have cached. */
export function clearFaults() {
  rules = [];
  fired.clear();
  forgetPrefixes();
}

/**
 * The fault for this call, if any; taking it counts against its `times`. Rules come before
 * directives, earlier before later.
 * @param {string} target model id or `vectorize.<operation>`
 * @param {string} [prompt] text that may hold directives
 * @param {boolean} [general] whether directives that name no model apply to this target
 * @returns {FaultRule | undefined}
 */
export function takeFault(target, prompt = "", general = false) {
  const entry = rules.find(({ rule, left }) => left > 0 && covers(rule.model ?? "*", target));
  if (entry) {
    entry.left -= 1;
    return entry.rule;
  }
  for (const directive of readDirectives(prompt)) {
    const rule = parseDirective(directive.pairs);
    if (!rule || !speaksOf(directive, target, general)) continue;
    const count = fired.get(directive.source) ?? 0;
    if (count >= (rule.times ?? Number.POSITIVE_INFINITY)) continue;
    if (fired.size >= MAX_DIRECTIVES) fired.clear();
    fired.set(directive.source, count + 1);
    return rule;
  }
  return undefined;
}

/**
 * @param {[string, string][]} pairs
 * @returns {FaultRule | undefined} undefined when the directive asks for no fault
 */
function parseDirective(pairs) {
  const faults = pairs.filter(([key]) => !SCRIPT_KEYS.has(key));
  const scripted = faults.length < pairs.length;
  if (scripted && faults.every(([key]) => key === "model")) return undefined;
  /** @type {FaultRule} */
  const rule = {};
  for (const [key, value] of faults) applyPair(rule, key, value);
  try {
    checkRule(rule);
  } catch (error) {
    throw badDirective(String(error));
  }
  return rule;
}

/** @param {FaultRule} rule @param {string} key @param {string} value */
function applyPair(rule, key, value) {
  const field = SHORT[key] ?? key;
  if (key === "cut") {
    const [count, how] = value.split(",");
    rule.cut_after_chunks = Number(count);
    if (how === "error") rule.cut_error = true;
    if (how === "event") rule.cut_event = true;
  } else if (field in FIELDS) {
    Object.assign(rule, { [field]: parseValue(field, value) });
  } else {
    throw badDirective(`unknown key ${key}`);
  }
}

/** @param {string} field @param {string} value */
function parseValue(field, value) {
  if (TEXTS.has(field)) return value;
  if (FIELDS[/** @type {keyof FaultRule} */ (field)] === isBoolean) {
    return value === "true" || value === "1";
  }
  return /^\d+$/u.test(value) ? Number(value) : value;
}

/** @param {FaultRule} rule @throws {TypeError} */
function checkRule(rule) {
  if (typeof rule !== "object" || rule === null) throw new TypeError("a fault rule is an object");
  for (const [key, value] of Object.entries(rule)) {
    if (value === undefined) continue;
    const check = FIELDS[/** @type {keyof FaultRule} */ (key)];
    if (!check) throw new TypeError(`unknown field ${key} in a fault rule`);
    if (!check(value)) throw new TypeError(`bad value for ${key} in a fault rule`);
  }
  if (rule.status !== undefined && rule.status < 400 && rule.body === undefined) {
    throw new TypeError("a status below 400 needs a body in a fault rule");
  }
}

/** @param {unknown} value @returns {value is string} */
function isString(value) {
  return typeof value === "string";
}

/** @param {unknown} value @returns {value is number} */
function isCount(value) {
  return Number.isSafeInteger(value) && Number(value) >= 0;
}

/** @param {unknown} value @returns {value is boolean} */
function isBoolean(value) {
  return typeof value === "boolean";
}
