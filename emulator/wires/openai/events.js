// A chat.completion in chunks.
import { pieces } from "../../chat.js";
import { DONE, dataEvent } from "../../stream.js";
import { jsonPieces } from "../messages.js";
import {
  annotations,
  FILTERED,
  finishReason,
  functionCall,
  headOf,
  isField,
  usage,
} from "./answer.js";
import { logprobsOf } from "./logprobs.js";

/** @import { Completion, Conversation, Json, Model } from "../../types.js" */

/**
 * @param {Model} model
 * @param {Conversation} request
 * @param {Completion} completion
 */
export function* chatCompletionEvents(model, request, completion) {
  const { tier, ...head } = headOf(model, request, "chat.completion.chunk");
  const envelope = { ...head, ...tier };
  const told = request.streamUsage && !request.script.says.has("no_usage");
  // With include_usage every chunk but the last carries a null usage.
  const rest = told ? { usage: null } : {};
  if (model.flavour === "openrouter") yield ": OPENROUTER PROCESSING\n\n";
  if (model.flavour === "azure") yield dataEvent(filterChunk(head));
  for (let index = 0; index < request.n; index += 1) {
    for (const { logprobs = null, ...delta } of deltas(model, request, completion)) {
      const choices = [{ index, delta, logprobs, finish_reason: null }];
      yield dataEvent({ ...envelope, choices, ...rest });
    }
    const last = index === request.n - 1;
    const finish_reason = finishReason(completion);
    const choices = [{ index, delta: {}, logprobs: null, finish_reason }];
    const groq = last && model.flavour === "groq" ? groqUsage(model, request, completion) : {};
    yield dataEvent({ ...envelope, choices, ...rest, ...groq, emulated: true });
  }
  if (told) {
    const spent = usage(model, request, completion);
    yield dataEvent({ ...envelope, choices: [], usage: spent, emulated: true });
  }
  yield DONE;
}

/**
 * Azure says first what its filter found in the prompt, in a chunk without choices.
 * @param {Json} head
 */
function filterChunk(head) {
  const prompt_filter_results = [{ prompt_index: 0, content_filter_results: FILTERED }];
  return { ...head, id: "", created: 0, object: "", model: "", choices: [], prompt_filter_results };
}

/**
 * Groq's own place for usage, asked or not.
 * @param {Model} model
 * @param {Conversation} request
 * @param {Completion} completion
 */
function groqUsage(model, request, completion) {
  return { x_groq: { id: `req_${request.id}`, usage: usage(model, request, completion) } };
}

/**
 * @param {Model} model
 * @param {Conversation} request
 * @param {Completion} completion
 * @returns {Generator<Json>}
 */
function* deltas(model, request, { text, reasoning, calls, refusal, citations }) {
  const { reasoning: place, wire } = model;
  const own = wire === "openai" ? { refusal: null } : {};
  const silent = text === "" && (calls.length > 0 || refusal !== "");
  yield { role: "assistant", content: silent ? null : "", ...own };
  if (isField(place)) for (const piece of pieces(reasoning)) yield { [place]: piece };
  if (place === "thinking_parts") {
    for (const piece of pieces(reasoning)) {
      yield { content: [{ type: "thinking", thinking: [{ type: "text", text: piece }] }] };
    }
  }
  for (const piece of pieces(refusal)) yield { refusal: piece };
  for (const piece of pieces(text)) {
    yield { content: piece, logprobs: logprobsOf(request, piece) };
  }
  if (citations.length > 0) yield { annotations: annotations(citations) };
  for (const [index, call] of calls.entries()) {
    const { id, type, function: called } = functionCall(call, request, model);
    yield { tool_calls: [{ index, id, type, function: { name: called.name, arguments: "" } }] };
    for (const part of jsonPieces(called.arguments)) {
      yield { tool_calls: [{ index, function: { arguments: part } }] };
    }
  }
}
