// Pictures without a model: one colour that follows from the prompt, which stands in the comment.
import { workersAiError } from "../errors.js";
import { fractionOf } from "../ids.js";
import { toBase64 } from "./bytes.js";
import { writePng } from "./png.js";

/** @import { Json } from "../types.js" */

const MOST_CHARACTERS = 2_048;
const MOST_STEPS = 8;
const SIDE = 1_024;

/**
 * https://developers.cloudflare.com/workers-ai/models/flux-1-schnell/
 * @param {Json} inputs `{prompt, steps?, seed?}`
 * @returns {Json} `{image}` in base64
 */
export function runFlux({ prompt, steps = 4, seed = 0 }) {
  if (typeof prompt !== "string" || prompt === "" || prompt.length > MOST_CHARACTERS) {
    throw workersAiError(5006, `Error: Length of '/prompt' must be 1 to ${MOST_CHARACTERS}`);
  }
  if (!Number.isSafeInteger(steps) || steps < 1 || steps > MOST_STEPS) {
    throw workersAiError(5006, `Error: '/steps' must be <= ${MOST_STEPS}`);
  }
  return { image: draw(prompt, SIDE, SIDE, seed), emulated: true };
}

/**
 * @param {string} prompt
 * @param {number} width
 * @param {number} height
 * @param {unknown} variant
 * @returns {string} a PNG in base64
 */
export function draw(prompt, width, height, variant) {
  const shade = (/** @type {string} */ part) => Math.floor(fractionOf(prompt, variant, part) * 256);
  return toBase64(writePng(width, height, [shade("red"), shade("green"), shade("blue")], prompt));
}
