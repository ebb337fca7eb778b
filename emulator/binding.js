// What the runtime's own AI binding does with a response before the caller sees it.
// https://github.com/cloudflare/workerd/blob/main/src/cloudflare/internal/ai-api.ts

/** The error the binding throws; its message is `"<code>: <text>"`. */
export class InferenceUpstreamError extends Error {
  /** @param {string} message @param {string} [name] */
  constructor(message, name = "InferenceUpstreamError") {
    super(message);
    this.name = name;
  }
}

/**
 * Parsed JSON, or the body as a stream for any other content type.
 * @param {Response} response
 * @returns {Promise<object | ReadableStream>}
 * @throws {InferenceUpstreamError} the status is not 2xx
 */
export async function interpret(response) {
  if (!response.ok || !response.body) throw upstreamError(await response.text());
  if (response.headers.get("content-type") === "application/json") return response.json();
  return response.body;
}

/** @param {string} content */
function upstreamError(content) {
  /** @type {any} */
  let body;
  try {
    body = JSON.parse(content);
  } catch {
    return new InferenceUpstreamError(content);
  }
  if (body?.internalCode) {
    return new InferenceUpstreamError(`${body.internalCode}: ${body.description}`, body.name);
  }
  const first = body?.errors?.[0];
  return new InferenceUpstreamError(first ? `${first.code}: ${first.message}` : content);
}
