// https://platform.openai.com/docs/api-reference/images
import { badRequest } from "../../errors.js";
import { CREATED } from "../../ids.js";
import { draw } from "../../media/draw.js";
import { countTokens } from "../../text.js";

/** @import { Json, Model } from "../../types.js" */

const IMAGE_TOKENS = 1_056;
const MOST_IMAGES = 10;

/** Sizes each family draws. @type {[RegExp, string[]][]} */
const SIZES = [
  [/^gpt-image-/u, ["1024x1024", "1536x1024", "1024x1536", "auto"]],
  [/^dall-e-3/u, ["1024x1024", "1792x1024", "1024x1792"]],
  [/./u, ["256x256", "512x512", "1024x1024"]],
];

/** @param {Model} model @param {Json} inputs @returns {Json} */
export function runOpenAiImages({ name }, inputs) {
  const { prompt, n = 1, size = "1024x1024", response_format: format } = inputs;
  if (typeof prompt !== "string" || prompt === "") {
    throw badRequest(
      "Missing required parameter: 'prompt'.",
      "prompt",
      "missing_required_parameter",
    );
  }
  const gpt = name.startsWith("gpt-image-");
  if (gpt && format != null) {
    throw badRequest(
      "Unknown parameter: 'response_format'.",
      "response_format",
      "unknown_parameter",
    );
  }
  const most = name === "dall-e-3" ? 1 : MOST_IMAGES;
  if (!Number.isSafeInteger(n) || n < 1 || n > most) {
    throw badRequest(`Invalid 'n': expected an integer from 1 to ${most}.`, "n");
  }
  const sizes = SIZES.find(([family]) => family.test(name))?.[1] ?? [];
  if (!sizes.includes(size)) {
    throw badRequest(
      `Invalid value: '${size}'. Supported values are: ${sizes.map((known) => `'${known}'`).join(", ")}.`,
      "size",
      "invalid_value",
    );
  }
  const [width = 1_024, height = 1_024] = size === "auto" ? [] : size.split("x").map(Number);
  const data = Array.from({ length: n }, (_, at) =>
    gpt || format === "b64_json"
      ? { b64_json: draw(prompt, width, height, at) }
      : { url: "https://images.example/cat.png" },
  );
  return { created: CREATED, data, ...(gpt ? usage(prompt, n) : {}) };
}

/** @param {string} prompt @param {number} images */
function usage(prompt, images) {
  const input = countTokens(prompt);
  const output = images * IMAGE_TOKENS;
  const details = { text_tokens: input, image_tokens: 0 };
  return {
    output_format: "png",
    usage: {
      input_tokens: input,
      output_tokens: output,
      total_tokens: input + output,
      input_tokens_details: details,
    },
  };
}
