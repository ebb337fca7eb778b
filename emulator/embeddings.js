// BGE-M3 without a model: hashed words and character n-grams: lexically near texts are near.
import { withoutDirectives } from "./directives.js";
import { workersAiError } from "./errors.js";
import { contentStems, countTokens, words } from "./text.js";
import { windowError } from "./window.js";

/** @import { Json, Model } from "./types.js" */

const DIMENSIONS = 1_024;
const MAX_TEXTS = 100;
const SHORTEST_GRAM = 3;
const LONGEST_GRAM = 5;
const WORD_WEIGHT = 1;
const GRAM_WEIGHT = 0.25;
const STOP_WORD_WEIGHT = 0.1;

/**
 * `{text}` gives vectors, `{query, contexts}` scores.
 * https://developers.cloudflare.com/workers-ai/models/bge-m3/
 * @param {Model} model
 * @param {Json} inputs
 * @returns {Json}
 */
export function runEmbeddings(model, inputs) {
  if (inputs.query !== undefined) return scoreContexts(inputs);
  const texts = readTexts(inputs.text);
  for (const text of texts) checkLength(model, text, inputs.truncate_inputs === true);
  const data = texts.map((text) => embed(text));
  return { shape: [data.length, DIMENSIONS], data, pooling: "cls", emulated: true };
}

/** @param {unknown} given @returns {string[]} */
function readTexts(given) {
  const texts = typeof given === "string" ? [given] : given;
  if (!Array.isArray(texts) || !texts.every((text) => typeof text === "string" && text !== "")) {
    throw workersAiError(
      5006,
      "Error: oneOf at '/' not met, 0 matches: required properties at '/' are 'text', " +
        "'/text' must be a non-empty string or an array of them",
    );
  }
  if (texts.length === 0 || texts.length > MAX_TEXTS) {
    throw workersAiError(5006, `Error: Length of '/text' must be 1 to ${MAX_TEXTS}`);
  }
  return texts.map(withoutDirectives);
}

/** @param {Model} model @param {string} text @param {boolean} truncates */
function checkLength(model, text, truncates) {
  const tokens = countTokens(text);
  if (tokens <= model.window || truncates) return;
  throw windowError(model, tokens, tokens);
}

/** @param {Json} inputs */
function scoreContexts({ query, contexts }) {
  const texts = readContexts(query, contexts);
  const asked = embed(withoutDirectives(query));
  const response = texts.map((text, id) => ({ id, score: dot(asked, embed(text)) }));
  response.sort((left, right) => right.score - left.score);
  return { response, emulated: true };
}

/**
 * `query` and the texts of `contexts: [{text}]`, as the embedder and the reranker take them.
 * @param {unknown} query
 * @param {unknown} contexts
 * @returns {string[]}
 */
export function readContexts(query, contexts) {
  const fits =
    typeof query === "string" &&
    query !== "" &&
    Array.isArray(contexts) &&
    contexts.every((context) => typeof context?.text === "string");
  if (fits) return contexts.map(({ text }) => text);
  throw workersAiError(5006, "Error: required properties at '/' are 'query', 'contexts'");
}

/** A unit vector. @param {string} text @param {number} [dimensions] @returns {number[]} */
export function embed(text, dimensions = DIMENSIONS) {
  /** @type {Map<string, number>} */
  const features = new Map();
  const add = (/** @type {string} */ feature, /** @type {number} */ weight) =>
    features.set(feature, (features.get(feature) ?? 0) + weight);
  for (const word of words(text)) {
    const [stemmed] = contentStems(word);
    if (stemmed === undefined) {
      add(`w${word}`, STOP_WORD_WEIGHT);
      continue;
    }
    add(`w${stemmed}`, WORD_WEIGHT);
    for (const gram of grams(`_${word}_`)) add(`g${gram}`, GRAM_WEIGHT);
  }
  if (features.size === 0) features.set(`t${text}`, 1);
  return normalize(project(features, dimensions));
}

/** @param {string} word */
function* grams(word) {
  for (let size = SHORTEST_GRAM; size <= LONGEST_GRAM; size += 1) {
    for (let at = 0; at + size <= word.length; at += 1) yield word.slice(at, at + size);
  }
}

/**
 * Sub-linear in how often a feature occurs; the sign of each is hashed too.
 * @param {Map<string, number>} features
 * @param {number} dimensions
 */
function project(features, dimensions) {
  const vector = new Float64Array(dimensions);
  for (const [feature, weight] of features) {
    const hash = fnv1a(feature);
    const sign = hash & 0x8000_0000 ? -1 : 1;
    const at = (hash >>> 0) % dimensions;
    vector[at] = (vector[at] ?? 0) + sign * Math.log1p(weight);
  }
  return vector;
}

/** @param {string} text @returns {number} 32 bits */
function fnv1a(text) {
  let hash = 0x811c_9dc5;
  for (let at = 0; at < text.length; at += 1) {
    hash = Math.imul(hash ^ text.charCodeAt(at), 0x0100_0193);
  }
  // A last mix, since the low bits pick the dimension.
  return hash ^ (hash >>> 15);
}

/**
 * Unit length, seven decimals: as much as a 32-bit float holds.
 * @param {ArrayLike<number>} vector
 */
export function normalize(vector) {
  const squares = Array.from(vector, (value) => value * value);
  const length = Math.sqrt(squares.reduce((sum, square) => sum + square, 0)) || 1;
  return Array.from(vector, (value) => Math.round((value / length) * 1e7) / 1e7);
}

/** @param {number[]} left @param {number[]} right */
export function dot(left, right) {
  return left.reduce((sum, value, at) => sum + value * (right[at] ?? 0), 0);
}
