// OpenAI's Chat Completions: https://platform.openai.com/docs/api-reference/chat
import { pieces, promptTokens } from "../chat.js";
import { requestId, ServiceError } from "../errors.js";
import { DONE, dataEvent } from "../stream.js";
import { readToolChoice, readTools } from "../tools.js";
import { readContent, readFormat, readRole, readStop } from "./messages.js";
/** @import { Completion, Conversation, Json, Model, Turn, Wire } from "../types.js" */

/** @type {Wire} */
export const openai = {
  read(model, inputs) {
    const turns = readMessages(inputs.messages);
    const tools = readTools(inputs.tools);
    const cap = inputs.max_completion_tokens ?? inputs.max_tokens ?? model.defaultMaxTokens;
    if (!Number.isSafeInteger(cap) || cap < 1) throw badValue("max_tokens", cap);
    const format = readFormat(inputs.response_format, "named");
    return {
      turns,
      tools,
      choice: readToolChoice(inputs.tool_choice),
      ...format,
      maxTokens: cap,
      stop: readStop(inputs.stop),
      stream: inputs.stream === true,
      streamUsage: inputs.stream_options?.include_usage === true,
      n: Number.isSafeInteger(inputs.n) && inputs.n > 0 ? Math.min(inputs.n, 128) : 1,
      reasoning: false,
      promptTokens: promptTokens(turns, inputs.tools, format.schema),
    };
  },
  answer: chatCompletion,
  events: chatCompletionEvents,
};

/** @param {unknown} messages @returns {Turn[]} */
function readMessages(messages) {
  if (messages === undefined) {
    throw new ServiceError(
      400,
      "missing_required_parameter",
      "Missing required parameter: 'messages'.",
      "messages",
    );
  }
  if (!Array.isArray(messages) || messages.length === 0) throw badValue("messages", messages);
  return messages.map((message, index) => {
    const role = readRole(message?.role);
    if (!role) throw badValue(`messages[${index}].role`, message?.role);
    const { content } = message;
    const calls = role === "assistant" && Array.isArray(message.tool_calls);
    if (typeof content !== "string" && !Array.isArray(content) && !calls) {
      throw badValue(`messages[${index}].content`, content);
    }
    return { role, ...readContent(content) };
  });
}

/** @param {string} param @param {unknown} value */
function badValue(param, value) {
  const shown = JSON.stringify(value) ?? "undefined";
  return new ServiceError(
    400,
    "invalid_value",
    `Invalid value for '${param}': ${shown.slice(0, 100)}.`,
    param,
  );
}

/**
 * @param {Model} model
 * @param {Conversation} request
 * @param {Completion} completion
 * @returns {Json}
 */
export function chatCompletion(model, request, completion) {
  return {
    ...head(model, "chat.completion"),
    choices: Array.from({ length: request.n }, (_, index) => ({
      index,
      message: message(model, completion),
      logprobs: null,
      finish_reason: completion.finish,
    })),
    usage: usage(request, completion),
    emulated: true,
  };
}

/**
 * @param {Model} model
 * @param {Conversation} request
 * @param {Completion} completion
 */
export function* chatCompletionEvents(model, request, completion) {
  const envelope = head(model, "chat.completion.chunk");
  // With include_usage every chunk but the last carries a null usage.
  const rest = request.streamUsage ? { usage: null } : {};
  for (let index = 0; index < request.n; index += 1) {
    for (const delta of deltas(model, completion)) {
      yield dataEvent({ ...envelope, choices: [{ index, delta, finish_reason: null }], ...rest });
    }
    const choices = [{ index, delta: {}, finish_reason: completion.finish }];
    yield dataEvent({ ...envelope, choices, ...rest, emulated: true });
  }
  if (request.streamUsage) {
    yield dataEvent({
      ...envelope,
      choices: [],
      usage: usage(request, completion),
      emulated: true,
    });
  }
  yield DONE;
}

/** @param {Model} model @param {string} object */
function head(model, object) {
  const id = `chatcmpl-${requestId()}`;
  const name = model.id.replace(/^(?:openai|google)\//u, "");
  return { id, object, created: Math.floor(Date.now() / 1_000), model: name };
}

/** @param {Model} model @param {Completion} completion */
function message(model, { text, reasoning, calls }) {
  return {
    role: "assistant",
    content: calls.length > 0 ? null : text,
    ...(reasoning === "" ? {} : { [model.reasoning ?? "reasoning_content"]: reasoning }),
    ...(calls.length > 0 ? { tool_calls: calls.map(functionCall) } : {}),
  };
}

/** @param {Completion["calls"][number]} call */
function functionCall({ id, name, arguments: value }) {
  return { id, type: "function", function: { name, arguments: JSON.stringify(value) } };
}

/** @param {Model} model @param {Completion} completion @returns {Generator<Json>} */
function* deltas(model, { text, reasoning, calls }) {
  yield { role: "assistant", content: calls.length > 0 ? null : "" };
  for (const piece of pieces(reasoning)) yield { [model.reasoning ?? "reasoning_content"]: piece };
  for (const piece of pieces(text)) yield { content: piece };
  for (const [index, call] of calls.entries()) {
    const { id, type, function: called } = functionCall(call);
    yield { tool_calls: [{ index, id, type, function: { name: called.name, arguments: "" } }] };
    for (const part of called.arguments.match(/.{1,16}/gsu) ?? []) {
      yield { tool_calls: [{ index, function: { arguments: part } }] };
    }
  }
}

/** @param {Conversation} request @param {Completion} completion */
function usage(request, { promptTokens: prompt, completionTokens, reasoningTokens }) {
  const completed = completionTokens * request.n;
  return {
    prompt_tokens: prompt,
    completion_tokens: completed,
    total_tokens: prompt + completed,
    prompt_tokens_details: { cached_tokens: 0 },
    completion_tokens_details: { reasoning_tokens: reasoningTokens * request.n },
  };
}
