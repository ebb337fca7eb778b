// Anthropic's Messages: https://docs.anthropic.com/en/api/messages

import { promptTokens } from "../chat.js";
import { namedEvent } from "../stream.js";
import { readTools } from "../tools.js";
import { message, messageEvents } from "./anthropic/answer.js";
import { readCache } from "./anthropic/cache.js";
import { checkRequest } from "./anthropic/checks.js";
import { readTurns } from "./anthropic/dialogue.js";
import { readStop } from "./messages.js";

/** @import { Json, ToolChoice, Wire } from "../types.js" */

/** @type {Wire} */
export const anthropic = {
  read(model, inputs) {
    const turns = readTurns(inputs);
    checkRequest(model, inputs);
    const schema = inputs.output_config?.format?.schema ?? inputs.output_format?.schema;
    return {
      turns,
      tools: readTools(inputs.tools),
      choice: readChoice(inputs.tool_choice),
      parallel: inputs.tool_choice?.disable_parallel_tool_use !== true,
      ...(schema ? { schema, strict: true } : {}),
      maxTokens: inputs.max_tokens,
      stop: readStop(inputs.stop_sequences),
      stream: inputs.stream === true,
      streamUsage: true,
      n: 1,
      reasoning: thinks(inputs),
      promptTokens: promptTokens(turns, inputs.tools, schema),
      cache: readCache(model, inputs, turns),
    };
  },
  answer: message,
  events: messageEvents,
  errorEvent: (body) => namedEvent("error", body),
};

/** The tokens of a request that is only counted. @param {Json} inputs @returns {Json} */
export function countMessageTokens(inputs) {
  const schema = inputs.output_config?.format?.schema;
  return { input_tokens: promptTokens(readTurns(inputs), inputs.tools, schema) };
}

/** @param {Json} inputs */
function thinks({ thinking }) {
  return thinking?.type === "enabled" || thinking?.type === "adaptive";
}

/** @param {any} choice @returns {ToolChoice} */
function readChoice(choice) {
  if (choice?.type === "none") return { mode: "none" };
  if (choice?.type === "any") return { mode: "required" };
  if (choice?.type === "tool") return { mode: "required", name: String(choice.name) };
  return { mode: "auto" };
}
