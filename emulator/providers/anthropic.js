// Anthropic's API: https://docs.anthropic.com/en/api/overview
import { converse } from "../converse.js";
import { badRequest, ServiceError } from "../errors.js";
import { countMessageTokens } from "../wires/anthropic.js";

/** @import { CallOutcome, FaultRule, Model } from "../types.js" */
/** @import { HttpCall } from "./serve.js" */

const LISTED = ["claude-opus-5", "claude-sonnet-5", "claude-haiku-4-5"];

/**
 * @param {HttpCall} call
 * @param {FaultRule} fault
 * @param {CallOutcome} outcome
 * @returns {Response}
 */
export function serveAnthropic(call, fault, outcome) {
  const { path, method, headers, inputs, prompt } = call;
  if (!headers.get("anthropic-version")) {
    throw badRequest("anthropic-version: header is required");
  }
  switch (`${method} ${path}`) {
    case "POST /messages":
      return converse(modelOf(call), inputs, prompt, fault, outcome);
    case "POST /messages/count_tokens":
      modelOf(call);
      return Response.json(countMessageTokens(inputs));
    case "GET /models":
      return Response.json({
        data: LISTED.map(entry),
        has_more: false,
        first_id: null,
        last_id: null,
      });
    default:
      throw new ServiceError(404, undefined, `Not found: ${path}`);
  }
}

/** @param {HttpCall} call @returns {Model} */
function modelOf({ provider, inputs }) {
  const { model: name } = inputs;
  if (typeof name !== "string") throw badRequest("model: Field required");
  if (!provider.models.test(name)) throw new ServiceError(404, undefined, `model: ${name}`);
  return {
    id: `anthropic/${name}`,
    name,
    task: "chat",
    wire: "anthropic",
    errors: "anthropic",
    window: 200_000,
    defaultMaxTokens: 4_096,
    reasoning: "hidden",
  };
}

/** @param {string} id */
function entry(id) {
  return { type: "model", id, display_name: id, created_at: "2026-01-01T00:00:00Z" };
}
