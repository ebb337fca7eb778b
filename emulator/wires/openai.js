// OpenAI's Chat Completions: https://platform.openai.com/docs/api-reference/chat
import { promptTokens } from "../chat.js";
import { dataEvent } from "../stream.js";
import { readToolChoice, readTools } from "../tools.js";
import { readFormat, readStop } from "./messages.js";
import { chatCompletion } from "./openai/answer.js";
import { checkRequest } from "./openai/checks.js";
import { readMessages } from "./openai/dialogue.js";
import { chatCompletionEvents } from "./openai/events.js";

/** @import { Wire } from "../types.js" */

const MOST_CHOICES = 128;

/** @type {Wire} */
export const openai = {
  read(model, inputs) {
    checkRequest(model, inputs);
    const turns = readMessages(inputs.messages);
    const format = readFormat(inputs.response_format, "named");
    return {
      turns,
      tools: readTools(inputs.tools),
      choice: readToolChoice(inputs.tool_choice),
      parallel: inputs.parallel_tool_calls !== false,
      ...format,
      maxTokens: inputs.max_completion_tokens ?? inputs.max_tokens ?? model.defaultMaxTokens,
      stop: readStop(inputs.stop),
      stream: inputs.stream === true,
      streamUsage: inputs.stream_options?.include_usage === true,
      n: Number.isSafeInteger(inputs.n) && inputs.n > 0 ? Math.min(inputs.n, MOST_CHOICES) : 1,
      reasoning: inputs.reasoning_effort !== "none",
      promptTokens: promptTokens(turns, inputs.tools, format.schema),
    };
  },
  answer: chatCompletion,
  events: chatCompletionEvents,
  errorEvent: dataEvent,
};
