// Told to fail: rules set over RPC, and directives in the prompt for a person with curl.
//
// Rules live in the isolate's memory. workerd runs one isolate per Worker, shared by every caller
// and by the Durable Object, so this is one state for all, and a call without faults pays no hop.
import { ServiceError } from "./errors.js";
import { matchesGlob } from "./glob.js";

/** @import { FaultRule } from "./types.js" */

const DIRECTIVE = /\[\[emulator\s([^\]]*)\]\]/gu;
const PAIR = /(\w+)=(?:"([^"]*)"|([^\s"]+))/gu;
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
  hang: isBoolean,
  times: isCount,
};

/** Replaces every rule and starts counting anew. @param {FaultRule[]} next @throws {TypeError} */
export function setFaults(next) {
  if (!Array.isArray(next)) throw new TypeError("setFaults: expected an array of rules");
  for (const rule of next) checkRule(rule);
  rules = next.map((rule) => ({ rule, left: rule.times ?? Number.POSITIVE_INFINITY }));
}

/** Forgets every rule and how often directives have fired. */
export function clearFaults() {
  rules = [];
  fired.clear();
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
  const entry = rules.find(({ rule, left }) => left > 0 && applies(rule.model, target));
  if (entry) {
    entry.left -= 1;
    return entry.rule;
  }
  if (!prompt.includes("[[emulator")) return undefined;
  for (const [text, pairs] of prompt.matchAll(DIRECTIVE)) {
    const rule = parseDirective(pairs ?? "");
    const named = rule.model === undefined ? general : applies(rule.model, target);
    const count = fired.get(text) ?? 0;
    if (!named || count >= (rule.times ?? Number.POSITIVE_INFINITY)) continue;
    if (fired.size >= MAX_DIRECTIVES) fired.clear();
    fired.set(text, count + 1);
    return rule;
  }
  return undefined;
}

/** The text without its directives. @param {string} text */
export function withoutDirectives(text) {
  return text.includes("[[emulator") ? text.replaceAll(DIRECTIVE, "").trim() : text;
}

/** @param {string | undefined} glob @param {string} target */
function applies(glob, target) {
  if (glob === undefined) return true;
  return matchesGlob(glob, target) || (glob === "vectorize" && target.startsWith("vectorize."));
}

/** @param {string} pairs @returns {FaultRule} */
function parseDirective(pairs) {
  /** @type {FaultRule} */
  const rule = {};
  for (const [, key, quoted, bare] of pairs.matchAll(PAIR)) {
    applyPair(rule, key ?? "", quoted ?? bare ?? "");
  }
  try {
    checkRule(rule);
  } catch (error) {
    throw new ServiceError(400, undefined, `bad [[emulator]] directive: ${String(error)}`);
  }
  return rule;
}

/** @param {FaultRule} rule @param {string} key @param {string} value */
function applyPair(rule, key, value) {
  if (key === "delay") rule.delay_ms = Number(value);
  else if (key === "chunk_delay") rule.chunk_delay_ms = Number(value);
  else if (key === "cut") {
    const [count, how] = value.split(",");
    rule.cut_after_chunks = Number(count);
    if (how === "error") rule.cut_error = true;
  } else if (key in FIELDS) {
    const scalar = value === "true" || value === "false" ? value === "true" : value;
    const numeric = /^\d+$/u.test(value) && key !== "message" && key !== "body";
    Object.assign(rule, { [key]: numeric ? Number(value) : scalar });
  } else {
    throw new ServiceError(400, undefined, `bad [[emulator]] directive: unknown key ${key}`);
  }
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
