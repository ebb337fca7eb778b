import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { type Gateway, startGateway } from "./harness";
import {
  type Answered,
  admin,
  ask,
  createOrg,
  eventually,
  limits,
  records,
  spent,
} from "./support";

const chat = (content: string) => ({
  model: "@cf/meta/llama-3.1-8b-instruct-fast",
  messages: [{ role: "user", content }],
  max_tokens: 50,
});

const requests = (limit: number) => ({ count: "requests", limit, seconds: 60 });

describe("three workers that admit from leases, one governor", () => {
  let gateway: Gateway;

  beforeAll(async () => {
    gateway = await startGateway({ workers: 3 });
  });
  afterAll(() => gateway.stop());

  /** Sends requests to each worker in turn, so many at a time. */
  const send = async (key: string, count: number, together: number): Promise<Answered[]> => {
    const answers: Answered[] = [];
    let next = 0;
    const client = async () => {
      while (next < count) {
        const index = next++;
        const body = chat(`Request ${10 + (index % 90)}`);
        answers.push(await ask(gateway, key, body, { worker: index % 3 }));
      }
    };
    await Promise.all(Array.from({ length: together }, client));
    return answers;
  };

  /** Everything is told, and no lease is out. */
  const quiet = (org: string) =>
    eventually(async () => (await limits(gateway, org)).open_reservations === 0, 10);

  const admitted = (answers: Answered[]) =>
    answers.filter((answer) => answer.status === 200).length;

  it("never admits more than 100 of 500 at once", async () => {
    const config = { admission: "leased", limits: [requests(100)], budgets: [] };
    const { org, key } = await createOrg(gateway, { config });
    const answers = await send(key, 500, 500);
    expect(admitted(answers)).toBeLessThanOrEqual(100);
    expect(admitted(answers)).toBeGreaterThan(90);
    await quiet(org);
    const state = await limits(gateway, org);
    expect(state.limits[0].used).toBe(admitted(answers));
    const answered = await records(gateway, org, { outcome: "answered" });
    expect(answered).toHaveLength(admitted(answers));
  });

  it("never admits more than a budget carries", async () => {
    const open = await createOrg(gateway);
    const probe = await ask(gateway, open.key, chat("Request 10"));
    const [record] = await records(gateway, open.org, { request: probe.id });
    const usd = ((Number(record.bound) * 100.5) / 1e9).toFixed(9);
    const config = { admission: "leased", limits: [], budgets: [{ usd, period: "day" }] };
    const { org, key } = await createOrg(gateway, { config });
    await gateway.emulator.setFaults([{ delay_ms: 15_000 }]);
    const answers = await send(key, 500, 500);
    await gateway.emulator.clearFaults();
    expect(admitted(answers)).toBeLessThanOrEqual(100);
    expect(admitted(answers)).toBeGreaterThan(90);
    await quiet(org);
    const costs = (await records(gateway, org)).map((entry) => Number(entry.cost));
    const sum = costs.reduce((total, cost) => total + cost, 0);
    expect(Number(await spent(gateway, org)) * 1e9).toBeCloseTo(sum, 3);
  });

  it("admits most requests of a busy org without a call, and tells of all", async () => {
    const config = { admission: "leased", limits: [requests(50_000)], budgets: [] };
    const { org, key } = await createOrg(gateway, { config });
    const answers = await send(key, 450, 12);
    expect(admitted(answers)).toBe(450);
    // What is left is told as it was when the lease was granted.
    const left = answers.map((answer) => answer.headers.get("x-ratelimit-remaining-requests"));
    expect(new Set(left).size).toBeLessThan(answers.length / 2);
    await quiet(org);
    const outcomes = (await records(gateway, org)).map((record) => record.outcome);
    expect(outcomes).toEqual(Array.from({ length: 450 }, () => "answered"));
    expect((await limits(gateway, org)).limits[0].used).toBe(450);
    const { body } = await admin(gateway, "GET", `/admin/v1/audit/verify?org=${org}`);
    expect(body).toMatchObject({ verified: true });
  });

  it("admits nothing under an old configuration once the new one was answered", async () => {
    const config = { admission: "leased", limits: [requests(50_000)], budgets: [] };
    const { org, key } = await createOrg(gateway, { config });
    const body = { ...chat("Hello"), model: "light" };
    const headers = { "x-ai-operation": "chat" };
    const model = async (worker: number) =>
      (await ask(gateway, key, body, { headers, worker })).headers.get("cf-aig-model");
    const load = Array.from({ length: 90 }, (_, index) => model(index % 3));
    await Promise.all(load);
    const tiers = { light: ["@cf/meta/llama-3.1-8b-instruct-fast"] };
    const path = `/admin/v1/orgs/${org}/config`;
    const before = Date.now();
    const changed = await admin(gateway, "PUT", path, { ...config, tiers });
    expect(changed.status).toBe(200);
    expect(changed.body.effective_at).toBeGreaterThanOrEqual(before);
    for (const worker of [0, 1, 2]) {
      expect(await model(worker)).toBe("@cf/meta/llama-3.1-8b-instruct-fast");
    }
  });
});
