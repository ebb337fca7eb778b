// The BGE reranker without a model: how much of the query a passage covers, rare words first.
import { withoutDirectives } from "./directives.js";
import { dot, embed, readContexts } from "./embeddings.js";
import { workersAiError } from "./errors.js";
import { contentStems } from "./text.js";

/** @import { Json } from "./types.js" */

const OVERLAP_WEIGHT = 0.8;

/**
 * https://developers.cloudflare.com/workers-ai/models/bge-reranker-base/
 * @param {Json} inputs `{query, contexts: [{text}], top_k?}`
 * @returns {Json} `{response: [{id, score}]}`, best first, scores 0 to 1
 */
export function runRerank({ query, contexts, top_k: topK }) {
  const texts = readContexts(query, contexts);
  if (topK !== undefined && (!Number.isSafeInteger(topK) || topK < 1)) {
    throw workersAiError(5006, "Error: '/top_k' must be >= 1");
  }
  const response = score(withoutDirectives(query), texts)
    .map((value, id) => ({ id, score: value }))
    .sort((left, right) => right.score - left.score || left.id - right.id)
    .slice(0, topK ?? texts.length);
  return { response, emulated: true };
}

/** @param {string} query @param {string[]} texts @returns {number[]} */
function score(query, texts) {
  const asked = contentStems(query);
  const stems = texts.map(contentStems);
  const weight = new Map([...asked].map((stem) => [stem, rarity(stem, stems)]));
  const total = [...weight.values()].reduce((sum, value) => sum + value, 0) || 1;
  const vector = embed(query);
  return texts.map((text, at) => {
    let covered = 0;
    for (const [stem, value] of weight) if (stems[at]?.has(stem)) covered += value;
    const near = Math.max(0, dot(vector, embed(text)));
    return OVERLAP_WEIGHT * (covered / total) + (1 - OVERLAP_WEIGHT) * near;
  });
}

/** @param {string} stem @param {Set<string>[]} texts */
function rarity(stem, texts) {
  const holding = texts.filter((text) => text.has(stem)).length;
  return Math.log1p(texts.length / (1 + holding));
}
