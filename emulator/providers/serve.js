// One HTTP call to a provider: who it is for, its body, its record, its answer.
import { recordCall } from "../calls.js";
import { badRequest } from "../errors.js";
import { underFault } from "../faulted.js";
import { requestId } from "../ids.js";
import { outside } from "../outside.js";
import { promptOf } from "../prompt.js";
import { serveAnthropic } from "./anthropic.js";
import { serveGemini } from "./gemini.js";
import { locate } from "./hosts.js";
import { authenticate, maskedHeaders } from "./keys.js";
import { serveOpenAi } from "./openai.js";

/** @import { CallOutcome, FaultRule, Json } from "../types.js" */
/** @import { Provider } from "./hosts.js" */

/**
 * @typedef {object} HttpCall
 * @property {Provider} provider
 * @property {string} path below the provider's base
 * @property {URL} url
 * @property {string} method
 * @property {Headers} headers
 * @property {Json} inputs the body, or the form's fields
 * @property {string} prompt the text that may hold directives
 */

const FAMILIES = { openai: serveOpenAi, anthropic: serveAnthropic, gemini: serveGemini };

/** Paths of text generation, which directives without a model speak of. */
const CHAT = /\/(?:chat\/completions|responses|messages)$|enerateContent$/u;

/** @param {Request} request @returns {Promise<Response>} */
export async function serve(request) {
  const url = new URL(request.url);
  const place = locate(url);
  if (!place) return outside(request);
  const { provider, path } = place;
  const { method, headers } = request;
  const { inputs, problem } = await readBody(request);
  const prompt = promptOf(inputs);
  const call = { provider, path, url, method, headers, inputs, prompt };
  const target = `${provider.slug}/${nameOf(call)}`;
  const outcome = recordCall(target, recordable(inputs), undefined, {
    url: request.url,
    method,
    headers: maskedHeaders(headers),
  });
  const streamed = inputs.stream === true || path.endsWith(":streamGenerateContent");
  const { errors } = provider;
  const general = CHAT.test(path);
  const subject = { target, prompt, general, streamed, errors, signal: request.signal };
  const response = await underFault(subject, outcome, (fault) => {
    authenticate(provider, url, headers);
    if (problem !== undefined) throw badRequest(problem);
    return FAMILIES[provider.family](call, fault, outcome);
  });
  response.headers.set(
    errors === "anthropic" ? "request-id" : "x-request-id",
    `req_${requestId()}`,
  );
  return response;
}

/** The model, wherever the provider names it. @param {HttpCall} call */
function nameOf({ path, inputs }) {
  const inPath = /\/(?:deployments|models)\/([^/:]+)/u.exec(path)?.[1];
  return inPath === undefined ? String(inputs.model ?? "") : decodeURIComponent(inPath);
}

/**
 * A JSON object or a form; `problem` says why it is neither.
 * @param {Request} request
 * @returns {Promise<{ inputs: Json, problem?: string }>}
 */
async function readBody(request) {
  if (request.method !== "POST") return { inputs: {} };
  if (/^multipart\/form-data/u.test(request.headers.get("content-type") ?? "")) {
    return readForm(request);
  }
  const text = await request.text();
  try {
    const inputs = JSON.parse(text);
    if (typeof inputs === "object" && inputs !== null && !Array.isArray(inputs)) return { inputs };
  } catch {
    // Reported below, as anything else that is no object.
  }
  return {
    inputs: {},
    problem:
      "We could not parse the JSON body of your request. (HINT: This likely means you aren't " +
      "using your HTTP library correctly.)",
  };
}

/**
 * Fields that come several times become lists.
 * @param {Request} request
 * @returns {Promise<{ inputs: Json, problem?: string }>}
 */
async function readForm(request) {
  /** @type {Json} */
  const inputs = {};
  try {
    for (const [name, value] of await request.formData()) {
      inputs[name] = name in inputs ? [inputs[name], value].flat() : value;
    }
  } catch (error) {
    return { inputs, problem: `Could not parse multipart form: ${String(error)}` };
  }
  return { inputs };
}

/** Files are recorded by name, type and length. @param {Json} inputs */
function recordable(inputs) {
  return Object.fromEntries(
    Object.entries(inputs).map(([name, value]) => [
      name,
      value instanceof File ? { name: value.name, type: value.type, bytes: value.size } : value,
    ]),
  );
}
