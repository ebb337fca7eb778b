// OpenAI's API, which every compatible host serves a part of.
// https://platform.openai.com/docs/api-reference
import { converse } from "../converse.js";
import { badRequest, ServiceError } from "../errors.js";
import { deleteResponse, findResponse } from "../wires/responses/stored.js";
import { runOpenAiSpeech, runOpenAiTranscription } from "./openai/audio.js";
import { runOpenAiEmbeddings } from "./openai/embeddings.js";
import { runOpenAiImages } from "./openai/images.js";
import { listModels, showModel } from "./openai/models.js";
import { runModerations } from "./openai/moderations.js";
import { isReasoner, openAiTask } from "./openai_models.js";
import { checkQuirks } from "./quirks.js";

/** @import { CallOutcome, FaultRule, Json, Model, Task } from "../types.js" */
/** @import { HttpCall } from "./serve.js" */
/** @import { Provider } from "./hosts.js" */

const WINDOW = 128_000;
const DEFAULT_MAX_TOKENS = 4_096;

/** @type {Record<string, Task>} */
const POSTS = {
  "/chat/completions": "chat",
  "/responses": "chat",
  "/embeddings": "embeddings",
  "/audio/transcriptions": "transcription",
  "/audio/translations": "transcription",
  "/audio/speech": "speech",
  "/images/generations": "image",
  "/moderations": "moderation",
};

/**
 * @param {HttpCall} call
 * @param {FaultRule} fault
 * @param {CallOutcome} outcome
 * @returns {Response | Promise<Response>}
 */
export function serveOpenAi(call, fault, outcome) {
  const { provider, method, inputs, prompt } = call;
  const { path, deployment } = placeOf(call);
  if (method === "GET" && path === "/models") return Response.json(listModels(provider));
  if (method === "GET" && path.startsWith("/models/")) {
    return Response.json(showModel(provider, decodeURIComponent(path.slice(8))));
  }
  if (path.startsWith("/responses/")) return storedResponse(method, path.slice(11));
  const task = POSTS[path];
  if (task === undefined) throw unknownUrl(call);
  if (method !== "POST") throw new ServiceError(405, undefined, `Not allowed to ${method} here.`);
  const model = modelOf(provider, deployment ?? inputs.model, task);
  checkQuirks(provider.slug, inputs);
  if (path === "/responses") {
    return converse({ ...model, wire: "responses" }, inputs, prompt, fault, outcome);
  }
  if (path === "/audio/translations") inputs.language = "en";
  return answerOpenAi(model, inputs, prompt, fault, outcome);
}

/** @param {string} method @param {string} id */
function storedResponse(method, id) {
  if (method === "GET") return Response.json(findResponse(id));
  if (method === "DELETE") return Response.json(deleteResponse(id));
  throw new ServiceError(405, undefined, `Not allowed to ${method} here.`);
}

/**
 * The answer of one model, over HTTP or over the binding.
 * @param {Model} model
 * @param {Json} inputs
 * @param {string} prompt
 * @param {FaultRule} fault
 * @param {CallOutcome} outcome
 * @returns {Response | Promise<Response>}
 */
export function answerOpenAi(model, inputs, prompt, fault, outcome) {
  switch (model.task) {
    case "embeddings":
      return Response.json(runOpenAiEmbeddings(model, inputs));
    case "transcription":
      return runOpenAiTranscription(model, inputs);
    case "speech":
      return runOpenAiSpeech(inputs, fault, outcome);
    case "image":
      return Response.json(runOpenAiImages(model, inputs));
    case "moderation":
      return Response.json(runModerations(model, inputs));
    default: {
      const wire = inputs.input === undefined ? model.wire : "responses";
      return converse({ ...model, wire }, inputs, prompt, fault, outcome);
    }
  }
}

/**
 * Azure names the model in the path and asks for a version.
 * https://learn.microsoft.com/azure/ai-services/openai/reference
 * @param {HttpCall} call
 * @returns {{ path: string, deployment?: string }}
 */
function placeOf({ provider, path, url }) {
  if (provider.slug !== "azure-openai") return { path };
  if (path.startsWith("/v1/")) return { path: path.slice(3) };
  if (!url.searchParams.get("api-version")) {
    throw new ServiceError(404, "404", "Resource not found");
  }
  const [, deployment = "", rest = path] = /^\/deployments\/([^/]+)(\/.*)$/u.exec(path) ?? [];
  return deployment === ""
    ? { path: rest }
    : { path: rest, deployment: decodeURIComponent(deployment) };
}

/** @param {HttpCall} call */
function unknownUrl({ provider, method, url }) {
  if (provider.slug === "azure-openai") return new ServiceError(404, "404", "Resource not found");
  return new ServiceError(404, "unknown_url", `Unknown request URL: ${method} ${url.pathname}.`);
}

/** @param {Provider} provider @param {unknown} name @param {Task} task @returns {Model} */
function modelOf(provider, name, task) {
  const { slug, models, errors, flavour, thinks } = provider;
  if (name === undefined && task === "moderation")
    return modelOf(provider, "omni-moderation-latest", task);
  if (typeof name !== "string" || name === "") {
    throw badRequest("you must provide a model parameter", null);
  }
  if (!models.test(name)) {
    if (slug === "azure-openai") throw noDeployment();
    throw new ServiceError(
      404,
      undefined,
      `The model \`${name}\` does not exist or you do not have access to it.`,
    );
  }
  const openAi = slug === "openai" || slug === "azure-openai";
  if (slug === "openai" && openAiTask(name) !== task) {
    throw new ServiceError(404, undefined, `The model \`${name}\` is not supported here.`);
  }
  const reasoning = openAi && isReasoner(name) ? "hidden" : thinksWhere(thinks, name);
  return {
    id: `${slug}/${name}`,
    name,
    task,
    wire: "openai",
    errors,
    window: WINDOW,
    defaultMaxTokens: DEFAULT_MAX_TOKENS,
    ...(reasoning ? { reasoning } : {}),
    ...(flavour ? { flavour } : {}),
  };
}

/** @param {Provider["thinks"]} thinks @param {string} name */
function thinksWhere(thinks, name) {
  return thinks?.[0].test(name) ? thinks[1] : undefined;
}

function noDeployment() {
  return new ServiceError(
    404,
    "DeploymentNotFound",
    "The API deployment for this resource does not exist. If you created the deployment within " +
      "the last 5 minutes, please wait a moment and try again.",
  );
}
