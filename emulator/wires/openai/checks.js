// The parameters of a chat request, refused as OpenAI refuses them.
import { badRequest } from "../../errors.js";
import { isReasoner } from "../../providers/openai_models.js";
import { checkStrictSchema } from "./strict_schema.js";

/** @import { Json, Model } from "../../types.js" */

const FIELDS = new Set(
  (
    "messages model audio frequency_penalty function_call functions logit_bias logprobs " +
    "max_completion_tokens max_tokens metadata modalities moderation n parallel_tool_calls " +
    "prediction presence_penalty prompt_cache_key prompt_cache_retention reasoning_effort " +
    "response_format safety_identifier seed service_tier stop store stream stream_options " +
    "temperature tool_choice tools top_logprobs top_p user verbosity web_search_options"
  ).split(" "),
);

/** Lowest and highest value. @type {Record<string, [number, number]>} */
const RANGES = {
  temperature: [0, 2],
  top_p: [0, 1],
  presence_penalty: [-2, 2],
  frequency_penalty: [-2, 2],
  top_logprobs: [0, 20],
  n: [1, 128],
  max_tokens: [1, Number.MAX_SAFE_INTEGER],
  max_completion_tokens: [1, Number.MAX_SAFE_INTEGER],
};

/** Not taken at all by models that reason, or with one value only. */
const REASONERS_REFUSE = ["logprobs", "top_logprobs", "logit_bias", "stop"];
const REASONERS_FIX = { temperature: 1, top_p: 1, presence_penalty: 0, frequency_penalty: 0 };

const MOST_TOOLS = 128;
const MOST_STOPS = 4;

/**
 * @param {Model} model
 * @param {Json} inputs
 */
export function checkRequest(model, inputs) {
  if (model.id.startsWith("openai/") || model.flavour === "azure") {
    checkFields(inputs);
    checkModel(model.name, inputs);
    checkJsonWord(inputs);
  }
  for (const [name, range] of Object.entries(RANGES)) checkRange(name, inputs[name], range);
  if (Array.isArray(inputs.stop) && inputs.stop.length > MOST_STOPS) {
    throw badRequest(
      `Invalid 'stop': array too long. Expected an array with maximum length ${MOST_STOPS}, but ` +
        `got an array with length ${inputs.stop.length} instead.`,
      "stop",
      "array_above_max_length",
    );
  }
  if (inputs.stream_options != null && inputs.stream !== true) {
    throw badRequest(
      "The 'stream_options' parameter is only allowed when 'stream' is enabled.",
      "stream_options",
    );
  }
  if (inputs.top_logprobs != null && inputs.logprobs !== true) {
    throw badRequest(
      "Invalid value for 'top_logprobs': 'logprobs' must be true when it is given.",
      "top_logprobs",
    );
  }
  checkTools(inputs);
  checkFormat(inputs.response_format);
}

/** @param {Json} inputs */
function checkFields(inputs) {
  const unknown = Object.keys(inputs).find((name) => !FIELDS.has(name));
  if (unknown === undefined) return;
  throw badRequest(`Unknown parameter: '${unknown}'.`, unknown, "unknown_parameter");
}

/** @param {string} name @param {Json} inputs */
function checkModel(name, inputs) {
  if (!isReasoner(name)) {
    if (inputs.reasoning_effort == null) return;
    throw badRequest("Unrecognized request argument supplied: reasoning_effort");
  }
  if (inputs.max_tokens != null) {
    throw unsupported(
      "max_tokens",
      "Unsupported parameter: 'max_tokens' is not supported with this model. Use " +
        "'max_completion_tokens' instead.",
    );
  }
  const refused = REASONERS_REFUSE.find(
    (field) => inputs[field] != null && inputs[field] !== false,
  );
  if (refused !== undefined && !(refused === "stop" && name.startsWith("o1"))) {
    throw unsupported(
      refused,
      `Unsupported parameter: '${refused}' is not supported with this model.`,
    );
  }
  for (const [field, only] of Object.entries(REASONERS_FIX)) {
    if (inputs[field] == null || inputs[field] === only) continue;
    throw badRequest(
      `Unsupported value: '${field}' does not support ${inputs[field]} with this model. Only the ` +
        `default (${only}) value is supported.`,
      field,
      "unsupported_value",
    );
  }
}

