// How each service writes an error.
import { codeOf } from "./errors.js";
import { requestId } from "./ids.js";

/** @import { ServiceError } from "./errors.js" */
/** @import { ErrorStyle, FaultRule } from "./types.js" */

/** Status to OpenAI's `type` and `code`. @type {Record<number, [string, string | null]>} */
const OPENAI_ERRORS = {
  400: ["invalid_request_error", null],
  401: ["invalid_request_error", "invalid_api_key"],
  403: ["invalid_request_error", "unsupported_country_region_territory"],
  404: ["invalid_request_error", "model_not_found"],
  429: ["requests", "rate_limit_exceeded"],
};

/** Status to Anthropic's `type`. @type {Record<number, string>} */
const ANTHROPIC_ERRORS = {
  400: "invalid_request_error",
  401: "authentication_error",
  402: "billing_error",
  403: "permission_error",
  404: "not_found_error",
  413: "request_too_large",
  429: "rate_limit_error",
  504: "timeout_error",
  529: "overloaded_error",
};

/** Status to Google's canonical name. @type {Record<number, string>} */
const GOOGLE_ERRORS = {
  400: "INVALID_ARGUMENT",
  401: "UNAUTHENTICATED",
  403: "PERMISSION_DENIED",
  404: "NOT_FOUND",
  409: "ABORTED",
  429: "RESOURCE_EXHAUSTED",
  499: "CANCELLED",
  500: "INTERNAL",
  501: "UNIMPLEMENTED",
  503: "UNAVAILABLE",
  504: "DEADLINE_EXCEEDED",
};

/** @type {Record<Exclude<ErrorStyle, "workers_ai">, (error: ServiceError) => object>} */
const STYLES = {
  openai: openAiBody,
  anthropic: anthropicBody,
  google: googleBody,
  azure: azureBody,
  mistral: mistralBody,
  xai: xaiBody,
  flat: (error) => openAiError(error),
  numbered: numberedBody,
};

/**
 * An error in a service's own form. A numeric code on a third-party model is the gateway's own
 * error, which comes in its envelope (`error`, an array) rather than the provider's.
 * @param {ServiceError} error
 * @param {ErrorStyle} style
 * @param {FaultRule["envelope"]} [envelope]
 * @returns {object}
 */
export function errorBody(error, style, envelope) {
  if (error.body) return error.body;
  if (style === "workers_ai") return workersAiBody(error, envelope);
  if (typeof error.code === "number") return workersAiBody(error, envelope ?? "error");
  return STYLES[style](error);
}

/** @param {ServiceError} error @param {FaultRule["envelope"]} envelope */
function workersAiBody({ status, code: given, message }, envelope = "errors") {
  const code = given ?? codeOf(status);
  if (envelope === "internal") {
    return {
      internalCode: code,
      name: "AiError",
      message: `${code}: ${message}`,
      description: message,
    };
  }
  return { success: false, result: [], messages: [], [envelope]: [{ code, message }] };
}

/** @param {ServiceError} error */
function openAiBody(error) {
  return { error: openAiError(error) };
}

/** @param {ServiceError} error */
function openAiError({ status, code, message, param }) {
  const [type, standard] = OPENAI_ERRORS[status] ?? [
    status < 500 ? "invalid_request_error" : "server_error",
    null,
  ];
  return { message, type, param, code: code ?? standard };
}

/** @param {ServiceError} error */
function anthropicBody({ status, code, message }) {
  const type =
    code ?? ANTHROPIC_ERRORS[status] ?? (status < 500 ? "invalid_request_error" : "api_error");
  return { type: "error", error: { type, message }, request_id: `req_${requestId()}` };
}

/** https://cloud.google.com/apis/design/errors @param {ServiceError} error */
function googleBody({ status, code, message }) {
  const name = code ?? GOOGLE_ERRORS[status] ?? (status < 500 ? "INVALID_ARGUMENT" : "INTERNAL");
  return { error: { code: status, message, status: name } };
}

/** Azure's own layer writes the status as the code. @param {ServiceError} error */
function azureBody(error) {
  const { status, code, message, param } = error;
  if (param !== null || status === 400) return openAiBody(error);
  return { error: { code: code ?? String(status), message } };
}

/** @param {ServiceError} error */
function mistralBody({ status, code, message }) {
  const type = status < 500 ? "invalid_request_error" : "internal_error";
  return { object: "error", message, type, param: null, code: code ?? null };
}

/** @param {ServiceError} error */
function xaiBody({ status, code, message }) {
  const standard = status < 500 ? "Client specified an invalid argument" : "Internal error";
  return { code: code ?? standard, error: message };
}

/** OpenRouter writes the status as the code. @param {ServiceError} error */
function numberedBody({ status, message }) {
  return { error: { message, code: status } };
}
