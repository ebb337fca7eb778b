// Thinking blocks and their signatures, which must come back unchanged.
// https://docs.anthropic.com/en/docs/build-with-claude/extended-thinking
import { badRequest } from "../../errors.js";
import { sealOf } from "../../ids.js";

/** @import { Json } from "../../types.js" */

/** The signature of a thinking block. @param {string} thinking */
export function signatureOf(thinking) {
  return sealOf("thinking", thinking);
}

/** What a redacted block holds. @param {string} thinking */
export function redactedOf(thinking) {
  const hidden = Buffer.from(thinking).toString("base64");
  return `${hidden}.${sealOf("redacted", hidden)}`;
}

/** @param {Json} block @param {string} path @throws {Error} it is not as the model wrote it */
export function checkThinking({ type, thinking, signature, data }, path) {
  if (type === "redacted_thinking") {
    const [hidden, seal] = String(data).split(".");
    if (seal === sealOf("redacted", hidden)) return;
    throw badRequest(`${path}: Invalid \`data\` in \`redacted_thinking\` block`);
  }
  if (typeof signature !== "string") {
    throw badRequest(`${path}.thinking.signature: Field required`);
  }
  if (signature === signatureOf(thinking)) return;
  throw badRequest(`${path}: Invalid \`signature\` in \`thinking\` block`);
}
