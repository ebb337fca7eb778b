// A response in typed events: https://platform.openai.com/docs/api-reference/responses-streaming
import { pieces } from "../../chat.js";
import { namedEvent } from "../../stream.js";
import { jsonPieces } from "../messages.js";
import { headOf, logprobs, response } from "./answer.js";

/** @import { Completion, Conversation, Json, Model } from "../../types.js" */

/** @typedef {[type: string, data: Json]} Event */

/**
 * @param {Model} model
 * @param {Conversation} request
 * @param {Completion} completion
 */
export function* responseEvents(model, request, completion) {
  let number = 0;
  for (const [type, data] of lifecycle(model, request, completion)) {
    yield namedEvent(`response.${type}`, { ...data, sequence_number: number });
    number += 1;
  }
}

/**
 * @param {Model} model
 * @param {Conversation} request
 * @param {Completion} completion
 * @returns {Generator<Event>}
 */
function* lifecycle(model, request, completion) {
  const begun = headOf(model, request, "in_progress");
  yield ["created", { response: begun }];
  yield ["in_progress", { response: begun }];
  const whole = response(model, request, completion);
  for (const [output_index, item] of whole.output.entries()) {
    yield ["output_item.added", { output_index, item: emptied(item) }];
    for (const [type, data] of itemEvents(item, request)) {
      yield [type, { item_id: item.id, output_index, ...data }];
    }
    yield ["output_item.done", { output_index, item }];
  }
  yield [whole.status, { response: whole }];
}

/** @param {Json} item @returns {Json} */
function emptied(item) {
  switch (item.type) {
    case "message":
      return { ...item, status: "in_progress", content: [] };
    case "function_call":
      return { ...item, status: "in_progress", arguments: "" };
    default:
      return { ...item, summary: [] };
  }
}

/** @param {Json} item @param {Conversation} request @returns {Generator<Event>} */
function* itemEvents(item, request) {
  switch (item.type) {
    case "message":
      for (const [content_index, part] of item.content.entries()) {
        for (const [type, data] of partEvents(part, request))
          yield [type, { content_index, ...data }];
      }
      break;
    case "function_call":
      for (const delta of jsonPieces(item.arguments)) {
        yield ["function_call_arguments.delta", { delta }];
      }
      yield ["function_call_arguments.done", { name: item.name, arguments: item.arguments }];
      break;
    default:
      for (const [summary_index, part] of item.summary.entries()) {
        for (const [type, data] of summaryEvents(part)) yield [type, { summary_index, ...data }];
      }
  }
}

/** @param {Json} part @param {Conversation} request @returns {Generator<Event>} */
function* partEvents(part, request) {
  if (part.type === "refusal") {
    yield ["content_part.added", { part: { type: "refusal", refusal: "" } }];
    for (const delta of pieces(part.refusal)) yield ["refusal.delta", { delta }];
    yield ["refusal.done", { refusal: part.refusal }];
    return yield ["content_part.done", { part }];
  }
  const { text, annotations } = part;
  yield [
    "content_part.added",
    { part: { type: "output_text", text: "", annotations: [], logprobs: [] } },
  ];
  for (const delta of pieces(text)) {
    yield ["output_text.delta", { delta, logprobs: logprobs(request, delta) }];
  }
  for (const [annotation_index, annotation] of annotations.entries()) {
    yield ["output_text.annotation.added", { annotation_index, annotation }];
  }
  yield ["output_text.done", { text, logprobs: part.logprobs }];
  yield ["content_part.done", { part }];
}

/** @param {Json} part @returns {Generator<Event>} */
function* summaryEvents(part) {
  yield ["reasoning_summary_part.added", { part: { type: "summary_text", text: "" } }];
  for (const delta of pieces(part.text)) yield ["reasoning_summary_text.delta", { delta }];
  yield ["reasoning_summary_text.done", { text: part.text }];
  yield ["reasoning_summary_part.done", { part }];
}
