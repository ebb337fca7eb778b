// Errors of the services emulated: their codes, statuses and envelopes.
// https://developers.cloudflare.com/workers-ai/platform/errors/
/** @import { FaultRule, Model } from "./types.js" */

/** Workers AI's code to its HTTP status and text. @type {Record<number, [number, string]>} */
const WORKERS_AI_ERRORS = {
  3003: [400, "Request is missing headers or body"],
  3006: [413, "Request is too large"],
  3007: [408, "Request timeout"],
  3008: [408, "Request was aborted"],
  3023: [403, "Service unavailable for account"],
  3036: [
    429,
    "You have used up your daily free allocation of 10,000 neurons. Please upgrade to " +
      "Cloudflare's Workers Paid plan if you would like to continue usage.",
  ],
  3039: [400, "Finetune is missing required files (model.safetensors and config.json)"],
  3040: [429, "Capacity temporarily exceeded, please try again."],
  3041: [403, "The account is not allowed to access this model"],
  3042: [404, "The model name is invalid"],
  3043: [500, "Internal server error"],
  5004: [400, "Invalid data type for base64 input"],
  5005: [405, "The model does not support LoRA inference"],
  5006: [400, "Error: invalid input"],
  5007: [400, "No such model or task"],
  5016: [403, "User has not agreed to the model's terms"],
  5018: [403, "The account is not allowed to access this model"],
  5019: [405, "Request trying to use deprecated SDK version"],
  5021: [413, "The request exceeded this model context window limit"],
  5028: [410, "This model was deprecated. Please use an alternative model."],
  5035: [403, "This model requires the Workers Paid plan"],
  // AI Gateway, in front of third-party models.
  2005: [502, "Failed to get response from provider"],
  2009: [401, "Unauthorized"],
  2021: [402, "Insufficient credits: use BYOK or add credits"],
  7003: [400, "User input error"],
};

/**
 * Status to Workers AI's code, for faults that name only a status.
 * @type {Record<number, number>}
 */
const CODE_OF_STATUS = {
  400: 5006,
  403: 5018,
  404: 3042,
  405: 5019,
  408: 3007,
  410: 5028,
  413: 3006,
  429: 3040,
};

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

/** An error as a service reports it. */
export class ServiceError extends Error {
  /**
   * @param {number} status HTTP status
   * @param {number | string | undefined} code the service's own code
   * @param {string} message
   * @param {string | null} [param] the offending parameter (OpenAI's wire)
   */
  constructor(status, code, message, param = null) {
    super(message);
    this.name = "ServiceError";
    this.status = status;
    this.code = code;
    this.param = param;
  }
}

/** A Workers AI error by its code. @param {number} code @param {string} [message] */
export function workersAiError(code, message) {
  const [status, text] = WORKERS_AI_ERRORS[code] ?? [500, "Internal server error"];
  return new ServiceError(status, code, message ?? text);
}

/**
 * The error a fault rule asks for; undefined when it asks for none (a delay, a cut, a raw body).
 * @param {FaultRule} rule
 * @param {Model["wire"]} wire
 * @returns {ServiceError | undefined}
 */
export function faultError(rule, wire) {
  if (rule.body !== undefined) return undefined;
  const { status: given, code: named, message } = rule;
  if (given === undefined && named === undefined && message === undefined) return undefined;
  const known = typeof named === "number" ? WORKERS_AI_ERRORS[named] : undefined;
  const status = given ?? known?.[0] ?? 500;
  const ofWorkersAi = wire === "native" || wire === "workers_ai";
  const code = named ?? (ofWorkersAi ? codeOf(status) : undefined);
  const standard = typeof code === "number" ? WORKERS_AI_ERRORS[code]?.[1] : undefined;
  return new ServiceError(
    status,
    code,
    message ?? standard ?? `emulated failure with status ${status}`,
  );
}

/**
 * An error as the model's wire shows it. A numeric code on a third-party model is the gateway's own
 * error, which comes in its envelope (`error`, an array) rather than the provider's.
 * @param {ServiceError} error
 * @param {Model["wire"]} wire
 * @param {FaultRule["envelope"]} [envelope]
 * @returns {object}
 */
export function errorBody(error, wire, envelope) {
  if (wire === "native" || wire === "workers_ai") return workersAiBody(error, envelope);
  if (typeof error.code === "number") return workersAiBody(error, envelope ?? "error");
  return wire === "anthropic" ? anthropicBody(error) : openAiBody(error);
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

/** Workers AI's code for a status. @param {number} status */
function codeOf(status) {
  return CODE_OF_STATUS[status] ?? 3043;
}

/** @param {ServiceError} error */
function openAiBody({ status, code, message, param }) {
  const [type, standard] = OPENAI_ERRORS[status] ?? [
    status < 500 ? "invalid_request_error" : "server_error",
    null,
  ];
  return { error: { message, type, param, code: code ?? standard } };
}

/** @param {ServiceError} error */
function anthropicBody({ status, code, message }) {
  const type =
    code ?? ANTHROPIC_ERRORS[status] ?? (status < 500 ? "invalid_request_error" : "api_error");
  return { type: "error", error: { type, message }, request_id: `req_${requestId()}` };
}

/** 24 hexadecimal digits. */
export function requestId() {
  return crypto.randomUUID().replaceAll("-", "").slice(0, 24);
}
