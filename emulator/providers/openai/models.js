// The models an account sees.
import { ServiceError } from "../../errors.js";
import { CREATED } from "../../ids.js";

/** @import { Provider } from "../hosts.js" */

/** @type {Record<string, string[]>} */
const LISTED = {
  openai: [
    "gpt-4o",
    "gpt-4o-mini",
    "gpt-4.1",
    "gpt-5",
    "gpt-5-mini",
    "o4-mini",
    "text-embedding-3-small",
    "text-embedding-3-large",
    "whisper-1",
    "gpt-4o-transcribe",
    "tts-1",
    "gpt-4o-mini-tts",
    "gpt-image-1",
    "dall-e-3",
    "omni-moderation-latest",
  ],
  mistral: ["mistral-small-latest", "mistral-large-latest", "magistral-medium-latest"],
  groq: ["llama-3.3-70b-versatile", "openai/gpt-oss-120b"],
  deepseek: ["deepseek-chat", "deepseek-reasoner"],
  xai: ["grok-4", "grok-3-mini"],
};

/** @param {Provider} provider */
export function listModels({ slug }) {
  return { object: "list", data: (LISTED[slug] ?? ["emulated"]).map((id) => entry(slug, id)) };
}

/** @param {Provider} provider @param {string} id */
export function showModel({ slug, models }, id) {
  if (models.test(id)) return entry(slug, id);
  throw new ServiceError(404, undefined, `The model '${id}' does not exist`);
}

/** @param {string} slug @param {string} id */
function entry(slug, id) {
  return { id, object: "model", created: CREATED, owned_by: slug };
}
