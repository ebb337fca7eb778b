// One call of `run`: the fault, if any; else the model's answer in its wire.
import { errorStyleOf, findModel } from "./catalogue.js";
import { converse } from "./converse.js";
import { runDecision } from "./decision.js";
import { runEmbeddings } from "./embeddings.js";
import { workersAiError } from "./errors.js";
import { underFault } from "./faulted.js";
import { runGuard } from "./guard.js";
import { runFlux } from "./media/draw.js";
import { runSpeech } from "./media/speech.js";
import { runTranscription } from "./media/transcription.js";
import { promptOf } from "./prompt.js";
import { answerOpenAi } from "./providers/openai.js";
import { runRerank } from "./rerank.js";

/** @import { CallOutcome, FaultRule, Json, Model, RunOptions } from "./types.js" */

/** Models other than these are text generation, which directives without a model speak of. */
const NOT_CHAT =
  /^@cf\/(?:baai\/|cloudflare\/clef|meta\/llama-guard|deepgram\/|openai\/whisper|myshell-ai\/|black-forest-labs\/)|embedding/u;

/**
 * The raw response, whatever its status.
 * @param {string} id the model
 * @param {unknown} inputs
 * @param {RunOptions} options
 * @param {CallOutcome} outcome filled in
 * @returns {Promise<Response>}
 */
export async function respond(id, inputs, options, outcome) {
  const errors = errorStyleOf(id);
  const given = readInputs(inputs);
  const prompt = promptOf(given ?? {});
  const streamed = given?.stream === true;
  const subject = { target: id, prompt, general: !NOT_CHAT.test(id), streamed, errors };
  const response = await underFault(subject, outcome, (fault) => {
    if (given) return answer(findModel(id), given, prompt, fault, outcome);
    throw workersAiError(5006, "Error: Type mismatch of '/', must be an object");
  });
  response.headers.set("cf-ai-req-id", crypto.randomUUID());
  if (options.gateway?.id) response.headers.set("cf-aig-log-id", crypto.randomUUID());
  return response;
}

/** @param {unknown} inputs @returns {Json | undefined} */
function readInputs(inputs) {
  const object = typeof inputs === "object" && inputs !== null && !Array.isArray(inputs);
  return object ? inputs : undefined;
}

/**
 * @param {Model} model
 * @param {Json} inputs
 * @param {string} prompt
 * @param {FaultRule} fault
 * @param {CallOutcome} outcome
 * @returns {Response | Promise<Response>}
 */
function answer(model, inputs, prompt, fault, outcome) {
  if (model.id.startsWith("openai/")) return answerOpenAi(model, inputs, prompt, fault, outcome);
  switch (model.task) {
    case "embeddings":
      return Response.json(runEmbeddings(model, inputs));
    case "rerank":
      return Response.json(runRerank(inputs));
    case "decision":
      return Response.json(runDecision(inputs));
    case "guard":
      return Response.json(runGuard(inputs));
    case "transcription":
      return runTranscription(model, inputs);
    case "speech":
      return runSpeech(model, inputs, fault, outcome);
    case "image":
      return Response.json(runFlux(inputs));
    default:
      return converse(model, inputs, prompt, fault, outcome);
  }
}
