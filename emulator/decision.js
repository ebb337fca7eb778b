// Clef without a model: of the options of a choice, the one whose words the state has most of.
import { workersAiError } from "./errors.js";
import { countTokens, fold } from "./text.js";

/** @import { Json } from "./types.js" */

/**
 * Answers choices; the other types of questions are not emulated.
 * https://developers.cloudflare.com/workers-ai/models/clef-flash/
 * @param {Json} inputs `{model, state, questions: {id: {type: "choice", instructions, criteria}}}`
 * @returns {Json} `{model, answers: {id: {type, choice, probabilities, confidence}}, usage}`
 */
export function runDecision({ model, state, questions }) {
  const text = typeof state === "string" ? state : JSON.stringify(state);
  if (text === undefined || typeof questions !== "object" || questions === null) {
    throw workersAiError(5006, "Error: required properties at '/' are 'model,state,questions'");
  }
  const words = new Set(fold(text).match(/\w+/gu) ?? []);
  const answers = Object.entries(questions).map(([id, question]) => [id, choose(words, question)]);
  const tokens = countTokens(text) + countTokens(JSON.stringify(questions));
  return {
    model,
    answers: Object.fromEntries(answers),
    usage: { input_tokens: tokens, output_tokens: 0 },
    emulated: true,
  };
}

/** @param {Set<string>} words @param {Json} question @returns {Json} */
function choose(words, question) {
  if (question?.type !== "choice" || typeof question.criteria !== "object") {
    throw workersAiError(5006, "Error: only choices are emulated");
  }
  const weights = Object.entries(question.criteria).map(([option, description]) => {
    const named = fold(`${option} ${description ?? ""}`).match(/[a-z0-9]+/gu) ?? [];
    return /** @type {const} */ ([option, 1 + 9 * named.filter((word) => words.has(word)).length]);
  });
  const all = weights.reduce((sum, [, weight]) => sum + weight, 0);
  const probabilities = weights.map(
    ([option, weight]) => /** @type {const} */ ([option, weight / all]),
  );
  const [choice, confidence] = probabilities.reduce((best, next) =>
    next[1] > best[1] ? next : best,
  );
  return { type: "choice", choice, probabilities: Object.fromEntries(probabilities), confidence };
}