/** @param {string} param @param {string} message */
function unsupported(param, message) {
  return badRequest(message, param, "unsupported_parameter");
}

/** @param {Json} inputs */
function checkJsonWord({ response_format: format, messages }) {
  if (format?.type !== "json_object" || /json/iu.test(JSON.stringify(messages))) return;
  throw badRequest(
    "'messages' must contain the word 'json' in some form, to use 'response_format' of type " +
      "'json_object'.",
    "messages",
  );
}

/** @param {string} name @param {unknown} value @param {[number, number]} range */
function checkRange(name, value, [low, high]) {
  if (value === undefined || value === null) return;
  const whole = Number.isInteger(low + high) && !/temperature|top_p|penalty/u.test(name);
  if (typeof value !== "number" || (whole && !Number.isInteger(value))) {
    throw badRequest(
      `Invalid type for '${name}': expected ${whole ? "an integer" : "a decimal"}, but got ` +
        `${JSON.stringify(value)} instead.`,
      name,
      "invalid_type",
    );
  }
  if (value < low) {
    throw badRequest(
      `Invalid '${name}': ${whole ? "integer" : "decimal"} below minimum value. Expected a value ` +
        `>= ${low}, but got ${value} instead.`,
      name,
      `${whole ? "integer" : "decimal"}_below_min_value`,
    );
  }
  if (value <= high) return;
  throw badRequest(
    `Invalid '${name}': ${whole ? "integer" : "decimal"} above maximum value. Expected a value ` +
      `<= ${high}, but got ${value} instead.`,
    name,
    `${whole ? "integer" : "decimal"}_above_max_value`,
  );
}

/** @param {Json} inputs */
function checkTools({ tools, tool_choice: choice }) {
  if (tools == null) {
    if (choice == null || choice === "none" || choice === "auto") return;
    throw badRequest("'tool_choice' is only allowed when 'tools' are specified.", "tool_choice");
  }
  if (!Array.isArray(tools) || tools.length === 0 || tools.length > MOST_TOOLS) {
    throw badRequest(
      `Invalid 'tools': expected an array with length 1 to ${MOST_TOOLS}.`,
      "tools",
      Array.isArray(tools) && tools.length > 0 ? "array_above_max_length" : "empty_array",
    );
  }
  for (const [index, tool] of tools.entries()) {
    const name = tool?.function?.name;
    if (tool?.type !== "function") continue;
    if (typeof name !== "string" || !/^[\w-]{1,64}$/u.test(name)) {
      throw badRequest(
        `Invalid 'tools[${index}].function.name': string does not match pattern. Expected a ` +
          "string that matches the pattern '^[a-zA-Z0-9_-]+$'.",
        `tools[${index}].function.name`,
        "invalid_value",
      );
    }
    if (tool.function.strict) {
      checkStrictSchema(
        `function '${name}'`,
        tool.function.parameters,
        `tools[${index}].function.parameters`,
      );
    }
  }
}

/** @param {any} format */
function checkFormat(format) {
  if (format == null) return;
  if (!["text", "json_object", "json_schema"].includes(format.type)) {
    throw badRequest(
      `Invalid value: '${format.type}'. Supported values are: 'json_object', 'json_schema', and ` +
        "'text'.",
      "response_format.type",
      "invalid_value",
    );
  }
  if (format.type !== "json_schema") return;
  const { name, schema, strict } = format.json_schema ?? {};
  if (typeof name !== "string" || !/^[\w-]{1,64}$/u.test(name)) {
    throw badRequest(
      "Missing required parameter: 'response_format.json_schema.name'.",
      "response_format.json_schema.name",
      "missing_required_parameter",
    );
  }
  if (strict) checkStrictSchema(`response_format '${name}'`, schema, "response_format");
}
