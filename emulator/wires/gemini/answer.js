// A GenerateContentResponse, whole and in pieces.
import { pieces } from "../../chat.js";
import { dataEvent } from "../../stream.js";
import { logprobsOf } from "../openai/logprobs.js";
import { signatureOf, signs } from "./signature.js";

/** @import { Citation, Completion, Conversation, Json, Model } from "../../types.js" */

/** @type {Partial<Record<Completion["finish"], string>>} */
const FINISH_REASONS = { length: "MAX_TOKENS", safety: "SAFETY", refusal: "SAFETY" };
const RATINGS = ["HARASSMENT", "HATE_SPEECH", "SEXUALLY_EXPLICIT", "DANGEROUS_CONTENT"];

/**
 * @param {Model} model
 * @param {Conversation} request
 * @param {Completion} completion
 * @returns {Json}
 */
export function contentResponse(model, request, completion) {
  const rest = restOf(model, request, completion);
  if (request.script.says.has("blocked")) return blocked(rest);
  const parts = partsOf(model, request, completion);
  const candidates = Array.from({ length: request.n }, (_, index) => ({
    content: { ...(parts.length > 0 ? { parts } : {}), role: "model" },
    ...ending(request, completion),
    index,
  }));
  return { candidates, ...rest, emulated: true };
}

/**
 * @param {Model} model
 * @param {Conversation} request
 * @param {Completion} completion
 * @returns {Generator<string>}
 */
export function* contentEvents(model, request, completion) {
  const rest = restOf(model, request, completion);
  if (request.script.says.has("blocked")) return yield dataEvent(blocked(rest));
  const parts = partsOf(model, request, completion).flatMap(partPieces);
  const last = parts.pop();
  for (const part of parts) {
    const content = { parts: [part], role: "model" };
    yield dataEvent({ candidates: [{ content, index: 0 }], ...rest });
  }
  const content = { ...(last ? { parts: [last] } : {}), role: "model" };
  const candidates = [{ content, ...ending(request, completion), index: 0 }];
  yield dataEvent({ candidates, ...rest, emulated: true });
}

/** The prompt was refused: no candidates at all. @param {Json} rest @returns {Json} */
function blocked(rest) {
  return { promptFeedback: { blockReason: "PROHIBITED_CONTENT" }, ...rest };
}

/**
 * @param {Model} model
 * @param {Conversation} request
 * @param {Completion} completion
 * @returns {Json}
 */
function restOf({ name }, request, completion) {
  const silent = request.script.says.has("no_usage");
  return {
    ...(silent ? {} : { usageMetadata: usage(request, completion) }),
    modelVersion: name,
    responseId: request.id,
  };
}

/** @param {Conversation} request @param {Completion} completion */
function usage({ n }, completion) {
  const { promptTokens, cachedTokens, completionTokens, reasoningTokens } = completion;
  const written = (completionTokens - reasoningTokens) * n;
  return {
    promptTokenCount: promptTokens,
    candidatesTokenCount: written,
    totalTokenCount: promptTokens + written + reasoningTokens,
    promptTokensDetails: [{ modality: "TEXT", tokenCount: promptTokens }],
    ...(cachedTokens > 0 ? { cachedContentTokenCount: cachedTokens } : {}),
    ...(reasoningTokens > 0 ? { thoughtsTokenCount: reasoningTokens } : {}),
  };
}

/**
 * @param {Model} model
 * @param {Conversation} request
 * @param {Completion} completion
 * @returns {Json[]}
 */
function partsOf(model, { script }, { text, reasoning, calls, refusal }) {
  if (refusal !== "") return [];
  return [
    ...(reasoning === "" ? [] : [{ text: reasoning, thought: true }]),
    ...(text === "" ? [] : [{ text }]),
    ...calls.map(({ id, name, arguments: args }, index) => ({
      functionCall: { id, name, args },
      ...(signs(model) && index === 0
        ? { thoughtSignature: signatureOf({ name, arguments: args }) }
        : {}),
    })),
    ...(script.says.has("redacted") ? [{ text: "", thoughtSignature: "ZW11bGF0ZWQ=" }] : []),
  ];
}

/** @param {Json} part @returns {Json[]} */
function partPieces(part) {
  if (!part.text) return [part];
  return pieces(part.text).map((text) => ({ ...part, text }));
}

/** @param {Conversation} request @param {Completion} completion @returns {Json} */
function ending(request, completion) {
  const { finish, citations, text } = completion;
  const { responseLogprobs } = request.inputs.generationConfig ?? {};
  const scores = responseLogprobs
    ? logprobsOf({ ...request, inputs: { logprobs: true } }, text)
    : null;
  return {
    finishReason: FINISH_REASONS[finish] ?? "STOP",
    ...(finish === "safety" ? { safetyRatings: RATINGS.map(rating) } : {}),
    ...(citations.length > 0 ? grounding(citations) : {}),
    ...(scores ? { logprobsResult: chosen(/** @type {Json[]} */ (scores.content)) } : {}),
  };
}

/** @param {Json[]} content */
function chosen(content) {
  const chosenCandidates = content.map(({ token, logprob }) => ({
    token,
    logProbability: logprob,
  }));
  return { chosenCandidates };
}

/** @param {string} name @param {number} index */
function rating(name, index) {
  const category = `HARM_CATEGORY_${name}`;
  return index === 0
    ? { category, probability: "HIGH", blocked: true }
    : { category, probability: "NEGLIGIBLE" };
}

/** @param {Citation[]} citations */
function grounding(citations) {
  return {
    citationMetadata: {
      citationSources: citations.map(({ start, end, url }) => ({
        startIndex: start,
        endIndex: end,
        uri: url,
      })),
    },
    groundingMetadata: {
      webSearchQueries: ["emulated"],
      groundingChunks: citations.map(({ url, title }) => ({ web: { uri: url, title } })),
      groundingSupports: citations.map(({ start, end, cited }, at) => ({
        segment: { startIndex: start, endIndex: end, text: cited },
        groundingChunkIndices: [at],
      })),
    },
  };
}
