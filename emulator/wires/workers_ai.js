// Workers AI's two wires for text generation: the native one of older models (`{response, …}`) and
// OpenAI's answer shape on newer ones. Requests are the same for both.
// https://developers.cloudflare.com/workers-ai/models/
import { pieces, promptTokens } from "../chat.js";
import { workersAiError } from "../errors.js";
import { withoutDirectives } from "../faults.js";
import { DONE, dataEvent } from "../stream.js";
import { readToolChoice, readTools } from "../tools.js";
import { readContent, readFormat, readRole, readStop } from "./messages.js";
import { chatCompletion, chatCompletionEvents } from "./openai.js";
/** @import { Completion, Conversation, Json, Model, Turn, Wire } from "../types.js" */

/** @type {Wire} */
export const native = { read: readRequest, answer: nativeAnswer, events: nativeEvents };

/** @type {Wire} */
export const workersAi = {
  read: readRequest,
  answer: chatCompletion,
  events: chatCompletionEvents,
};

/** @param {Model} model @param {Json} inputs @returns {Conversation} */
function readRequest(model, inputs) {
  const turns = readTurns(inputs);
  const form = model.wire === "native" ? "bare" : "either";
  const format = readFormat(inputs.response_format, form);
  return {
    turns,
    tools: readTools(inputs.tools),
    choice: readToolChoice(inputs.tool_choice),
    ...format,
    maxTokens: readMaxTokens(inputs, model),
    stop: readStop(inputs.stop),
    stream: inputs.stream === true,
    streamUsage: true,
    n: 1,
    reasoning:
      inputs.chat_template_kwargs?.enable_thinking !== false && inputs.reasoning_effort !== null,
    promptTokens: promptTokens(turns, inputs.tools, format.schema),
  };
}

/** @param {Json} inputs @returns {Turn[]} */
function readTurns({ messages, prompt }) {
  if (messages === undefined && typeof prompt === "string") {
    return [{ role: "user", text: withoutDirectives(prompt), images: 0 }];
  }
  if (messages === undefined) throw badInput("required properties at '/' are 'messages'");
  if (!Array.isArray(messages)) throw badInput("Type mismatch of '/messages'");
  if (messages.length === 0) throw badInput("Length of '/messages' must be >= 1");
  return messages.map((message, index) => {
    const role = readRole(message?.role);
    if (!role) throw badInput(`Type mismatch of '/messages/${index}/role'`);
    const { content } = message;
    if (typeof content !== "string" && !Array.isArray(content)) {
      const type = content === null ? "null" : typeof content;
      throw badInput(`Type mismatch of '/messages/${index}/content', '${type}' not in 'string'`);
    }
    return { role, ...readContent(content) };
  });
}

/** @param {string} detail */
function badInput(detail) {
  return workersAiError(
    5006,
    `Error: oneOf at '/' not met, 0 matches: required properties at '/' are 'prompt', ${detail}`,
  );
}

/** @param {Json} inputs @param {Model} model */
function readMaxTokens(inputs, model) {
  const cap = inputs.max_tokens ?? inputs.max_completion_tokens ?? model.defaultMaxTokens;
  if (!Number.isSafeInteger(cap) || cap < 1) {
    throw workersAiError(5006, "Error: Type mismatch of '/max_tokens', must be an integer >= 1");
  }
  return cap;
}

/**
 * @param {Model} _model
 * @param {Conversation} request
 * @param {Completion} completion
 * @returns {Json}
 */
function nativeAnswer(_model, request, completion) {
  const { calls, value } = completion;
  // A JSON schema's instance comes as an object, not as its text, unless reasoning precedes it.
  const object = request.strict && value !== undefined && completion.reasoning === "";
  return {
    response: object ? value : responseText(completion),
    ...(request.tools.length > 0 ? { tool_calls: calls.map(nativeCall) } : {}),
    usage: usage(completion),
    emulated: true,
  };
}

/**
 * @param {Model} _model
 * @param {Conversation} _request
 * @param {Completion} completion
 */
function* nativeEvents(_model, _request, completion) {
  for (const piece of pieces(responseText(completion))) yield dataEvent({ response: piece });
  if (completion.calls.length > 0) {
    yield dataEvent({ response: "", tool_calls: completion.calls.map(nativeCall) });
  }
  yield dataEvent({
    response: "",
    finish_reason: completion.finish,
    usage: usage(completion),
    emulated: true,
  });
  yield DONE;
}

/** @param {Completion} completion */
function responseText({ text, reasoning }) {
  return reasoning === "" ? text : `<think>\n${reasoning}\n</think>\n\n${text}`;
}

/** @param {Completion["calls"][number]} call */
function nativeCall({ name, arguments: value }) {
  return { name, arguments: value };
}

/** @param {Completion} completion */
function usage({ promptTokens: prompt, completionTokens }) {
  return {
    prompt_tokens: prompt,
    completion_tokens: completionTokens,
    total_tokens: prompt + completionTokens,
  };
}
