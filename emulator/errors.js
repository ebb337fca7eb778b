// Errors of the services emulated: their codes and statuses. How each is written: envelopes.js.
// https://developers.cloudflare.com/workers-ai/platform/errors/
/** @import { ErrorStyle, FaultRule } from "./types.js" */

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
    /**
     * The whole body, where a provider has a form of its own for this error.
     * @type {object | undefined}
     */
    this.body = undefined;
  }
}

/**
 * OpenAI's refusal of one parameter.
 * @param {string} message
 * @param {string | null} param
 * @param {string} [code]
 */
export function badRequest(message, param = null, code) {
  return new ServiceError(400, code, message, param);
}

/** A Workers AI error by its code. @param {number} code @param {string} [message] */
export function workersAiError(code, message) {
  const [status, text] = WORKERS_AI_ERRORS[code] ?? [500, "Internal server error"];
  return new ServiceError(status, code, message ?? text);
}

/** Workers AI's code for a status. @param {number} status */
export function codeOf(status) {
  return CODE_OF_STATUS[status] ?? 3043;
}

/**
 * The error a fault rule asks for; undefined when it asks for none (a delay, a cut, a raw body).
 * @param {FaultRule} rule
 * @param {ErrorStyle} style
 * @returns {ServiceError | undefined}
 */
export function faultError(rule, style) {
  const raw = rule.body !== undefined || rule.html || rule.empty;
  if (raw || rule.bytes !== undefined || rule.endless || rule.cut_event) return undefined;
  const { status, code, message } = rule;
  if ([status, code, message].every((part) => part === undefined)) return undefined;
  return errorOf(rule, style);
}

/**
 * The error a rule's status, code and message make.
 * @param {FaultRule} rule
 * @param {ErrorStyle} style
 */
export function errorOf({ status: given, code: named, message }, style) {
  const known = typeof named === "number" ? WORKERS_AI_ERRORS[named] : undefined;
  const status = given ?? known?.[0] ?? 500;
  const code = named ?? (style === "workers_ai" ? codeOf(status) : undefined);
  const standard = typeof code === "number" ? WORKERS_AI_ERRORS[code]?.[1] : undefined;
  return new ServiceError(
    status,
    code,
    message ?? standard ?? `emulated failure with status ${status}`,
  );
}
