// A text-generation request in any wire to its response.
import { checkWindow, complete } from "./chat.js";
import { errorBody } from "./envelopes.js";
import { badRequest, errorOf } from "./errors.js";
import { idOf } from "./ids.js";
import { readScript } from "./script.js";
import { eventStream } from "./stream.js";
import { anthropic } from "./wires/anthropic.js";
import { gemini } from "./wires/gemini.js";
import { openai } from "./wires/openai.js";
import { responses } from "./wires/responses.js";
import { native, workersAi } from "./wires/workers_ai.js";

/** @import { CallOutcome, Conversation, FaultRule, Json, Model, Wire } from "./types.js" */

/** @type {Record<Model["wire"], Wire>} */
const WIRES = { native, workers_ai: workersAi, openai, responses, anthropic, gemini };

/** @type {Partial<Record<Model["errors"], [message: string, code?: string]>>} */
const BLOCKED = {
  openai: [
    "Invalid prompt: your prompt was flagged as potentially violating our usage policy.",
    "invalid_prompt",
  ],
  azure: [
    "The response was filtered due to the prompt triggering Azure OpenAI's content management " +
      "policy. Please modify your prompt and retry.",
    "content_filter",
  ],
  anthropic: ["Output blocked by content filtering policy"],
};

/**
 * @param {Model} model
 * @param {Json} inputs
 * @param {string} prompt the text that may hold directives
 * @param {FaultRule} fault
 * @param {CallOutcome} outcome
 * @returns {Response}
 */
export function converse(model, inputs, prompt, fault, outcome) {
  const wire = WIRES[model.wire];
  const { request, completion } = think(model, inputs, prompt);
  if (!request.stream) return Response.json(wire.answer(model, request, completion));
  const events = wire.events(model, request, completion);
  return new Response(eventStream(events, fault, outcome, lastEvent(model, fault)), {
    headers: { "content-type": "text/event-stream" },
  });
}

/** What a stream ends with that fails midway. @param {Model} model @param {FaultRule} fault */
function lastEvent({ wire, errors }, fault) {
  if (!fault.cut_event) return undefined;
  const overloaded = { status: 529, message: "Overloaded", ...fault };
  const error = errorOf(errors === "anthropic" ? overloaded : fault, errors);
  return WIRES[wire].errorEvent(errorBody(error, errors, fault.envelope));
}

/**
 * Reads a request and answers it, before the answer takes a wire's shape.
 * @param {Model} model
 * @param {Json} inputs
 * @param {string} prompt
 */
function think(model, inputs, prompt) {
  const asked = WIRES[model.wire].read(model, inputs);
  const script = readScript(model.id, prompt);
  const blocked = script.says.has("blocked") ? BLOCKED[model.errors] : undefined;
  if (blocked) throw badRequest(blocked[0], null, blocked[1]);
  // Streamed or whole, it is the same answer.
  const { stream: _, stream_options: __, ...said } = inputs;
  /** @type {Conversation} */
  const request = { ...asked, script, inputs, id: idOf(model.id, said) };
  checkWindow(model, request);
  return { request, completion: complete(model, request) };
}
