// A whole chat.completion, with what some hosts add to OpenAI's.
import { CREATED, shortIdOf } from "../../ids.js";
import { logprobsOf } from "./logprobs.js";

/** @import { Citation, Completion, Conversation, Json, Model, ToolCall } from "../../types.js" */

/** Characters of Mistral's ids. */
const MISTRAL_ID = 9;

/** Azure's content filter found nothing. */
export const FILTERED = Object.fromEntries(
  ["hate", "self_harm", "sexual", "violence"].map((name) => [
    name,
    { filtered: false, severity: "safe" },
  ]),
);

/**
 * @param {Model} model
 * @param {Conversation} request
 * @param {Completion} completion
 * @returns {Json}
 */
export function chatCompletion(model, request, completion) {
  const { tier, ...head } = headOf(model, request, "chat.completion");
  return {
    ...head,
    ...tier,
    choices: Array.from({ length: request.n }, (_, index) => ({
      index,
      message: message(model, request, completion),
      logprobs: logprobsOf(request, completion.text),
      finish_reason: finishReason(completion),
      ...(model.flavour === "azure" ? { content_filter_results: FILTERED } : {}),
      ...(model.flavour === "openrouter" ? { native_finish_reason: finishReason(completion) } : {}),
    })),
    ...(model.flavour === "azure"
      ? { prompt_filter_results: [{ prompt_index: 0, content_filter_results: FILTERED }] }
      : {}),
    ...(request.script.says.has("no_usage") ? {} : { usage: usage(model, request, completion) }),
    ...(model.flavour === "groq" ? { x_groq: { id: `req_${request.id}` } } : {}),
    emulated: true,
  };
}

/**
 * What answers and chunks begin with.
 * @param {Model} model
 * @param {Conversation} request
 * @param {string} object
 */
export function headOf({ id, name, wire, flavour }, request, object) {
  const { service_tier: asked } = request.inputs;
  const served = asked === undefined || asked === "auto" ? "default" : asked;
  const openAi = wire === "openai" && (id.startsWith("openai/") || flavour === "azure");
  return {
    id: `chatcmpl-${request.id}`,
    object,
    created: CREATED,
    model: name,
    tier: openAi ? { service_tier: served, system_fingerprint: "fp_emulated" } : {},
    ...(flavour === "openrouter" ? { provider: "Emulator" } : {}),
  };
}

/** @param {Completion} completion */
export function finishReason({ finish }) {
  if (finish === "safety") return "content_filter";
  return finish === "refusal" ? "stop" : finish;
}

/** @param {Model} model @param {Conversation} request @param {Completion} completion */
function message(model, request, completion) {
  const { text, calls, refusal, citations } = completion;
  const silent = refusal !== "" || (calls.length > 0 && text === "");
  const { wire } = model;
  return {
    role: "assistant",
    content: silent ? null : contentOf(model, completion),
    ...(wire === "openai" ? { refusal: refusal || null, annotations: annotations(citations) } : {}),
    ...reasoningOf(model, completion),
    ...(calls.length > 0
      ? { tool_calls: calls.map((call) => functionCall(call, request, model)) }
      : {}),
  };
}

/**
 * Mistral's thinking models write parts where others write text.
 * @param {Model} model
 * @param {Completion} completion
 */
function contentOf(model, { text, reasoning }) {
  if (model.reasoning !== "thinking_parts" || reasoning === "") return text;
  return [
    { type: "thinking", thinking: [{ type: "text", text: reasoning }] },
    { type: "text", text },
  ];
}

/** @param {Model} model @param {Completion} completion @returns {Json} */
function reasoningOf({ reasoning: place }, { reasoning }) {
  return reasoning !== "" && isField(place) ? { [place]: reasoning } : {};
}

/** @param {Model["reasoning"]} place @returns {place is "reasoning" | "reasoning_content"} */
export function isField(place) {
  return place === "reasoning" || place === "reasoning_content";
}

/** @param {Citation[]} citations */
export function annotations(citations) {
  return citations.map(({ start, end, url, title }) => ({
    type: "url_citation",
    url_citation: { start_index: start, end_index: end, url, title },
  }));
}

/**
 * Mistral's ids are short.
 * @param {ToolCall} call
 * @param {Conversation} request
 * @param {Model} model
 */
export function functionCall({ id, name, arguments: value }, { script }, { flavour }) {
  const json = JSON.stringify(value);
  const written = script.says.has("bad_arguments") ? json.slice(0, -1) : json;
  const given = flavour === "mistral" ? shortIdOf(MISTRAL_ID, id) : id;
  return { id: given, type: "function", function: { name, arguments: written } };
}

/** @param {Model} model @param {Conversation} request @param {Completion} completion */
export function usage({ flavour, wire }, request, completion) {
  const { promptTokens: prompt, cachedTokens: cached, reasoningTokens } = completion;
  const completed = completion.completionTokens * request.n;
  const own = wire === "openai";
  return {
    prompt_tokens: prompt,
    completion_tokens: completed,
    total_tokens: prompt + completed,
    prompt_tokens_details: { cached_tokens: cached, ...(own ? { audio_tokens: 0 } : {}) },
    completion_tokens_details: {
      reasoning_tokens: reasoningTokens * request.n,
      ...(own
        ? { audio_tokens: 0, accepted_prediction_tokens: 0, rejected_prediction_tokens: 0 }
        : {}),
    },
    ...(flavour === "deepseek"
      ? { prompt_cache_hit_tokens: cached, prompt_cache_miss_tokens: prompt - cached }
      : {}),
  };
}
