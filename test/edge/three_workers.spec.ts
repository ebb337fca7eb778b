import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { type Gateway, startGateway } from "./harness";
import { admin, ask, createOrg, limits, records, spent } from "./support";

const chat = (content: string) => ({
  model: "@cf/meta/llama-3.1-8b-instruct-fast",
  messages: [{ role: "user", content }],
  max_tokens: 50,
});

describe("three workers of one build, one governor", () => {
  let gateway: Gateway;

  beforeAll(async () => {
    gateway = await startGateway({ workers: 3 });
  });
  afterAll(() => gateway.stop());

  it("admits exactly 100 of 500 requests at once", async () => {
    const config = { limits: [{ count: "requests", limit: 100, seconds: 60 }] };
    const { org, key } = await createOrg(gateway, { config });
    const requests = Array.from({ length: 500 }, (_, index) =>
      ask(gateway, key, chat(`Request ${index}`), { worker: index % 3 }),
    );
    const answers = await Promise.all(requests);
    const admitted = answers.filter((answer) => answer.status === 200);
    const refused = answers.filter((answer) => answer.status === 429);
    expect([admitted.length, refused.length]).toEqual([100, 400]);
    for (const answer of refused) {
      const wait = Number(answer.headers.get("retry-after"));
      expect(wait).toBeGreaterThan(0);
      expect(wait).toBeLessThanOrEqual(60);
      expect(answer.body.error.type).toBe("rate_limit_error");
      expect(answer.headers.get("x-ratelimit-remaining-requests")).toBe("0");
    }
    const state = await limits(gateway, org);
    expect(state.limits[0]).toMatchObject({ limit: 100, used: 100, remaining: 0 });
    const outcomes = (await records(gateway, org)).map((record) => record.outcome);
    expect(outcomes.filter((outcome) => outcome === "answered")).toHaveLength(100);
    // Further ones are counted, and recorded as one when the minute is over.
    expect(outcomes.filter((outcome) => outcome === "refused")).toHaveLength(100);
  });

  it("admits what the budget carries and nothing more", async () => {
    const open = await createOrg(gateway);
    const probe = await ask(gateway, open.key, chat("Request 00"));
    const [record] = await records(gateway, open.org, { request: probe.id });
    const bound = Number(record.bound);
    const usd = ((bound * 100 + bound / 2) / 1e9).toFixed(9);
    const config = { budgets: [{ usd, period: "day" }] };
    const { org, key } = await createOrg(gateway, { config });
    // Nothing is settled before everything has asked for admission.
    await gateway.emulator.setFaults([{ delay_ms: 15_000 }]);
    const requests = Array.from({ length: 500 }, (_, index) =>
      ask(gateway, key, chat(`Request ${10 + (index % 90)}`), { worker: index % 3 }),
    );
    const answers = await Promise.all(requests);
    await gateway.emulator.clearFaults();
    const statuses = answers.map((answer) => answer.status);
    expect(statuses.filter((status) => status === 200)).toHaveLength(100);
    expect(statuses.filter((status) => status === 402)).toHaveLength(400);
    const state = await limits(gateway, org);
    expect(state.budgets[0].reserved_usd).toBe("0");
    const costs = (await records(gateway, org)).map((entry) => Number(entry.cost));
    const sum = costs.reduce((total, cost) => total + cost, 0);
    expect(Number(await spent(gateway, org)) * 1e9).toBeCloseTo(sum, 3);
  });

  it("refuses a revoked key in every worker, also where it was used a moment ago", async () => {
    const scopes = ["inference", "knowledge"];
    const { org, key, keyId } = await createOrg(gateway, { scopes });
    const headers = { authorization: `Bearer ${key}` };
    const others = ["/v1/models", "/v1/knowledge/documents"];
    for (const worker of [0, 1, 2]) {
      expect((await ask(gateway, key, chat("Hello"), { worker })).status).toBe(200);
      for (const path of others) {
        expect((await gateway.fetch(path, { headers }, worker)).status).toBe(200);
      }
    }
    const before = await spent(gateway, org);
    const { status } = await admin(gateway, "DELETE", `/admin/v1/orgs/${org}/keys/${keyId}`);
    expect(status).toBe(204);
    for (const worker of [0, 1, 2]) {
      const answer = await ask(gateway, key, chat("Hello"), { worker });
      expect(answer.status).toBe(401);
      expect(answer.body.error.code).toBe("invalid_api_key");
      for (const path of others) {
        expect((await gateway.fetch(path, { headers }, worker)).status).toBe(401);
      }
    }
    expect(await spent(gateway, org)).toBe(before);
  });

  it("applies a change of configuration to the next request of every worker", async () => {
    const { org, key } = await createOrg(gateway);
    const body = { ...chat("Hello"), model: "light" };
    const headers = { "x-ai-operation": "chat" };
    const model = async (worker: number) =>
      (await ask(gateway, key, body, { headers, worker })).headers.get("cf-aig-model");
    for (const worker of [0, 1, 2]) {
      expect(await model(worker)).toBe("@cf/qwen/qwen3-30b-a3b-fp8");
    }
    const config = { tiers: { light: ["@cf/meta/llama-3.1-8b-instruct-fast"] } };
    const path = `/admin/v1/orgs/${org}/config`;
    expect((await admin(gateway, "PUT", path, config)).status).toBe(200);
    for (const worker of [0, 1, 2]) {
      expect(await model(worker)).toBe("@cf/meta/llama-3.1-8b-instruct-fast");
    }
  });
});
