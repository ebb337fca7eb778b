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

/** As the gateway does it: full address, aborted when its own caller leaves. @param {Request} request @param {Record<string, any>} env */
function pass(request, env) {
  const address = request.headers.get("x-address") ?? request.url;
  const headers = new Headers(request.headers);
  headers.delete("x-address");
  return env.AI.fetch(new Request(address, new Request(request, { headers, redirect: "manual" })));
}

/** @param {Response} response @param {string} kind what the RPC call gave */
function tagged(response, kind) {
  const copy = new Response(response.body, response);
  copy.headers.set("x-result", kind);
  return copy;
}
