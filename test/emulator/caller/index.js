// Calls `env[binding][method](...args)` over RPC and says over HTTP what came back.
export default {
  /** @param {Request} request @param {Record<string, any>} env */
  async fetch(request, env) {
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

/** @param {Response} response @param {string} kind what the RPC call gave */
function tagged(response, kind) {
  const copy = new Response(response.body, response);
  copy.headers.set("x-result", kind);
  return copy;
}
