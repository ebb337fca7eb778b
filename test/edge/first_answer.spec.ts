import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { type Gateway, startGateway } from "./harness";
import { ask, createOrg, records, spent } from "./support";

const RETURNS = `# Returns

You can return a battery within 30 days of delivery for a full refund.
The battery must be unused and in its original box.`;

const OPENING = `# Horario

La tienda de Valencia abre de lunes a viernes de 9:00 a 18:00.
Los sábados abre de 10:00 a 14:00.`;

describe("a grounded, cached, recorded answer", () => {
  let gateway: Gateway;
  let key: string;
  let org: string;

  beforeAll(async () => {
    gateway = await startGateway();
    ({ org, key } = await createOrg(gateway, { scopes: ["inference", "knowledge"] }));
    await store(key, { id: "returns", title: "Returns", text: RETURNS, language: "en" });
    await store(key, { id: "horario", title: "Horario", text: OPENING, language: "es" });
  });
  afterAll(() => gateway.stop());

  const store = async (owner: string, document: object) => {
    const response = await gateway.fetch("/v1/knowledge/documents", {
      method: "POST",
      headers: { authorization: `Bearer ${owner}`, "content-type": "application/json" },
      body: JSON.stringify(document),
    });
    expect(response.status, await response.clone().text()).toBe(201);
  };

  it("answers a faq from the org's documents, and again from the cache for nothing", async () => {
    const question = { model: "auto", messages: [user("How long can I return a battery?")] };
    const headers = { "x-ai-operation": "faq" };
    const first = await ask(gateway, key, question, { headers });
    expect(first.status).toBe(200);
    expect(first.text).toContain("30 days");
    expect(first.body.sources[0]).toMatchObject({ document: "returns", title: "Returns" });
    expect(first.headers.get("x-ai-tier")).toBe("light");
    expect(first.headers.get("x-ai-operation")).toBe("faq");
    expect(first.headers.get("x-ai-cache-status")).toBe("MISS");
    expect(first.headers.get("cf-aig-step")).toBe("0");
    expect(Number(first.headers.get("x-ai-cost-usd"))).toBeGreaterThan(0);
    const before = await spent(gateway, org);

    const second = await ask(gateway, key, question, { headers });
    expect(second.headers.get("x-ai-cache-status")).toBe("HIT");
    expect(second.headers.get("x-ai-cost-usd")).toBe("0");
    expect(second.text).toBe(first.text);
    expect(second.body.sources).toEqual(first.body.sources);
    expect(await spent(gateway, org)).toBe(before);
    const [record] = await records(gateway, org, { request: second.id });
    expect(record).toMatchObject({ outcome: "cached", cost: "0", cache: "HIT", status: 200 });
  });

  it("streams a cached answer and caches a streamed one", async () => {
    const question = { model: "auto", messages: [user("¿A qué hora abre la tienda de Valencia?")] };
    const headers = { "x-ai-operation": "faq" };
    const streamed = await ask(gateway, key, { ...question, stream: true }, { headers });
    expect(streamed.headers.get("x-ai-cache-status")).toBe("MISS");
    expect(streamed.text).toContain("9:00");
    expect(streamed.done).toBe(true);
    const whole = await ask(gateway, key, question, { headers });
    expect(whole.headers.get("x-ai-cache-status")).toBe("HIT");
    expect(whole.text).toBe(streamed.text);
    const again = await ask(gateway, key, { ...question, stream: true }, { headers });
    expect(again.headers.get("x-ai-cache-status")).toBe("HIT");
    expect(again.text).toBe(streamed.text);
    expect(again.done).toBe(true);
  });

  it("serves no cached answer once a document has changed", async () => {
    const question = { model: "auto", messages: [user("Where is the showroom?")] };
    const headers = { "x-ai-operation": "faq" };
    const first = await ask(gateway, key, question, { headers });
    await store(key, { id: "showroom", title: "Showroom", text: "The showroom is in Bilbao." });
    const second = await ask(gateway, key, question, { headers });
    expect(first.headers.get("x-ai-cache-status")).toBe("MISS");
    expect(second.headers.get("x-ai-cache-status")).toBe("MISS");
    expect(second.text).toContain("Bilbao");
  });

  it("keeps documents and answers of one org from another", async () => {
    const other = await createOrg(gateway, { scopes: ["inference", "knowledge"] });
    const question = { model: "auto", messages: [user("How long can I return a battery?")] };
    const answer = await ask(gateway, other.key, question, {
      headers: { "x-ai-operation": "faq" },
    });
    expect(answer.headers.get("x-ai-cache-status")).toBe("MISS");
    expect(answer.headers.get("x-ai-sources")).toBe("0");
    expect(answer.text).not.toContain("30 days");
  });

  it("records who, what, which calls and what they cost, in a chain", async () => {
    const answer = await ask(gateway, key, {
      model: "@cf/meta/llama-3.1-8b-instruct-fast",
      messages: [user("Say something about canals.")],
    });
    expect(answer.headers.get("x-ai-operation")).toBe("chat");
    const [record] = await records(gateway, org, { request: answer.id });
    expect(record).toMatchObject({
      org,
      outcome: "answered",
      requested_model: "@cf/meta/llama-3.1-8b-instruct-fast",
      sources: 0,
      attempts: [{ purpose: "answer", provider: "workers-ai", result: "ok" }],
    });
    const { prompt_tokens, completion_tokens, cost_usd } = answer.body.usage;
    expect(record.usage).toMatchObject({
      input_tokens: prompt_tokens,
      output_tokens: completion_tokens,
    });
    const nanos = Math.ceil((prompt_tokens * 45_000_000 + completion_tokens * 384_000_000) / 1e6);
    expect(record.cost).toBe(String(nanos));
    expect(Number(cost_usd) * 1e9).toBeCloseTo(nanos, 3);
  });
});

const user = (content: string) => ({ role: "user", content });
