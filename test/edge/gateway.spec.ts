// The paths of Cloudflare's AI Gateway, asked by the clients that are pointed at them.
import OpenAI from "openai";
import { afterAll, afterEach, beforeAll, describe, expect, it } from "vitest";
import { type Gateway, startGateway } from "./harness";
import { createOrg, records, unbroken } from "./support";

const LLAMA = "@cf/meta/llama-3.1-8b-instruct-fast";
const messages = [{ role: "user" as const, content: "Name a canal in Milan." }];

describe("the paths of Cloudflare's gateway", () => {
  let gateway: Gateway;
  let org: string;
  let key: string;

  beforeAll(async () => {
    gateway = await startGateway({ vars: { OPENAI_API_KEY: "local-openai-key" } });
    ({ org, key } = await createOrg(gateway, { config: unbroken, scopes: ["inference", "byok"] }));
  });
  afterEach(() => gateway.emulator.clearFaults());
  afterAll(() => gateway.stop());

  /** The openai package at a path behind account and gateway. */
  const client = (path: string, options: { apiKey?: string; maxRetries?: number } = {}) => {
    const baseURL = `${gateway.baseUrl}/v1/${org}/main/${path}`;
    return new OpenAI({ apiKey: key, maxRetries: 0, ...options, baseURL });
  };

  const post = (path: string, body: unknown, headers: Record<string, string> = {}) =>
    gateway.fetch(path, {
      method: "POST",
      headers: { authorization: `Bearer ${key}`, "content-type": "application/json", ...headers },
      body: JSON.stringify(body),
    });

  it.each([
    ["compat", "openai/gpt-4o-mini", "openai"],
    ["compat", `workers-ai/${LLAMA}`, "workers-ai"],
    ["openai", "gpt-4o-mini", "openai"],
    ["openai", LLAMA, "workers-ai"],
    ["workers-ai/v1", LLAMA, "workers-ai"],
  ])("serve the openai package at …/%s with %s", async (path, model, provider) => {
    const whole = await client(path).chat.completions.create({ model, messages }).withResponse();
    expect(whole.data.choices[0]?.message.content).toContain("canal");
    expect(whole.response.headers.get("cf-aig-provider")).toBe(provider);
    const stream_options = { include_usage: true };
    const stream = await client(path).chat.completions.create({
      model,
      messages,
      stream: true,
      stream_options,
    });
    let text = "";
    let tokens = 0;
    for await (const chunk of stream) {
      text += chunk.choices[0]?.delta.content ?? "";
      tokens += chunk.usage?.total_tokens ?? 0;
    }
    expect(text).toContain("canal");
    expect(tokens).toBeGreaterThan(0);
  });

  it("embed, too", async () => {
    const model = "text-embedding-3-small";
    const { data } = await client("openai").embeddings.create({ model, input: "a canal" });
    expect(data[0]?.embedding).toHaveLength(1536);
  });

  it("answer Workers AI's clients in its envelope", async () => {
    const response = await post(`/v1/${org}/main/workers-ai/${LLAMA}`, { prompt: "Hello" });
    expect(await response.json()).toMatchObject({
      success: true,
      result: { response: expect.any(String) },
    });
  });

  it("know no other org's account", async () => {
    const other = await createOrg(gateway);
    const response = await post(`/v1/${other.org}/main/compat/chat/completions`, {
      model: "light",
      messages,
    });
    expect(response.status).toBe(404);
    expect(await records(gateway, other.org)).toEqual([]);
  });

  it("take a provider's own key from who may bring it", async () => {
    const own = new OpenAI({
      apiKey: "sk-own-key",
      baseURL: `${gateway.baseUrl}/v1/${org}/main/openai`,
      defaultHeaders: { "cf-aig-authorization": `Bearer ${key}` },
    });
    const answer = await own.chat.completions.create({ model: "gpt-4o-mini", messages });
    expect(answer.choices[0]?.message.content).toContain("canal");
  });

  it("answer with the first of several calls that succeeds", async () => {
    await gateway.emulator.setFaults([{ model: "openai/*", status: 500 }]);
    const response = await post(`/v1/${org}/main`, [
      {
        provider: "openai",
        endpoint: "chat/completions",
        query: { model: "gpt-4o-mini", messages },
      },
      { provider: "workers-ai", endpoint: LLAMA, query: { prompt: "Hello" } },
    ]);
    expect(response.status).toBe(200);
    expect(response.headers.get("cf-aig-step")).toBe("1");
    expect(await response.json()).toMatchObject({ success: true });
  });

  it("try again as the headers say, and keep the caller's values", async () => {
    await gateway.emulator.setFaults([{ model: LLAMA, status: 500, times: 2 }]);
    const response = await post(
      `/v1/${org}/main/compat/chat/completions`,
      { model: LLAMA, messages },
      {
        "cf-aig-max-attempts": "3",
        "cf-aig-retry-delay": "20",
        "cf-aig-backoff": "linear",
        "cf-aig-event-id": "event-7",
        "cf-aig-metadata": JSON.stringify({ team: "docks", user: 7, paid: true }),
      },
    );
    expect(response.status).toBe(200);
    expect(response.headers.get("x-ai-attempts")).toBe("3");
    expect(response.headers.get("cf-aig-event-id")).toBe("event-7");
    const request = response.headers.get("x-request-id") ?? "";
    expect(await records(gateway, org, { request })).toMatchObject([
      { event: "event-7", metadata: { team: "docks", user: 7, paid: true } },
    ]);
  });

  it("tell a provider's rate limit as one, which the package waits for", async () => {
    const fault = { model: LLAMA, status: 429, headers: { "retry-after": "1" } };
    await gateway.emulator.setFaults([fault]);
    const patient = client("compat", { maxRetries: 1 });
    const ask = (openai: OpenAI) => openai.chat.completions.create({ model: LLAMA, messages });
    await expect(ask(client("compat"))).rejects.toMatchObject({
      status: 429,
      code: "upstream_rate_limited",
      type: "rate_limit_error",
    });
    await gateway.emulator.setFaults([{ ...fault, times: 1 }]);
    const began = Date.now();
    const answer = await ask(patient);
    expect(answer.choices[0]?.message.content).toContain("canal");
    expect(Date.now() - began).toBeGreaterThanOrEqual(900);
  });
});
