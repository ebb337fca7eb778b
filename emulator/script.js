// What a directive asks the answer to look like: `say=…` names features, `text="…"` gives the
// words.
import { badDirective, readDirectives, speaksOf } from "./directives.js";

/** @import { Script, Say } from "./types.js" */

/** Directive keys that are not faults. */
export const SCRIPT_KEYS = new Set(["say", "text"]);

/** @type {Set<Say>} */
const SAYS = new Set([
  "bad_arguments",
  "blocked",
  "cached",
  "citation",
  "empty",
  "length",
  "logprobs",
  "long",
  "no_arguments",
  "no_usage",
  "parallel_tools",
  "preamble",
  "reasoning",
  "redacted",
  "refusal",
  "safety",
  "unicode",
]);

/**
 * @param {string} target model id
 * @param {string} prompt
 * @returns {Script}
 */
export function readScript(target, prompt) {
  /** @type {Script} */
  const script = { says: new Set() };
  for (const directive of readDirectives(prompt)) {
    if (!speaksOf(directive, target, true)) continue;
    for (const [key, value] of directive.pairs) {
      if (key === "text") script.text = value;
      if (key === "say") for (const say of value.split(",")) script.says.add(readSay(say));
    }
  }
  return script;
}

/** @param {string} name @returns {Say} */
function readSay(name) {
  const say = /** @type {Say} */ (name);
  if (SAYS.has(say)) return say;
  throw badDirective(`say=${name} is unknown; there are ${[...SAYS].join(", ")}`);
}

const UNICODE =
  'Ñandú, “façade” — 日本語 🚀, 👩‍👩‍👧‍👦 and e\u0301; \u2028 عربى, 𝒳, \\ "quoted" </script>';
const LONG_SENTENCES = 200;

/**
 * The words the script gives the answer; undefined when it leaves them to the model.
 * @param {Script} script
 * @returns {string | undefined}
 */
export function scriptedText({ says, text }) {
  if (text !== undefined) return text;
  if (says.has("empty")) return "";
  if (says.has("unicode")) return UNICODE;
  if (says.has("long")) return longText();
  return undefined;
}

/** About ten thousand characters. */
function longText() {
  const sentence = (/** @type {number} */ number) => `This is sentence ${number} of a long answer.`;
  return Array.from({ length: LONG_SENTENCES }, (_, at) => sentence(at + 1)).join(" ");
}
