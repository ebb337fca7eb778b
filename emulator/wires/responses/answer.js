// A whole response and its items.
import { CREATED } from "../../ids.js";
import { functionCall } from "../openai/answer.js";
import { logprobsOf } from "../openai/logprobs.js";
import { allItems, encrypted } from "./items.js";
import { storeResponse } from "./stored.js";

/** @import { Citation, Completion, Conversation, Json, Model } from "../../types.js" */

/**
 * @param {Model} model
 * @param {Conversation} request
 * @param {Completion} completion
 * @returns {Json}
 */
export function response(model, request, completion) {
  const reason = incompleteReason(completion);
  const whole = {
    ...headOf(model, request, reason ? "incomplete" : "completed"),
    incomplete_details: reason ? { reason } : null,
    output: itemsOf(model, request, completion),
    ...(request.script.says.has("no_usage") ? {} : { usage: usage(completion) }),
    emulated: true,
  };
  if (request.inputs.store !== false) storeResponse(whole, allItems(request.inputs));
  return whole;
}

/** @param {Completion} completion */
function incompleteReason({ finish }) {
  if (finish === "length") return "max_output_tokens";
  return finish === "safety" ? "content_filter" : undefined;
}

/**
 * What every state of a response shows.
 * @param {Model} model
 * @param {Conversation} request
 * @param {string} status
 * @returns {Json}
 */
export function headOf({ name }, { id, inputs }, status) {
  const { service_tier: tier = "auto" } = inputs;
  return {
    id: `resp_${id}`,
    object: "response",
    created_at: CREATED,
    status,
    background: false,
    error: null,
    incomplete_details: null,
    instructions: inputs.instructions ?? null,
    max_output_tokens: inputs.max_output_tokens ?? null,
    metadata: inputs.metadata ?? {},
    model: name,
    output: [],
    parallel_tool_calls: inputs.parallel_tool_calls ?? true,
    previous_response_id: inputs.previous_response_id ?? null,
    prompt_cache_key: inputs.prompt_cache_key ?? null,
    reasoning: {
      effort: inputs.reasoning?.effort ?? null,
      summary: inputs.reasoning?.summary ?? null,
    },
    safety_identifier: inputs.safety_identifier ?? null,
    service_tier: tier === "auto" ? "default" : tier,
    store: inputs.store ?? true,
    temperature: inputs.temperature ?? 1,
    text: {
      format: inputs.text?.format ?? { type: "text" },
      verbosity: inputs.text?.verbosity ?? "medium",
    },
    tool_choice: inputs.tool_choice ?? "auto",
    tools: inputs.tools ?? [],
    top_logprobs: inputs.top_logprobs ?? 0,
    top_p: inputs.top_p ?? 1,
    truncation: inputs.truncation ?? "disabled",
    ...(inputs.user == null ? {} : { user: inputs.user }),
  };
}

/**
 * @param {Model} model
 * @param {Conversation} request
 * @param {Completion} completion
 * @returns {Json[]}
 */
function itemsOf(model, request, completion) {
  const { text, reasoning, calls, refusal } = completion;
  const silent = text + refusal === "" && calls.length > 0;
  return [
    ...(reasoning === "" ? [] : [reasoningItem(request, reasoning)]),
    ...(silent ? [] : [messageItem(request, completion)]),
    ...calls.map((call) => ({
      id: call.id.replace("call_", "fc_"),
      type: "function_call",
      status: "completed",
      call_id: call.id,
      name: call.name,
      arguments: functionCall(call, request, model).function.arguments,
    })),
  ];
}

/** @param {Conversation} request @param {string} reasoning */
function reasoningItem({ id, inputs }, reasoning) {
  const summary = inputs.reasoning?.summary ? [{ type: "summary_text", text: reasoning }] : [];
  const carried = inputs.include?.includes("reasoning.encrypted_content");
  return {
    id: `rs_${id}`,
    type: "reasoning",
    summary,
    ...(carried ? { encrypted_content: encrypted(reasoning) } : {}),
  };
}

/** @param {Conversation} request @param {Completion} completion */
function messageItem(request, completion) {
  const { text, refusal, citations } = completion;
  const part =
    refusal === ""
      ? {
          type: "output_text",
          text,
          annotations: citations.map(annotation),
          logprobs: logprobs(request, text),
        }
      : { type: "refusal", refusal };
  return {
    id: `msg_${request.id}`,
    type: "message",
    status: incompleteReason(completion) ? "incomplete" : "completed",
    role: "assistant",
    content: [part],
  };
}

/** @param {Conversation} request @param {string} text @returns {object[]} */
export function logprobs(request, text) {
  const asked = request.inputs.include?.includes("message.output_text.logprobs") === true;
  const inputs = { logprobs: asked, top_logprobs: request.inputs.top_logprobs };
  return logprobsOf({ ...request, inputs }, text)?.content ?? [];
}

/** @param {Citation} citation */
export function annotation({ start, end, url, title }) {
  return { type: "url_citation", start_index: start, end_index: end, url, title };
}

/** @param {Completion} completion */
function usage({ promptTokens, cachedTokens, completionTokens, reasoningTokens }) {
  return {
    input_tokens: promptTokens,
    input_tokens_details: { cached_tokens: cachedTokens, cache_write_tokens: 0 },
    output_tokens: completionTokens,
    output_tokens_details: { reasoning_tokens: reasoningTokens },
    total_tokens: promptTokens + completionTokens,
  };
}
