// What single hosts refuse that OpenAI takes, each in its own words.
import { badRequest, ServiceError } from "../errors.js";

/** @import { Json } from "../types.js" */

/** https://docs.mistral.ai/api/#tag/chat */
const MISTRAL_FIELDS = new Set(
  (
    "model messages temperature top_p max_tokens stream stop random_seed metadata response_format " +
    "tools tool_choice presence_penalty frequency_penalty n prediction parallel_tool_calls " +
    "prompt_mode reasoning_effort safe_prompt"
  ).split(" "),
);
const MISTRAL_MESSAGE_FIELDS = new Set(
  "role content tool_calls prefix tool_call_id name".split(" "),
);

/** https://console.groq.com/docs/openai#currently-unsupported-openai-features */
const GROQ_REFUSES = ["logprobs", "logit_bias", "top_logprobs"];

/** https://inference-docs.cerebras.ai/resources/openai#currently-unsupported-openai-features */
const CEREBRAS_REFUSES = ["frequency_penalty", "logit_bias", "presence_penalty"];

/** https://docs.x.ai/docs/models: reasoning models take none of these. */
const XAI_REFUSES = ["presence_penalty", "frequency_penalty", "stop"];

const ID = /^[a-zA-Z0-9]{9}$/u;

/** @type {Record<string, (inputs: Json) => void>} */
const QUIRKS = {
  mistral: checkMistral,
  groq: checkGroq,
  deepseek: checkDeepSeek,
  xai: checkXai,
  cerebras: checkCerebras,
};

/** @param {string} slug @param {Json} inputs @throws {ServiceError} */
export function checkQuirks(slug, inputs) {
  QUIRKS[slug]?.(inputs);
}

/** @param {Json} inputs */
function checkMistral(inputs) {
  const unknown = Object.keys(inputs).find((name) => !MISTRAL_FIELDS.has(name));
  if (unknown !== undefined) throw extraInput(["body", unknown], inputs[unknown]);
  for (const [index, message] of messagesOf(inputs).entries()) {
    const field = Object.keys(message).find(
      (name) => !MISTRAL_MESSAGE_FIELDS.has(name) || (name === "name" && message.role !== "tool"),
    );
    if (field !== undefined) {
      throw extraInput(["body", "messages", index, message.role, field], message[field]);
    }
    const ids = [
      message.tool_call_id,
      ...(message.tool_calls ?? []).map((/** @type {Json} */ call) => call.id),
    ];
    const long = ids.find((id) => id !== undefined && !ID.test(id));
    if (long !== undefined) {
      throw new ServiceError(
        400,
        "3280",
        `Tool call id was ${long} but must be a-z, A-Z, 0-9, with a length of 9.`,
      );
    }
  }
}

/** @param {(string | number)[]} loc @param {unknown} input */
function extraInput(loc, input) {
  const msg = "Extra inputs are not permitted";
  const error = new ServiceError(422, undefined, msg);
  error.body = {
    object: "error",
    message: { detail: [{ type: "extra_forbidden", loc, msg, input }] },
    type: "invalid_request_error",
    param: null,
    code: null,
  };
  return error;
}

/** @param {Json} inputs */
function checkGroq(inputs) {
  const refused = GROQ_REFUSES.find((name) => inputs[name] != null && inputs[name] !== false);
  if (refused !== undefined) throw badRequest(`property '${refused}' is unsupported`);
  if (inputs.n != null && inputs.n !== 1) throw badRequest("'n' : number must be at most 1");
  const named = messagesOf(inputs).findIndex(({ name }) => name != null);
  if (named < 0) return;
  const { role } = messagesOf(inputs)[named] ?? {};
  throw badRequest(
    `'messages.${named}' : for 'role:${role}' the following must be satisfied[('messages.${named}' ` +
      ": property 'name' is unsupported)]",
  );
}

/** @param {Json} inputs */
function checkDeepSeek(inputs) {
  if (inputs.response_format?.type === "json_schema") {
    throw badRequest("This response_format type is unavailable now");
  }
  if (
    inputs.response_format?.type === "json_object" &&
    !/json/iu.test(JSON.stringify(inputs.messages))
  ) {
    throw badRequest(
      "Prompt must contain the word 'json' in some form to use 'response_format' of type " +
        "'json_object'.",
    );
  }
  if (inputs.model === "deepseek-reasoner" && (inputs.logprobs || inputs.top_logprobs)) {
    throw badRequest("deepseek-reasoner does not support the parameter logprobs");
  }
  for (const [index, { content }] of messagesOf(inputs).entries()) {
    const part = Array.isArray(content) && content.find(({ type }) => type !== "text");
    if (part) {
      throw badRequest(
        `Failed to deserialize the JSON body into the target type: messages[${index}]: unknown ` +
          `variant \`${part.type}\`, expected \`text\``,
      );
    }
  }
}

/** @param {Json} inputs */
function checkXai(inputs) {
  if (!/^grok-4(?!.*non-reasoning)/u.test(String(inputs.model))) return;
  const refused = XAI_REFUSES.find((name) => inputs[name] != null);
  const field = refused ?? (inputs.reasoning_effort == null ? undefined : "reasoning_effort");
  if (field === undefined) return;
  const camel = field.replace(/_(\w)/gu, (_, letter) => letter.toUpperCase());
  throw badRequest(`Argument not supported on this model: ${camel}`);
}

/** @param {Json} inputs */
function checkCerebras(inputs) {
  const refused = CEREBRAS_REFUSES.find((name) => inputs[name] != null);
  if (refused === undefined) return;
  throw badRequest(`${refused}: property '${refused}' is unsupported`, refused, "wrong_api_format");
}

/** @param {Json} inputs @returns {Json[]} */
function messagesOf({ messages }) {
  return Array.isArray(messages) ? messages.filter((message) => message !== null) : [];
}
