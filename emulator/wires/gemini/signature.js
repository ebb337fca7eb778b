// Thought signatures: the first call of a step carries one, and brings it back.
// https://ai.google.dev/gemini-api/docs/thought-signatures
import { badRequest } from "../../errors.js";
import { sealOf } from "../../ids.js";

/** @import { Json, Model, ToolCall } from "../../types.js" */

/** Google's own ways to say that a call is not Gemini's. */
const DUMMIES = ["context_engineering_is_the_way_to_go", "skip_thought_signature_validator"];

/** @param {Pick<ToolCall, "name" | "arguments">} call */
export function signatureOf({ name, arguments: value }) {
  return sealOf("thought", name, value);
}

/** Only models from Gemini 3 on sign, and refuse what is not signed. @param {Model} model */
export function signs({ name }) {
  return /^gemini-(?:[3-9]|\d\d)/u.test(name);
}

/** @param {Model} model @param {Json[]} parts @param {number} index of the content */
export function checkSignature(model, parts, index) {
  if (!signs(model)) return;
  const at = parts.findIndex((part) => part.functionCall ?? part.function_call);
  const part = parts[at] ?? {};
  const { name, args = {} } = part.functionCall ?? part.function_call ?? {};
  const signature = part.thoughtSignature ?? part.thought_signature;
  if (DUMMIES.includes(signature)) return;
  if (signature === undefined) {
    throw badRequest(
      "Function call is missing a thought_signature in functionCall parts. This is required for " +
        "tools to work correctly, and missing thought_signature may lead to degraded model " +
        `performance. Additional data, function call \`default_api:${name}\` , position ${index + 1}. ` +
        "Please refer to https://ai.google.dev/gemini-api/docs/thought-signatures for more details.",
    );
  }
  if (signature !== signatureOf({ name, arguments: args })) {
    throw badRequest("Corrupted thought signature.");
  }
}
