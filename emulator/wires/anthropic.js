// Anthropic's Messages: https://docs.anthropic.com/en/api/messages
import { pieces, promptTokens } from "../chat.js";
import { requestId, ServiceError } from "../errors.js";
import { readTools } from "../tools.js";
import { readContent, readStop } from "./messages.js";
/** @import { Completion, Json, Model, ToolChoice, Turn, Wire } from "../types.js" */

/** @type {Wire} */
export const anthropic = {
  read(_model, inputs) {
    const turns = readTurns(inputs);
    const { max_tokens: cap } = inputs;
    if (cap === undefined) throw badRequest("max_tokens: Field required");
    if (!Number.isSafeInteger(cap) || cap < 1) {
      throw badRequest("max_tokens: Input should be greater than or equal to 1");
    }
    const schema = inputs.output_config?.format?.schema;
    return {
      turns,
      tools: readTools(inputs.tools),
      choice: readChoice(inputs.tool_choice),
      ...(schema ? { schema, strict: true } : {}),
      maxTokens: cap,
      stop: readStop(inputs.stop_sequences),
      stream: inputs.stream === true,
      streamUsage: true,
      n: 1,
      reasoning: false,
      promptTokens: promptTokens(turns, inputs.tools, schema),
    };
  },

  answer(model, _request, completion) {
    return {
      ...head(model),
      content: blocks(completion),
      stop_reason: stopReason(completion),
      stop_sequence: completion.stopSequence,
      usage: usage(completion.promptTokens, completion.completionTokens),
      gatewayMetadata: { keySource: "Unified" },
      emulated: true,
    };
  },

  *events(model, _request, completion) {
    const message = { ...head(model), content: [], stop_reason: null, stop_sequence: null };
    yield named("message_start", {
      message: { ...message, usage: usage(completion.promptTokens, 1) },
    });
    for (const [index, block] of blocks(completion).entries()) yield* blockEvents(block, index);
    yield named("message_delta", {
      delta: { stop_reason: stopReason(completion), stop_sequence: completion.stopSequence },
      usage: { output_tokens: completion.completionTokens },
      emulated: true,
    });
    yield named("message_stop", {});
  },
};

/** @param {Json} inputs @returns {Turn[]} */
function readTurns({ system, messages }) {
  if (messages === undefined) throw badRequest("messages: Field required");
  if (!Array.isArray(messages) || messages.length === 0) {
    throw badRequest("messages: at least one message is required");
  }
  const turns = messages.map((message, index) => readTurn(message, index));
  if (system === undefined) return turns;
  return [{ role: /** @type {const} */ ("system"), ...readContent(system) }, ...turns];
}

/**
 * A turn that holds tool results is the tool speaking.
 * @param {any} message
 * @param {number} index
 * @returns {Turn}
 */
function readTurn(message, index) {
  const { role, content } = message ?? {};
  if (role !== "user" && role !== "assistant") {
    throw badRequest(`messages.${index}.role: Input should be 'user' or 'assistant'`);
  }
  if (typeof content !== "string" && !Array.isArray(content)) {
    throw badRequest(`messages.${index}.content: Input should be a valid string or list`);
  }
  const results = Array.isArray(content) && content.some((block) => block?.type === "tool_result");
  return { role: results ? "tool" : role, ...readContent(content) };
}

/** @param {string} message */
function badRequest(message) {
  return new ServiceError(400, undefined, message);
}

/** @param {any} choice @returns {ToolChoice} */
function readChoice(choice) {
  if (choice?.type === "none") return { mode: "none" };
  if (choice?.type === "any") return { mode: "required" };
  if (choice?.type === "tool") return { mode: "required", name: String(choice.name) };
  return { mode: "auto" };
}

/** @param {Model} model */
function head(model) {
  const name = model.id.replace(/^anthropic\//u, "");
  return { id: `msg_${requestId()}`, type: "message", role: "assistant", model: name };
}

/** @param {Completion} completion @returns {Json[]} */
function blocks({ text, calls }) {
  if (calls.length === 0) return [{ type: "text", text }];
  return calls.map(({ id, name, arguments: input }) => ({
    type: "tool_use",
    id: id.replace("call_", "toolu_"),
    name,
    input,
  }));
}

/** @param {Completion} completion */
function stopReason({ finish, stopSequence }) {
  if (finish === "tool_calls") return "tool_use";
  if (finish === "length") return "max_tokens";
  return stopSequence === null ? "end_turn" : "stop_sequence";
}

/** @param {number} input @param {number} output */
function usage(input, output) {
  return {
    input_tokens: input,
    cache_creation_input_tokens: 0,
    cache_read_input_tokens: 0,
    output_tokens: output,
  };
}

/** @param {string} type @param {Json} rest */
function named(type, rest) {
  return `event: ${type}\ndata: ${JSON.stringify({ type, ...rest })}\n\n`;
}

/** @param {Json} block @param {number} index */
function* blockEvents(block, index) {
  const text = block.type === "text";
  const empty = text ? { ...block, text: "" } : { ...block, input: {} };
  yield named("content_block_start", { index, content_block: empty });
  if (index === 0) yield named("ping", {});
  const parts = text ? pieces(block.text) : (JSON.stringify(block.input).match(/.{1,16}/gsu) ?? []);
  for (const part of parts) {
    const delta = text
      ? { type: "text_delta", text: part }
      : { type: "input_json_delta", partial_json: part };
    yield named("content_block_delta", { index, delta });
  }
  yield named("content_block_stop", { index });
}
