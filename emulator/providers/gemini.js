// Google's Gemini API: https://ai.google.dev/api
import { converse } from "../converse.js";
import { embed, normalize } from "../embeddings.js";
import { badRequest, ServiceError } from "../errors.js";
import { countContentTokens } from "../wires/gemini.js";

/** @import { CallOutcome, FaultRule, Json, Model } from "../types.js" */
/** @import { HttpCall } from "./serve.js" */

const LISTED = ["gemini-2.5-flash", "gemini-2.5-pro", "gemini-3-pro", "gemini-embedding-001"];
const DIMENSIONS = 3_072;

/**
 * @param {HttpCall} call
 * @param {FaultRule} fault
 * @param {CallOutcome} outcome
 * @returns {Response | Promise<Response>}
 */
export function serveGemini(call, fault, outcome) {
  const { path, method, inputs, prompt } = call;
  if (method === "GET" && path === "/models") return Response.json({ models: LISTED.map(entry) });
  const [, name = "", verb] = /^\/models\/([^:/]+)(?::(\w+))?$/u.exec(path) ?? [];
  const model = modelOf(call, decodeURIComponent(name));
  if (method === "GET" && verb === undefined) return Response.json(entry(model.name));
  switch (verb) {
    case "generateContent":
      return converse(model, inputs, prompt, fault, outcome);
    case "streamGenerateContent":
      return streamed(call, model, fault, outcome);
    case "countTokens":
      return Response.json(countContentTokens(model, inputs));
    case "embedContent":
      return Response.json({ embedding: embedding(inputs) });
    case "batchEmbedContents":
      return Response.json({ embeddings: (inputs.requests ?? []).map(embedding) });
    default:
      throw new ServiceError(404, undefined, `Requested entity was not found: ${path}`);
  }
}

/**
 * Without `alt=sse` a JSON array comes piece by piece.
 * @param {HttpCall} call
 * @param {Model} model
 * @param {FaultRule} fault
 * @param {CallOutcome} outcome
 */
async function streamed({ url, inputs, prompt }, model, fault, outcome) {
  const response = converse(model, { ...inputs, stream: true }, prompt, fault, outcome);
  if (url.searchParams.get("alt") === "sse" || !response.ok) return response;
  const events = (await response.text()).split("\n\n").filter((event) => event !== "");
  const list = `[${events.map((event) => event.replace(/^data: /u, "")).join("\n,\n")}]`;
  return new Response(list, { headers: { "content-type": "application/json; charset=UTF-8" } });
}

/** @param {HttpCall} call @param {string} name @returns {Model} */
function modelOf({ provider }, name) {
  if (!provider.models.test(name)) {
    throw new ServiceError(
      404,
      undefined,
      `models/${name} is not found for API version v1beta, or is not supported for ` +
        "generateContent. Call ListModels to see the list of available models and their supported methods.",
    );
  }
  return {
    id: `google/${name}`,
    name,
    task: "chat",
    wire: "gemini",
    errors: "google",
    window: 1_048_576,
    defaultMaxTokens: 8_192,
    reasoning: "hidden",
  };
}

/** @param {Json} request @returns {{ values: number[] }} */
function embedding({ content, outputDimensionality, output_dimensionality: snake }) {
  const text = (content?.parts ?? []).map((/** @type {Json} */ part) => part.text ?? "").join("\n");
  if (text === "") throw badRequest("* EmbedContentRequest.content: contents is not specified");
  const dimensions = outputDimensionality ?? snake ?? DIMENSIONS;
  const whole = embed(text, DIMENSIONS);
  return { values: dimensions === DIMENSIONS ? whole : normalize(whole.slice(0, dimensions)) };
}

/** @param {string} id */
function entry(id) {
  return {
    name: `models/${id}`,
    version: "001",
    displayName: id,
    inputTokenLimit: 1_048_576,
    outputTokenLimit: 65_536,
    supportedGenerationMethods: ["generateContent", "countTokens"],
  };
}
