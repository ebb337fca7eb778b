import { afterAll, afterEach, beforeAll, describe, expect, it } from "vitest";
import { type Gateway, startGateway } from "./harness";
import { ask, createOrg, eventually, limits, records, spent, unbroken } from "./support";

const FIRST = "@cf/qwen/qwen3-30b-a3b-fp8";
const SECOND = "@cf/meta/llama-3.1-8b-instruct-fast";

describe("failures of the provider", () => {
  let gateway: Gateway;
  let key: string;
  let org: string;

  beforeAll(async () => {
    gateway = await startGateway();
    ({ org, key } = await createOrg(gateway, { config: unbroken }));
  });
  afterEach(() => gateway.emulator.clearFaults());
  afterAll(() => gateway.stop());

  const light = (content = "Tell me about locks.") => ({
    model: "light",
    messages: [{ role: "user", content }],
    max_tokens: 200,
  });
  const plain = { headers: { "x-ai-operation": "chat" } };

  it.each([
    ["an error", { status: 500 }, { result: "error", status: 500, cost: "0" }],
    ["no capacity", { code: 3040 }, { result: "capacity", code: 3040, cost: "0" }],
    ["a rate limit", { status: 429 }, { result: "capacity", status: 429, cost: "0" }],
    // What came of it cannot be read, so it counts at its bound.
    [
      "no sense",
      { status: 200, body: "<html>oops</html>" },
      { result: "malformed", bounded: true, cost: expect.stringMatching(/^[1-9]/u) },
    ],
  ])("falls back to the second candidate on %s", async (_, fault, attempt) => {
    await gateway.emulator.setFaults([{ model: FIRST, ...fault }]);
    for (const stream of [false, true]) {
      const answer = await ask(gateway, key, { ...light(), stream }, plain);
      expect(answer.status).toBe(200);
      expect(answer.text).not.toBe("");
      expect(answer.headers.get("cf-aig-step")).toBe("1");
      expect(answer.headers.get("cf-aig-model")).toBe(SECOND);
      expect(answer.headers.get("x-ai-attempts")).toBe("2");
      const [record] = await records(gateway, org, { request: answer.id });
      expect(record.attempts).toMatchObject([
        { model: FIRST, ...attempt },
        { model: SECOND, result: "ok" },
      ]);
    }
  });

  it("falls back after a time-out, and keeps the bound of the call of unknown cost", async () => {
    await gateway.emulator.setFaults([{ model: FIRST, delay_ms: 8_000 }]);
    const headers = { ...plain.headers, "cf-aig-request-timeout": "1500" };
    const answer = await ask(gateway, key, light(), { headers });
    expect(answer.status).toBe(200);
    const [record] = await records(gateway, org, { request: answer.id });
    expect(record.attempts[0]).toMatchObject({ model: FIRST, result: "timeout", bounded: true });
    expect(Number(record.attempts[0].cost)).toBeGreaterThan(0);
    const costs = record.attempts.map((attempt: { cost: string }) => Number(attempt.cost));
    expect(Number(record.cost)).toBe(costs.reduce((sum: number, cost: number) => sum + cost));
    expect(record.flags).toContain("bounded");
  });

  it("names every attempt of a full outage, and charges nothing", async () => {
    await gateway.emulator.setFaults([{ status: 500 }]);
    const before = await spent(gateway, org);
    const answer = await ask(gateway, key, light(), plain);
    expect(answer.status).toBe(502);
    expect(answer.headers.get("x-should-retry")).toBe("true");
    expect(answer.body.error.message).toContain(`${FIRST} (error)`);
    expect(answer.body.error.message).toContain(`${SECOND} (error)`);
    expect(answer.body.error).toMatchObject({ type: "upstream_error", code: "upstream_failed" });
    const state = await limits(gateway, org);
    expect(state.budgets[0]).toMatchObject({ spent_usd: before, reserved_usd: "0" });
    expect(state.open_reservations).toBe(0);
    const [record] = await records(gateway, org, { request: answer.id });
    expect(record).toMatchObject({ outcome: "failed", status: 502, cost: "0" });
  });

  it("ends a stream that is cut with an error event, and charges what was used", async () => {
    await gateway.emulator.setFaults([{ model: FIRST, cut_after_chunks: 3 }]);
    const before = Number(await spent(gateway, org));
    const answer = await ask(gateway, key, { ...light(), stream: true }, plain);
    expect(answer.status).toBe(200);
    expect(answer.done).toBe(false);
    expect(answer.chunks.at(-1).error).toMatchObject({ code: "upstream_failed" });
    expect(answer.chunks.length).toBeGreaterThan(1);
    const [record] = await records(gateway, org, { request: answer.id });
    expect(record).toMatchObject({ outcome: "truncated", error: "upstream_failed" });
    expect(record.flags).toContain("estimated");
    expect(Number(record.cost)).toBeGreaterThan(0);
    const after = Number(await spent(gateway, org));
    expect(after - before).toBeCloseTo(Number(record.cost) / 1e9, 9);
    expect((await limits(gateway, org)).open_reservations).toBe(0);
  });

  it("charges and records a stream that the client leaves", async () => {
    await gateway.emulator.setFaults([{ model: FIRST, chunk_delay_ms: 150 }]);
    const abort = new AbortController();
    const response = await fetch(new URL("/v1/chat/completions", gateway.baseUrl), {
      method: "POST",
      signal: abort.signal,
      headers: {
        authorization: `Bearer ${key}`,
        "content-type": "application/json",
        ...plain.headers,
      },
      body: JSON.stringify({ ...light("Tell me a long story about a lock keeper."), stream: true }),
    });
    const id = response.headers.get("x-request-id") ?? "";
    const reader = response.body?.getReader();
    await reader?.read();
    abort.abort();
    await eventually(async () => (await records(gateway, org, { request: id })).length === 1);
    const [record] = await records(gateway, org, { request: id });
    expect(record.outcome).toBe("client_gone");
    expect(Number(record.cost)).toBeGreaterThan(0);
    expect((await limits(gateway, org)).open_reservations).toBe(0);
    const cancelled = async () => {
      const calls = await gateway.emulator.calls({ model: FIRST });
      return calls.at(-1)?.outcome.stream === "cancelled";
    };
    await eventually(cancelled);
  });
});
