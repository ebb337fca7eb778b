// The emulator in workerd, reached through another Worker's RPC.
import { join } from "node:path";
import { createTestHarness } from "wrangler";
import type {
  Call,
  CallFilter,
  FaultRule,
  Json,
  Matches,
  QueryOptions,
  Vector,
} from "../../emulator/types.js";

type Fetch = (url: string, init: RequestInit) => Promise<Response>;

export interface Remote {
  name: string;
  message: string;
}

/**
 * Starts workerd with the caller and the emulator on a port of its own.
 *
 * `baseUrl` is where SDKs find the providers: `${baseUrl}/openai/v1`, `${baseUrl}/anthropic`,
 * `${baseUrl}/google`, `${baseUrl}/azure`, `${baseUrl}/groq/openai/v1`, …
 */
export async function startEmulator() {
  const root = join(import.meta.dirname, "../..");
  const server = createTestHarness({
    root,
    workers: [
      { configPath: "test/emulator/caller/wrangler.toml" },
      { configPath: "emulator/wrangler.toml" },
    ],
  });
  const { url } = await server.listen();
  const emulator = server.getWorker("emulator");
  return {
    ...client((path, init) => fetch(new URL(path, url), init)),
    baseUrl: url.origin,
    /** Any address, as the gateway asks for it. */
    fetch: (address: string, init: RequestInit = {}) => {
      const headers = new Headers(init.headers);
      headers.set("x-address", address);
      return fetch(new URL("/provider", url), { redirect: "manual", ...init, headers });
    },
    stop: () => server.close(),
    close: () => server.close(),
    evictVectors: () => emulator.evictDurableObject("VectorIndex", { name: "default" }),
  };
}

export type Emulator = ReturnType<typeof client>;

/** Typed calls over the caller Worker's HTTP. */
export function client(send: Fetch) {
  const call = (binding: "AI" | "VECTORS", method: string, ...args: unknown[]) =>
    send("/", { method: "POST", body: JSON.stringify({ binding, method, args }) });

  async function value<T>(binding: "AI" | "VECTORS", method: string, ...args: unknown[]) {
    const response = await call(binding, method, ...args);
    const body = (await response.json()) as T;
    if (response.headers.get("x-result") !== "error") return body;
    const { name, message } = body as Remote;
    throw Object.assign(new Error(message), { name });
  }

  return {
    /** `run` as the binding gives it: a parsed object, or an error thrown. */
    run: (model: string, inputs: unknown, options?: unknown) =>
      value<Json>("AI", "run", model, inputs, options),
    /** `run` with `returnRawResponse`. */
    raw: (model: string, inputs: unknown, options: object = {}) =>
      call("AI", "run", model, inputs, { ...options, returnRawResponse: true }),
    /** The HTTP response of the caller, whatever the call gave. */
    call,
    setFaults: (rules: FaultRule[]) => value<null>("AI", "setFaults", rules),
    clearFaults: () => value<null>("AI", "clearFaults"),
    calls: (filter?: CallFilter) => value<Call[]>("AI", "calls", filter ?? {}),
    clearCalls: () => value<null>("AI", "clearCalls"),
    insert: (vectors: unknown) => value<{ mutationId: string }>("VECTORS", "insert", vectors),
    upsert: (vectors: unknown) => value<{ mutationId: string }>("VECTORS", "upsert", vectors),
    query: (vector: unknown, options: QueryOptions = {}) =>
      value<Matches>("VECTORS", "query", vector, options),
    queryById: (id: string, options: QueryOptions = {}) =>
      value<Matches>("VECTORS", "queryById", id, options),
    getByIds: (ids: string[]) => value<Vector[]>("VECTORS", "getByIds", ids),
    deleteByIds: (ids: string[]) => value<{ mutationId: string }>("VECTORS", "deleteByIds", ids),
    describe: () => value<Json>("VECTORS", "describe"),
  };
}

/** The data of each event of a stream; `[DONE]` stays a string. */
export async function readEvents(response: Response): Promise<(Json | "[DONE]")[]> {
  const text = await response.text();
  return text
    .split("\n\n")
    .filter((event) => event.includes("data: "))
    .map(
      (event) =>
        event
          .split("\n")
          .find((line) => line.startsWith("data: "))
          ?.slice(6) ?? "",
    )
    .map((data) => (data === "[DONE]" ? data : (JSON.parse(data) as Json)));
}

/** One user message. */
export function ask(content: string, more: object = {}) {
  return { messages: [{ role: "user", content }], ...more };
}
