// Log probabilities: made up, the same for the same token.
import { pieces } from "../../chat.js";
import { fractionOf } from "../../ids.js";

/** @import { Conversation } from "../../types.js" */

/**
 * @param {Conversation} request
 * @param {string} text
 * @returns {{ content: object[], refusal: null } | null} null when nobody asked
 */
export function logprobsOf({ inputs, script }, text) {
  if (inputs.logprobs !== true && !script.says.has("logprobs")) return null;
  const alternatives = Number(inputs.top_logprobs ?? 0);
  const content = pieces(text).map((token) => ({
    ...scored(token, 0),
    top_logprobs: Array.from({ length: alternatives }, (_, rank) =>
      scored(rank === 0 ? token : `${token}${rank}`, rank),
    ),
  }));
  return { content, refusal: null };
}

/** @param {string} token @param {number} rank */
function scored(token, rank) {
  const logprob = -(rank + Math.round(fractionOf(token) * 1_000) / 1_000);
  return { token, logprob, bytes: [...new TextEncoder().encode(token)] };
}
