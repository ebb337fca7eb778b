// https://platform.openai.com/docs/api-reference/moderations
import { withoutDirectives } from "../../directives.js";
import { badRequest } from "../../errors.js";
import { hazardsIn } from "../../guard.js";
import { idOf } from "../../ids.js";

/** @import { Json, Model } from "../../types.js" */

/** Each category and the hazard of Llama Guard that stands for it; without one it is never seen. */
const CATEGORIES = {
  harassment: "S5",
  "harassment/threatening": "",
  hate: "S10",
  "hate/threatening": "",
  illicit: "S2",
  "illicit/violent": "S9",
  "self-harm": "S11",
  "self-harm/intent": "",
  "self-harm/instructions": "",
  sexual: "S12",
  "sexual/minors": "S4",
  violence: "S1",
  "violence/graphic": "",
};
const TINY = 0.0001;
const SURE = 0.9999;

/** @param {Model} model @param {Json} inputs @returns {Json} */
export function runModerations({ name }, inputs) {
  const texts = readInput(inputs.input);
  return { id: `modr-${idOf(name, texts)}`, model: name, results: texts.map(judge) };
}

/** A text, texts, or the parts of one message. @param {any} input @returns {string[]} */
function readInput(input) {
  if (typeof input === "string") return [withoutDirectives(input)];
  if (!Array.isArray(input) || input.length === 0) {
    throw badRequest("Missing required parameter: 'input'.", "input", "missing_required_parameter");
  }
  if (input.every((item) => typeof item === "string")) return input.map(withoutDirectives);
  return [input.map((part) => withoutDirectives(String(part?.text ?? ""))).join("\n")];
}

/** @param {string} text @returns {Json} */
function judge(text) {
  const found = new Set(hazardsIn(text));
  const seen = Object.entries(CATEGORIES).map(([category, hazard]) => ({
    category,
    hit: found.has(hazard),
  }));
  const each = (/** @type {(hit: boolean) => unknown} */ value) =>
    Object.fromEntries(seen.map(({ category, hit }) => [category, value(hit)]));
  return {
    flagged: seen.some(({ hit }) => hit),
    categories: each((hit) => hit),
    category_scores: each((hit) => (hit ? SURE : TINY)),
    category_applied_input_types: each(() => ["text"]),
  };
}
