// One call of `run`: the fault, if any; else the model's answer in its wire.
import { findModel, wireOf } from "./catalogue.js";
import { checkWindow, complete } from "./chat.js";
import { runEmbeddings } from "./embeddings.js";
import { errorBody, faultError, ServiceError, workersAiError } from "./errors.js";
import { takeFault } from "./faults.js";
import { runGuard } from "./guard.js";
import { runRerank } from "./rerank.js";
import { eventStream, hang } from "./stream.js";
import { anthropic } from "./wires/anthropic.js";
import { openai } from "./wires/openai.js";
import { native, workersAi } from "./wires/workers_ai.js";

/** @import { CallOutcome, FaultRule, Json, Model, RunOptions, Wire } from "./types.js" */

/** @type {Record<Model["wire"], Wire>} */
const WIRES = { native, workers_ai: workersAi, openai, anthropic };

/** Models other than these are text generation, which directives without a model speak of. */
const NOT_CHAT = /^@cf\/(?:baai\/|meta\/llama-guard)/u;

/**
 * The raw response, whatever its status.
 * @param {string} id the model
 * @param {unknown} inputs
 * @param {RunOptions} options
 * @param {CallOutcome} outcome filled in
 * @returns {Promise<Response>}
 */
export async function respond(id, inputs, options, outcome) {
  const wire = wireOf(id);
  /** @type {FaultRule} */
  let fault = {};
  /** @type {Response} */
  let response;
  try {
    const given = readInputs(inputs);
    fault = takeFault(id, promptOf(given), !NOT_CHAT.test(id)) ?? {};
    outcome.fault = Object.keys(fault).length > 0;
    if (fault.delay_ms) await scheduler.wait(fault.delay_ms);
    if (fault.hang && fault.cut_after_chunks === undefined) await hang();
    const error = faultError(fault, wire);
    if (error) throw error;
    response = rawBody(fault) ?? answer(findModel(id), given, fault, outcome);
  } catch (thrown) {
    const error = asServiceError(thrown);
    if (error.code !== undefined) outcome.code = error.code;
    response = Response.json(errorBody(error, wire, fault.envelope), { status: error.status });
  }
  outcome.status = response.status;
  return withHeaders(response, options, fault);
}

/** @param {unknown} inputs @returns {Json} */
function readInputs(inputs) {
  if (typeof inputs === "object" && inputs !== null && !Array.isArray(inputs)) return inputs;
  throw workersAiError(5006, "Error: Type mismatch of '/', must be an object");
}

/**
 * The text that may hold directives: the last user message, the prompt, the texts or the query.
 * @param {Json} inputs
 */
function promptOf({ messages, prompt, text, query }) {
  const user = Array.isArray(messages)
    ? messages.findLast((message) => message?.role === "user")?.content
    : undefined;
  const found = user ?? prompt ?? query ?? text ?? "";
  if (!Array.isArray(found)) return String(found);
  return found.map((part) => (typeof part === "string" ? part : (part?.text ?? ""))).join("\n");
}

/**
 * A bug here must not look like the gateway's: it is reported as the service's own failure.
 * @param {unknown} thrown
 */
function asServiceError(thrown) {
  if (thrown instanceof ServiceError) return thrown;
  console.error("emulator:", thrown);
  return workersAiError(3043, `Internal server error: ${String(thrown)}`);
}

/** @param {FaultRule} fault @returns {Response | undefined} */
function rawBody({ body, status = 200, content_type: type = "application/json" }) {
  if (body === undefined) return undefined;
  // 204, 205 and 304 may not carry a body.
  const content = [204, 205, 304].includes(status) ? null : body;
  return new Response(content, { status, headers: { "content-type": type } });
}

/**
 * @param {Model} model
 * @param {Json} inputs
 * @param {FaultRule} fault
 * @param {CallOutcome} outcome
 * @returns {Response}
 */
function answer(model, inputs, fault, outcome) {
  switch (model.task) {
    case "embeddings":
      return Response.json(runEmbeddings(model, inputs));
    case "rerank":
      return Response.json(runRerank(inputs));
    case "guard":
      return Response.json(runGuard(inputs));
    default:
      return chat(model, inputs, fault, outcome);
  }
}

/**
 * @param {Model} model
 * @param {Json} inputs
 * @param {FaultRule} fault
 * @param {CallOutcome} outcome
 */
function chat(model, inputs, fault, outcome) {
  const wire = WIRES[model.wire];
  const request = wire.read(model, inputs);
  checkWindow(model, request);
  const completion = complete(model, request);
  if (!request.stream) return Response.json(wire.answer(model, request, completion));
  const events = wire.events(model, request, completion);
  return new Response(eventStream(events, fault, outcome), {
    headers: { "content-type": "text/event-stream" },
  });
}

/**
 * @param {Response} response
 * @param {RunOptions} options
 * @param {FaultRule} fault
 */
function withHeaders(response, options, fault) {
  response.headers.set("cf-ai-req-id", crypto.randomUUID());
  if (options.gateway?.id) response.headers.set("cf-aig-log-id", crypto.randomUUID());
  for (const [name, value] of Object.entries(fault.headers ?? {}))
    response.headers.set(name, value);
  return response;
}
