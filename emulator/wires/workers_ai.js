// Workers AI's two wires for text generation: the native one of older models (`{response, …}`) and
// OpenAI's answer shape on newer ones. Requests are the same for both.
// https://developers.cloudflare.com/workers-ai/models/
import { pieces, promptTokens } from "../chat.js";
import { withoutDirectives } from "../directives.js";
import { workersAiError } from "../errors.js";
import { toBase64 } from "../media/bytes.js";
import { lookAtPicture } from "../media/look.js";
import { DONE, dataEvent } from "../stream.js";
import { readToolChoice, readTools } from "../tools.js";
import { readFormat, readRole, readStop } from "./messages.js";
import { chatCompletion } from "./openai/answer.js";
import { readContent } from "./openai/content.js";
import { chatCompletionEvents } from "./openai/events.js";

/**
 * @import { Asked, Completion, Conversation, Json, Medium, Model, Turn, Wire } from "../types.js"
 */

/** @type {Wire} */
export const native = {
  read: readRequest,
  answer: nativeAnswer,
  events: nativeEvents,
  errorEvent: dataEvent,
};

/** @type {Wire} */
export const workersAi = {
  read: readRequest,
  answer: chatCompletion,
  events: chatCompletionEvents,
  errorEvent: dataEvent,
};

/** @param {Model} model @param {Json} inputs @returns {Asked} */
function readRequest(model, inputs) {
  const turns = readTurns(inputs);
  const form = model.wire === "native" ? "bare" : "either";
  const format = readFormat(inputs.response_format, form);
  return {
    turns,
    tools: readTools(inputs.tools),
    choice: readToolChoice(inputs.tool_choice),
    parallel: true,
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
function readTurns({ messages, prompt, image }) {
  if (messages === undefined && typeof prompt === "string") {
    return [{ role: "user", text: withoutDirectives(prompt), media: readImage(image) }];
  }
  if (messages === undefined) throw badInput("required properties at '/' are 'messages'");
  if (!Array.isArray(messages)) throw badInput("Type mismatch of '/messages'");
  if (messages.length === 0) throw badInput("Length of '/messages' must be >= 1");
  const turns = messages.map(readMessage);
  turns.findLast(({ role }) => role === "user")?.media.push(...readImage(image));
  return turns;
}

/** @param {any} message @param {number} index @returns {Turn} */
function readMessage(message, index) {
  const role = readRole(message?.role);
  if (!role) throw badInput(`Type mismatch of '/messages/${index}/role'`);
  const { content } = message;
  if (typeof content !== "string" && !Array.isArray(content)) {
    const type = content === null ? "null" : typeof content;
    throw badInput(`Type mismatch of '/messages/${index}/content', '${type}' not in 'string'`);
  }
  const turn = readContent(content, `/messages/${index}/content`, (_, problem) =>
    badInput(problem),
  );
  if (turn.media.some(({ remote }) => remote)) {
    throw badInput(`'/messages/${index}/content': image URLs must be data URLs`);
  }
  return { role, ...turn };
}

/** The picture beside the messages: bytes, or base64. @param {unknown} image @returns {Medium[]} */
function readImage(image) {
  if (image === undefined) return [];
  const base64 = typeof image === "string" ? image : bytesInBase64(image);
  const seen = lookAtPicture(base64.replace(/^data:[^,]*,/u, ""));
  if (!seen) throw badInput("'/image' is no picture");
  return [seen];
}

/** @param {unknown} image */
function bytesInBase64(image) {
  const listed = Array.isArray(image) || ArrayBuffer.isView(image);
  return listed ? toBase64(Uint8Array.from(/** @type {number[]} */ (image))) : "";
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
    ...(request.script.says.has("no_usage") ? {} : { usage: usage(completion) }),
    emulated: true,
  };
}

/**
 * @param {Model} _model
 * @param {Conversation} request
 * @param {Completion} completion
 */
function* nativeEvents(_model, request, completion) {
  for (const piece of pieces(responseText(completion))) yield dataEvent({ response: piece });
  if (completion.calls.length > 0) {
    yield dataEvent({ response: "", tool_calls: completion.calls.map(nativeCall) });
  }
  yield dataEvent({
    response: "",
    finish_reason: completion.finish,
    ...(request.script.says.has("no_usage") ? {} : { usage: usage(completion) }),
    emulated: true,
  });
  yield DONE;
}

/** @param {Completion} completion */
function responseText({ text, reasoning, refusal }) {
  return reasoning === "" ? text + refusal : `<think>\n${reasoning}\n</think>\n\n${text}`;
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
