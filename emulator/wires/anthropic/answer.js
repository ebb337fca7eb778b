// A message, whole and in named events.
import { pieces } from "../../chat.js";
import { namedEvent } from "../../stream.js";
import { jsonPieces } from "../messages.js";
import { redactedOf, signatureOf } from "./thinking.js";

/** @import { Citation, Completion, Conversation, Json, Model } from "../../types.js" */

/** @type {Partial<Record<Completion["finish"], string>>} */
const STOP_REASONS = {
  tool_calls: "tool_use",
  length: "max_tokens",
  safety: "refusal",
  refusal: "refusal",
};

/**
 * @param {Model} model
 * @param {Conversation} request
 * @param {Completion} completion
 * @returns {Json}
 */
export function message(model, request, completion) {
  return {
    ...headOf(model, request),
    content: blocksOf(request, completion),
    stop_reason: stopReason(completion),
    stop_sequence: completion.stopSequence,
    ...usage(request, completion, completion.completionTokens),
    gatewayMetadata: { keySource: "Unified" },
    emulated: true,
  };
}

/**
 * @param {Model} model
 * @param {Conversation} request
 * @param {Completion} completion
 */
export function* messageEvents(model, request, completion) {
  const head = { ...headOf(model, request), content: [], stop_reason: null, stop_sequence: null };
  yield namedEvent("message_start", { message: { ...head, ...usage(request, completion, 1) } });
  const blocks = blocksOf(request, completion);
  if (blocks.length === 0) yield namedEvent("ping", {});
  for (const [index, block] of blocks.entries()) {
    yield* blockEvents(block, index, request);
  }
  const silent = request.script.says.has("no_usage");
  yield namedEvent("message_delta", {
    delta: { stop_reason: stopReason(completion), stop_sequence: completion.stopSequence },
    ...(silent ? {} : { usage: { output_tokens: completion.completionTokens } }),
    emulated: true,
  });
  yield namedEvent("message_stop", {});
}

/** @param {Model} model @param {Conversation} request */
function headOf({ name }, { id }) {
  return { id: `msg_${id}`, type: "message", role: "assistant", model: name };
}

/** @param {Conversation} request @param {Completion} completion @returns {Json[]} */
function blocksOf({ script, turns }, { text, reasoning, calls, refusal, citations }) {
  /** @type {Json[]} */
  const blocks = [];
  if (reasoning !== "" && !script.says.has("redacted")) {
    blocks.push({ type: "thinking", thinking: reasoning, signature: signatureOf(reasoning) });
  }
  if (reasoning !== "" && script.says.has("redacted")) {
    blocks.push({ type: "redacted_thinking", data: redactedOf(reasoning) });
  }
  const said = text + refusal;
  const silent = said === "" && (calls.length > 0 || script.says.has("empty"));
  if (!silent) blocks.push(textBlock(said, citations, turns));
  for (const { id, name, arguments: input } of calls) {
    blocks.push({ type: "tool_use", id: id.replace("call_", "toolu_"), name, input });
  }
  return blocks;
}

/** @param {string} text @param {Citation[]} citations @param {Conversation["turns"]} turns */
function textBlock(text, citations, turns) {
  if (citations.length === 0) return { type: "text", text };
  return {
    type: "text",
    text,
    citations: citations.map((citation) => citationOf(citation, turns)),
  };
}

/**
 * In a document given with the request, or of a page found by search.
 * @param {Citation} citation
 * @param {Conversation["turns"]} turns
 */
function citationOf({ cited, title, url }, turns) {
  const documents = turns.flatMap(({ media }) => media.filter(({ kind }) => kind === "document"));
  const index = documents.findIndex((document) => document.text.includes(cited));
  if (url !== "" || index < 0) {
    const place = { type: "web_search_result_location", url, title };
    return { ...place, encrypted_index: "ZW11bGF0ZWQ=", cited_text: cited };
  }
  const start = documents[index]?.text.indexOf(cited) ?? 0;
  return {
    type: "char_location",
    cited_text: cited,
    document_index: index,
    document_title: title,
    file_id: null,
    start_char_index: start,
    end_char_index: start + cited.length,
  };
}

/** @param {Completion} completion */
function stopReason({ finish, stopSequence }) {
  return STOP_REASONS[finish] ?? (stopSequence === null ? "end_turn" : "stop_sequence");
}

/**
 * @param {Conversation} request
 * @param {Completion} completion
 * @param {number} output
 * @returns {Json}
 */
function usage({ cache, inputs, script }, { promptTokens, cachedTokens: read }, output) {
  if (script.says.has("no_usage")) return {};
  const written = cache?.written ?? 0;
  const hour = JSON.stringify(inputs).includes('"ttl":"1h"');
  return {
    usage: {
      input_tokens: promptTokens - read - written,
      cache_creation_input_tokens: written,
      cache_read_input_tokens: read,
      cache_creation: {
        ephemeral_5m_input_tokens: hour ? 0 : written,
        ephemeral_1h_input_tokens: hour ? written : 0,
      },
      output_tokens: output,
      service_tier: "standard",
    },
  };
}

/** @param {Json} block @param {number} index @param {Conversation} request */
function* blockEvents(block, index, request) {
  yield namedEvent("content_block_start", { index, content_block: emptied(block) });
  if (index === 0) yield namedEvent("ping", {});
  for (const delta of deltasOf(block, request)) {
    yield namedEvent("content_block_delta", { index, delta });
  }
  yield namedEvent("content_block_stop", { index });
}

/** @param {Json} block @returns {Json} */
function emptied(block) {
  if (block.type === "text")
    return { type: "text", text: "", ...(block.citations ? { citations: [] } : {}) };
  if (block.type === "tool_use") return { ...block, input: {} };
  if (block.type === "thinking") return { type: "thinking", thinking: "", signature: "" };
  return block;
}

/** @param {Json} block @param {Conversation} request @returns {Generator<Json>} */
function* deltasOf(block, { script }) {
  switch (block.type) {
    case "text":
      for (const text of pieces(block.text)) yield { type: "text_delta", text };
      for (const citation of block.citations ?? []) yield { type: "citations_delta", citation };
      break;
    case "thinking":
      for (const thinking of pieces(block.thinking)) yield { type: "thinking_delta", thinking };
      yield { type: "signature_delta", signature: block.signature };
      break;
    case "tool_use": {
      const json = JSON.stringify(block.input);
      const written = script.says.has("bad_arguments") ? json.slice(0, -1) : json;
      // A tool without arguments streams one empty piece.
      for (const partial_json of json === "{}" ? [""] : jsonPieces(written)) {
        yield { type: "input_json_delta", partial_json };
      }
      break;
    }
    default:
  }
}
