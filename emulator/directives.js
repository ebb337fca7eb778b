// Directives in a prompt, `[[emulator key=value …]]`: they ask for a fault (faults.js) or for what
// the answer is to look like (script.js).
import { ServiceError } from "./errors.js";
import { matchesGlob } from "./glob.js";

/** @typedef {{ source: string, pairs: [key: string, value: string][] }} Directive */

const DIRECTIVE = /\[\[emulator\s([^\]]*)\]\]/gu;
const PAIR = /(\w+)=(?:"([^"]*)"|([^\s"]+))/gu;

/** @param {string} prompt @returns {Directive[]} */
export function readDirectives(prompt) {
  if (!prompt.includes("[[emulator")) return [];
  return [...prompt.matchAll(DIRECTIVE)].map(([source, inside = ""]) => ({
    source,
    pairs: [...inside.matchAll(PAIR)].map(([, key = "", quoted, bare = ""]) => [
      key,
      quoted ?? bare,
    ]),
  }));
}

/** The text without its directives. @param {string} text */
export function withoutDirectives(text) {
  return text.includes("[[emulator") ? text.replaceAll(DIRECTIVE, "").trim() : text;
}

/**
 * Whether a directive speaks of a target: one that names no model speaks of text generation.
 * @param {Directive} directive
 * @param {string} target
 * @param {boolean} general whether the target is text generation
 */
export function speaksOf({ pairs }, target, general) {
  const glob = pairs.find(([key]) => key === "model")?.[1];
  return glob === undefined ? general : covers(glob, target);
}

/** @param {string} glob @param {string} target model id or `vectorize.<operation>` */
export function covers(glob, target) {
  return matchesGlob(glob, target) || (glob === "vectorize" && target.startsWith("vectorize."));
}

/** @param {string} problem */
export function badDirective(problem) {
  return new ServiceError(400, undefined, `bad [[emulator]] directive: ${problem}`);
}
