import { expect } from "vitest";
import { problem } from "../support/own_description";
import { adminKey, type Gateway } from "./harness";

/** An answer as a client sees it, whole or streamed. */
export type Answered = {
  status: number;
  headers: Headers;
  id: string;
  // biome-ignore lint/suspicious/noExplicitAny: bodies are asserted on, not typed
  body: any;
  /** The answer's text, assembled from the chunks of a stream. */
  text: string;
  /** The `data:` objects of a stream. */
  // biome-ignore lint/suspicious/noExplicitAny: chunks are asserted on, not typed
  chunks: any[];
  /** Whether a stream ended with `[DONE]`. */
  done: boolean;
};

type Options = { headers?: Record<string, string>; worker?: number };

/** Whatever answers as the gateway. */
export type Reachable = Pick<Gateway, "fetch">;

/** Sends a chat request and reads the whole answer. */
export async function ask(
  gateway: Reachable,
  key: string,
  body: object,
  { headers = {}, worker = 0 }: Options = {},
): Promise<Answered> {
  const init = {
    method: "POST",
    headers: { authorization: `Bearer ${key}`, "content-type": "application/json", ...headers },
    body: JSON.stringify(body),
  };
  const response = await gateway.fetch("/v1/chat/completions", init, worker);
  const text = await response.text();
  const common = {
    status: response.status,
    headers: response.headers as unknown as Headers,
    id: response.headers.get("x-request-id") ?? "",
  };
  if (response.headers.get("content-type")?.startsWith("text/event-stream")) {
    const data = text.split("\n\n").filter((event) => event.startsWith("data: "));
    const payloads = data.map((event) => event.slice("data: ".length));
    const chunks = payloads
      .filter((payload) => payload !== "[DONE]")
      .map((payload) => JSON.parse(payload));
    const answer = chunks.map((chunk) => chunk.choices?.[0]?.delta?.content ?? "").join("");
    return { ...common, body: text, text: answer, chunks, done: payloads.at(-1) === "[DONE]" };
  }
  const parsed = text === "" ? undefined : JSON.parse(text);
  const answer = parsed?.choices?.[0]?.message?.content ?? "";
  return { ...common, body: parsed, text: answer, chunks: [], done: false };
}

/** An answer of the admin API. */
// biome-ignore lint/suspicious/noExplicitAny: bodies are asserted on, not typed
type Administered = { status: number; headers: Headers; body: any };

/** Calls the admin API with the admin key and reads the answer, which is as docs/openapi.json says. */
export async function admin(
  gateway: Reachable,
  method: string,
  path: string,
  body?: unknown,
  headers: Record<string, string> = {},
): Promise<Administered> {
  const response = await gateway.fetch(path, {
    method,
    headers: {
      authorization: `Bearer ${adminKey}`,
      "content-type": "application/json",
      ...headers,
    },
    body: body === undefined ? undefined : JSON.stringify(body),
  });
  const text = await response.text();
  const answer = text === "" ? undefined : JSON.parse(text);
  expect(problem(method, path, response.status, answer)).toBeUndefined();
  return {
    status: response.status,
    headers: response.headers as unknown as Headers,
    body: answer,
  };
}

let orgs = 0;

/**
 * An org that asks every model every time: what fails in one test would else be left alone in the next, since the
 * tests of a file share an isolate.
 */
export const unbroken = { attempts: { circuit_breaker: "off" } };

/** Creates an org of its own with a key, and with a configuration where one is given. */
export async function createOrg(
  gateway: Reachable,
  { config, scopes = ["inference"] }: { config?: object; scopes?: string[] } = {},
): Promise<{ org: string; key: string; keyId: string }> {
  orgs += 1;
  const org = `org-${orgs}`;
  expect((await admin(gateway, "POST", "/admin/v1/orgs", { id: org })).status).toBe(201);
  if (config !== undefined) {
    const { status, body } = await admin(gateway, "PUT", `/admin/v1/orgs/${org}/config`, config);
    expect(status, JSON.stringify(body)).toBe(200);
  }
  const minted = await admin(gateway, "POST", `/admin/v1/orgs/${org}/keys`, { scopes });
  expect(minted.status).toBe(201);
  return { org, key: minted.body.key, keyId: minted.body.id };
}

/** Audit records of an org but those of its administration, newest first. */
export async function records(
  gateway: Reachable,
  org: string,
  filter: Record<string, string> = {},
  // biome-ignore lint/suspicious/noExplicitAny: records are asserted on, not typed
): Promise<any[]> {
  const all = await trail(gateway, { org, limit: "500", ...filter });
  return all.filter((record) => record.key !== "admin");
}

/** Audit records of an org's administration, newest first. */
// biome-ignore lint/suspicious/noExplicitAny: records are asserted on, not typed
export function acts(gateway: Reachable, org: string): Promise<any[]> {
  return trail(gateway, { org, limit: "500", key: "admin" });
}

// biome-ignore lint/suspicious/noExplicitAny: records are asserted on, not typed
async function trail(gateway: Reachable, filter: Record<string, string>): Promise<any[]> {
  const query = new URLSearchParams(filter);
  const { status, body } = await admin(gateway, "GET", `/admin/v1/audit?${query}`);
  expect(status).toBe(200);
  return body.data.map((entry: { record: object }) => entry.record);
}

/** The live state of an org's limits. */
// biome-ignore lint/suspicious/noExplicitAny: asserted on, not typed
export async function limits(gateway: Reachable, org: string): Promise<any> {
  const { status, body } = await admin(gateway, "GET", `/admin/v1/orgs/${org}/limits`);
  expect(status).toBe(200);
  return body;
}

/** What an org has spent today, in dollars as text. */
export async function spent(gateway: Reachable, org: string): Promise<string> {
  return (await limits(gateway, org)).budgets[0].spent_usd;
}

/** Waits until `check` holds; fails after some seconds. */
export async function eventually(check: () => Promise<boolean>, seconds = 5): Promise<void> {
  const until = Date.now() + seconds * 1_000;
  while (Date.now() < until) {
    if (await check()) {
      return;
    }
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
  throw new Error(`it did not come true within ${seconds} seconds`);
}
