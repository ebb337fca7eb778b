// What a request costs in rows and in calls of the governor, counted in workerd.
import { setTimeout as sleep } from "node:timers/promises";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { type Gateway, startGateway } from "./harness";
import { ask, createOrg, records } from "./support";

/** Milliseconds after which leases are over, and what requests leave behind is in D1. */
const moved = 3_500;

/** A lease is a hundredth of what is left, so little of that would make many leases. */
const limit = { count: "requests", limit: 100_000, seconds: 60 };
const budgets = [{ usd: "1000", period: "day" }];
const perUser = { per: "user", count: "requests", limit: 1_000, seconds: 60 };

/** Calls of the governor that a request may take, by the way of admission. */
const admissions = [
  { name: "strict", config: { limits: [limit], budgets }, most: 2 },
  { name: "leased", config: { admission: "leased", limits: [limit], budgets }, most: 0.2 },
  {
    name: "leased, with limits per user",
    config: { admission: "leased", limits: [limit, perUser], budgets },
    most: 1.2,
  },
];

const body = { model: "light", messages: [{ role: "user", content: "Hello" }] };

describe("what a request costs", () => {
  let gateway: Gateway;

  beforeAll(async () => {
    gateway = await startGateway({ instrumented: true });
  });
  afterAll(() => gateway.stop());

  /** A request that comes so long after the one before it, that nothing of that is in memory. */
  async function lone(org: string, key: string) {
    await gateway.evictGovernor(org);
    expect((await ask(gateway, key, body)).status).toBe(200);
    await gateway.alarm(org);
  }

  /** So many requests a second, which do not wait for one another. */
  async function load(key: string, requests: number, perSecond: number) {
    const began = Date.now();
    const answers: Promise<number>[] = [];
    for (let index = 0; index < requests; index += 1) {
      await sleep(Math.max(0, began + (index * 1_000) / perSecond - Date.now()));
      const headers = { "x-ai-user": `user-${index % 100}` };
      answers.push(ask(gateway, key, body, { headers }).then(({ status }) => status));
    }
    const statuses = await Promise.all(answers);
    expect(statuses.filter((status) => status !== 200)).toEqual([]);
    await sleep(moved);
  }

  /** What each request is charged for: rows written and deleted, alarms set, calls of the governor. */
  async function figures(requests: number) {
    const { rows_written, alarms_set, governor_calls } = await gateway.instruments();
    const rows = (rows_written + alarms_set) / requests;
    const all = Object.values(governor_calls).reduce((sum, count) => sum + count, 0);
    const calls = all / requests;
    const names = JSON.stringify(governor_calls);
    console.log(`${rows.toFixed(2)} rows, ${calls.toFixed(2)} calls of the governor: ${names}`);
    return { rows, calls };
  }

  it("writes at most four rows for a lone request, with its share of what is done for many", async () => {
    const { org, key } = await createOrg(gateway);
    // Enough for a snapshot, whose rows are written over from then on.
    await load(key, 40, 50);
    await gateway.order({});
    const requests = 34;
    for (let index = 0; index < requests; index += 1) {
      await lone(org, key);
    }
    const { rows } = await figures(requests);
    expect(rows).toBeLessThanOrEqual(4);
    expect(await records(gateway, org)).toHaveLength(40 + requests);
  }, 120_000);

  it.each(admissions)(
    "writes at most four rows and makes at most $most calls at fifty requests a second: $name",
    async ({ config, most }) => {
      const { org, key } = await createOrg(gateway, { config });
      await load(key, 100, 50);
      await gateway.order({});
      const requests = 400;
      await load(key, requests, 50);
      const { rows, calls } = await figures(requests);
      expect(rows).toBeLessThanOrEqual(4);
      expect(calls).toBeLessThanOrEqual(most);
      expect(await records(gateway, org)).toHaveLength(100 + requests);
    },
    60_000,
  );
});
