import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { type Gateway, startGateway } from "./harness";
import { createOrg, limits, records } from "./support";

const PATH = "/v1/chat/completions";
const hello = [{ role: "user", content: "Hello" }];
const json = (body: object) => JSON.stringify({ model: "light", messages: hello, ...body });

type Case = {
  body?: string | Uint8Array;
  method?: string;
  path?: string;
  headers?: Record<string, string>;
  status: number;
  code: string;
  param?: string;
};

const CASES: Record<string, Case> = {
  "broken JSON": { body: '{"model":"light",', status: 400, code: "invalid_request" },
  "no object": { body: "[1]", status: 400, code: "invalid_request" },
  "an empty body": { body: "", status: 400, code: "invalid_request" },
  "no messages": {
    body: '{"model":"light"}',
    status: 400,
    code: "invalid_request",
    param: "messages",
  },
  "empty messages": {
    body: json({ messages: [] }),
    status: 400,
    code: "invalid_request",
    param: "messages",
  },
  "a wrong type": {
    body: json({ temperature: "hot" }),
    status: 400,
    code: "invalid_request",
    param: "temperature",
  },
  "an unknown role": {
    body: json({ messages: [{ role: "wizard", content: "x" }] }),
    status: 400,
    code: "invalid_request",
    param: "messages[0].role",
  },
  "a negative number": {
    body: json({ max_tokens: -1 }),
    status: 400,
    code: "invalid_request",
    param: "max_tokens",
  },
  "an absurd number": {
    body: json({ max_tokens: 1e15 }),
    status: 400,
    code: "invalid_request",
    param: "max_tokens",
  },
  "10,000 nested arrays": {
    body: json({ x: 1 }).replace('"x":1', `"x":${"[".repeat(10_000)}${"]".repeat(10_000)}`),
    status: 400,
    code: "invalid_request",
  },
  "invalid UTF-8": {
    body: new Uint8Array([...new TextEncoder().encode('{"model":"'), 0xff, 0xfe, 0x22, 0x7d]),
    status: 400,
    code: "invalid_request",
  },
  "a NUL byte": {
    body: json({}).replace("Hello", "He\0llo"),
    status: 400,
    code: "invalid_request",
  },
  "an escaped NUL": {
    body: json({ messages: [{ role: "user", content: "He\0llo" }] }),
    status: 400,
    code: "invalid_request",
    param: "messages[0].content",
  },
  "a body of 10 MB": {
    body: json({ messages: [{ role: "user", content: "x".repeat(10_000_000) }] }),
    status: 413,
    code: "payload_too_large",
  },
  "an unknown model": {
    body: json({ model: "gpt-99" }),
    status: 404,
    code: "model_not_found",
    param: "model",
  },
  "an unknown operation": {
    body: json({}),
    headers: { "x-ai-operation": "teleport" },
    status: 400,
    code: "invalid_request",
    param: "x-ai-operation",
  },
  "the wrong content type": {
    body: json({}),
    headers: { "content-type": "text/plain" },
    status: 415,
    code: "unsupported_media_type",
  },
  "the wrong method": { method: "PUT", body: json({}), status: 405, code: "method_not_allowed" },
  "an unknown path": { path: "/v1/chat/complete", body: json({}), status: 404, code: "not_found" },
  "no key": {
    headers: { authorization: "" },
    body: json({}),
    status: 401,
    code: "invalid_api_key",
  },
  "a malformed key": {
    headers: { authorization: "Bearer esk_a_b_c_d" },
    body: json({}),
    status: 401,
    code: "invalid_api_key",
  },
};

describe("bad input", () => {
  let gateway: Gateway;
  let key: string;
  let org: string;

  beforeAll(async () => {
    gateway = await startGateway();
    ({ org, key } = await createOrg(gateway));
  });
  afterAll(() => gateway.stop());

  it.each(Object.entries(CASES))("answers %s with an OpenAI error", async (_, bad) => {
    const response = await gateway.fetch(bad.path ?? PATH, {
      method: bad.method ?? "POST",
      headers: {
        authorization: `Bearer ${key}`,
        "content-type": "application/json",
        ...bad.headers,
      },
      body: bad.body,
    });
    const text = await response.text();
    expect(response.status, text).toBe(bad.status);
    const { error } = JSON.parse(text);
    expect(error.code).toBe(bad.code);
    expect(error.message.length).toBeGreaterThan(20);
    expect(typeof error.type).toBe("string");
    expect(response.headers.get("x-should-retry")).toBe("false");
    expect(response.headers.get("x-request-id")).toMatch(/^[0-9a-f-]{36}$/);
    if (bad.param !== undefined) {
      expect(error.param).toBe(bad.param);
    }
    if (bad.status === 405) {
      expect(response.headers.get("allow")).toBe("POST");
    }
  });

  it("charges nothing for any of it, and records what a known key sent", async () => {
    const state = await limits(gateway, org);
    expect(state.budgets[0]).toMatchObject({ spent_usd: "0", reserved_usd: "0" });
    expect(state.limits[0].used).toBe(0);
    const refused = await records(gateway, org);
    expect(refused.length).toBeGreaterThanOrEqual(15);
    expect(refused.every((record) => record.outcome === "refused" && record.cost === "0")).toBe(
      true,
    );
  });

  it("still answers afterwards, and passes unknown fields through untouched", async () => {
    const extra = '"x_vendor":{"b":1.0,"a":[1e2,"é"]}';
    const body = json({ x: 0 }).replace('"x":0', extra);
    const response = await gateway.fetch(PATH, {
      method: "POST",
      headers: { authorization: `Bearer ${key}`, "content-type": "application/json" },
      body,
    });
    expect(response.status).toBe(200);
    await response.text();
    const [call] = await gateway.emulator.calls({ model: "@cf/*" });
    expect(call?.inputs).toMatchObject({ x_vendor: { b: 1, a: [100, "é"] } });
  });
});
