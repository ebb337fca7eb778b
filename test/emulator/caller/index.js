// Calls `env[binding][method](...args)` over RPC and says over HTTP what came back; passes any path
// but `/` on to the providers, under the address that the header `x-address` gives.
export default {
  /** @param {Request} request @param {Record<string, any>} env */
  async fetch(request, env) {
    if (new URL(request.url).pathname !== "/") return pass(request, env);
    const { binding = "AI", method, args } = /** @type {any} */ (await request.json());
    try {
      const result = await env[binding][method](...args);
      if (result instanceof Response) return tagged(result, "response");
      if (result instanceof ReadableStream) return tagged(new Response(result), "stream");
      return tagged(Response.json(result ?? null), "value");
    } catch (error) {
      const { name, message } = /** @type {Error} */ (error);
      return tagged(Response.json({ name, message }), "error");
    }
  },
};

/**
 * As the gateway does it: by the full address; aborted, with status 499, when it is told to
 * (`x-abort-after`, in milliseconds).
 * @param {Request} request
 * @param {Record<string, any>} env
 * @returns {Promise<Response>}
 */
async function pass(request, env) {
  const headers = new Headers(request.headers);
  const address = headers.get("x-address") ?? request.url;
  const after = headers.get("x-abort-after");
  for (const name of ["x-address", "x-abort-after"]) headers.delete(name);
  const body = request.method === "POST" ? await request.arrayBuffer() : undefined;
  const init = { method: request.method, headers, body, redirect: "manual" };
  if (after === null) return env.AI.fetch(address, init);
  try {
    const signal = AbortSignal.timeout(Number(after));
    const response = await env.AI.fetch(address, { ...init, signal });
    return new Response(await response.text());
  } catch {
    return new Response(null, { status: 499 });
  }
}

/** @param {Response} response @param {string} kind what the RPC call gave */
function tagged(response, kind) {
  const copy = new Response(response.body, response);
  copy.headers.set("x-result", kind);
  return copy;
}
