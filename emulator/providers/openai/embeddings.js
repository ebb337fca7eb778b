// https://platform.openai.com/docs/api-reference/embeddings

import { withoutDirectives } from "../../directives.js";
import { embed, normalize } from "../../embeddings.js";
import { badRequest } from "../../errors.js";
import { toBase64 } from "../../media/bytes.js";
import { countTokens } from "../../text.js";

/** @import { Json, Model } from "../../types.js" */

const MOST_INPUTS = 2_048;
const MOST_TOKENS = 8_192;
const LARGE = 3_072;
const SMALL = 1_536;

/** @param {Model} model @param {Json} inputs @returns {Json} */
export function runOpenAiEmbeddings({ name }, inputs) {
  const texts = readInput(inputs.input);
  const full = name.includes("large") ? LARGE : SMALL;
  const dimensions = readDimensions(name, inputs.dimensions, full);
  const format = inputs.encoding_format ?? "float";
  if (format !== "float" && format !== "base64") {
    throw badRequest(
      `Invalid value: '${format}'. Supported values are: 'float' and 'base64'.`,
      "encoding_format",
      "invalid_value",
    );
  }
  const data = texts.map((text, index) => {
    const whole = embed(text, full);
    const vector = dimensions === full ? whole : normalize(whole.slice(0, dimensions));
    const embedding =
      format === "float" ? vector : toBase64(new Uint8Array(Float32Array.from(vector).buffer));
    return { object: "embedding", index, embedding };
  });
  const tokens = texts.reduce((sum, text) => sum + countTokens(text), 0);
  const usage = { prompt_tokens: tokens, total_tokens: tokens };
  return { object: "list", data, model: name, usage, emulated: true };
}

/** A text, texts, tokens, or lists of tokens. @param {unknown} input @returns {string[]} */
function readInput(input) {
  const list = Array.isArray(input) && !isTokens(input) ? input : [input];
  const fits = list.every((item) => (typeof item === "string" && item !== "") || isTokens(item));
  if (input === undefined) throw badRequest("Missing required parameter: 'input'.", "input");
  if (!fits || list.length === 0 || list.length > MOST_INPUTS) {
    throw badRequest("'$.input' is invalid. Please check the API reference.", "input");
  }
  const texts = list.map((item) =>
    typeof item === "string" ? withoutDirectives(item) : item.join(" "),
  );
  if (texts.every((text) => countTokens(text) <= MOST_TOKENS)) return texts;
  throw badRequest(
    `This model's maximum context length is ${MOST_TOKENS} tokens, however you requested more. ` +
      "Please reduce your prompt.",
  );
}

/** @param {unknown} item */
function isTokens(item) {
  return Array.isArray(item) && item.length > 0 && item.every(Number.isSafeInteger);
}

/** @param {string} name @param {unknown} given @param {number} full */
function readDimensions(name, given, full) {
  if (given === undefined || given === null) return full;
  if (name.includes("ada")) {
    throw badRequest("This model does not support specifying dimensions.", "dimensions");
  }
  if (Number.isSafeInteger(given) && Number(given) >= 1 && Number(given) <= full)
    return Number(given);
  throw badRequest(
    `Invalid value for 'dimensions' = ${given}. Must be less than or equal to ${full}.`,
    "dimensions",
  );
}
