// OpenAI's Responses: https://platform.openai.com/docs/api-reference/responses
import { promptTokens } from "../chat.js";
import { badRequest } from "../errors.js";
import { namedEvent } from "../stream.js";
import { readToolChoice, readTools } from "../tools.js";
import { checkStrictSchema } from "./openai/strict_schema.js";
import { response } from "./responses/answer.js";
import { responseEvents } from "./responses/events.js";
import { readItems } from "./responses/items.js";

/** @import { Json, Model, Wire } from "../types.js" */

const FIELDS = new Set(
  (
    "background context_management conversation include input instructions max_output_tokens " +
    "max_tool_calls metadata model parallel_tool_calls previous_response_id prompt prompt_cache_key " +
    "prompt_cache_retention reasoning safety_identifier service_tier store stream stream_options " +
    "temperature text tool_choice tools top_logprobs top_p truncation user moderation"
  ).split(" "),
);
const LEAST_OUTPUT = 16;

/** @type {Wire} */
export const responses = {
  read(model, inputs) {
    checkRequest(model, inputs);
    const turns = readItems(inputs);
    const format = readFormat(inputs.text?.format);
    return {
      turns,
      tools: readTools(inputs.tools),
      choice: readToolChoice(inputs.tool_choice),
      parallel: inputs.parallel_tool_calls !== false,
      ...format,
      maxTokens: inputs.max_output_tokens ?? model.defaultMaxTokens,
      stop: [],
      stream: inputs.stream === true,
      streamUsage: true,
      n: 1,
      reasoning: inputs.reasoning?.effort !== "none",
      promptTokens: promptTokens(turns, inputs.tools, format.schema),
    };
  },
  answer: response,
  events: responseEvents,
  errorEvent: ({ error }) => {
    const { code, message, param } = error ?? {};
    return namedEvent("error", {
      code: code ?? null,
      message,
      param: param ?? null,
      sequence_number: 0,
    });
  },
};

/** @param {Model} model @param {Json} inputs */
function checkRequest(model, inputs) {
  const unknown = Object.keys(inputs).find((name) => !FIELDS.has(name));
  if (unknown !== undefined) {
    throw badRequest(`Unknown parameter: '${unknown}'.`, unknown, "unknown_parameter");
  }
  const { max_output_tokens: cap, temperature } = inputs;
  if (cap != null && !(Number.isSafeInteger(cap) && cap >= LEAST_OUTPUT)) {
    throw badRequest(
      `Invalid 'max_output_tokens': integer below minimum value. Expected a value >= ${LEAST_OUTPUT}, ` +
        `but got ${cap} instead.`,
      "max_output_tokens",
      "integer_below_min_value",
    );
  }
  const reasons = model.reasoning === "hidden";
  if (reasons && temperature != null && temperature !== 1) {
    throw badRequest(
      "Unsupported parameter: 'temperature' is not supported with this model.",
      "temperature",
    );
  }
  if (!reasons && inputs.reasoning?.effort != null) {
    throw badRequest(
      "Unsupported parameter: 'reasoning.effort' is not supported with this model.",
      "reasoning.effort",
      "unsupported_parameter",
    );
  }
  for (const [index, tool] of (inputs.tools ?? []).entries()) {
    if (tool?.type === "function" && typeof tool.name !== "string") {
      const param = `tools[${index}].name`;
      throw badRequest(
        `Missing required parameter: '${param}'.`,
        param,
        "missing_required_parameter",
      );
    }
    if (tool?.strict) {
      checkStrictSchema(`function '${tool.name}'`, tool.parameters, `tools[${index}].parameters`);
    }
  }
}

/** @param {any} format @returns {{ schema?: Json, strict?: boolean }} */
function readFormat(format) {
  if (format?.type === "json_object") return { schema: {}, strict: false };
  if (format?.type !== "json_schema") return {};
  if (typeof format.name !== "string") {
    const param = "text.format.name";
    throw badRequest(
      `Missing required parameter: '${param}'.`,
      param,
      "missing_required_parameter",
    );
  }
  if (format.strict)
    checkStrictSchema(`response_format '${format.name}'`, format.schema, "text.format.schema");
  return { schema: format.schema ?? {}, strict: true };
}
