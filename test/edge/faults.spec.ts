// What comes of failures of the platform: nothing is lost, nothing is charged twice.
import { createHash, createHmac } from "node:crypto";
import { afterAll, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { type Gateway, startGateway } from "./harness";
import { acts, admin, ask, createOrg, eventually, records, spent } from "./support";

const secret = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";

const body = { model: "light", messages: [{ role: "user", content: "Hello" }] };

describe("failures of the platform", () => {
  let gateway: Gateway;

  beforeAll(async () => {
    gateway = await startGateway({ instrumented: true, vars: { ESCLUSA_WEBHOOK_SECRET: secret } });
  });
  beforeEach(() => gateway.order({}));
  afterAll(() => gateway.stop());

  /** Every answer has one record, the chain is whole, and the sum of all records is what was spent. */
  async function expectWhole(org: string, answered: string[]) {
    const all = await records(gateway, org);
    const requests = all.map((record) => record.request);
    expect(new Set(requests).size).toBe(requests.length);
    expect(answered.filter((id) => !requests.includes(id))).toEqual([]);
    const sum = all.reduce((total, record) => total + Number(record.cost), 0);
    expect(Number(await spent(gateway, org)) * 1e9).toBeCloseTo(sum, 3);
    const { body: report } = await admin(gateway, "GET", `/admin/v1/audit/verify?org=${org}`);
    const administration = await acts(gateway, org);
    expect(report).toMatchObject({ verified: true, records: administration.length + all.length });
  }

  async function inDatabase(org: string): Promise<number> {
    const { DB } = await gateway.bindings();
    const sql = "SELECT count(*) AS records FROM audit WHERE org = ? AND key <> 'admin'";
    return (await DB.prepare(sql).bind(org).first<number>("records")) ?? 0;
  }

  it("delivers an alert with a valid signature, and again after a failure", async () => {
    const config = {
      budgets: [{ usd: "0.000000001", period: "day", when_spent: "allow", thresholds: [50] }],
      alerts: { webhook: "https://hooks.example.com/alerts" },
    };
    const { org, key } = await createOrg(gateway, { config });
    await gateway.order({ webhook: 500 });
    expect((await ask(gateway, key, body)).status).toBe(200);
    await eventually(async () => (await gateway.instruments()).webhooks.length === 1);
    const [failed] = (await gateway.instruments()).webhooks;
    await gateway.order({});
    await eventually(async () => (await gateway.instruments()).webhooks.length > 0);
    const { webhooks } = await gateway.instruments();
    expect(webhooks).toHaveLength(1);
    expect(webhooks[0]?.body).toBe(failed?.body);
    for (const webhook of [failed, webhooks[0]]) {
      const { "webhook-id": id, "webhook-timestamp": seconds } = webhook?.headers ?? {};
      const hmac = createHmac("sha256", Buffer.from(secret.slice("whsec_".length), "base64"));
      const signature = hmac.update(`${id}.${seconds}.${webhook?.body}`).digest("base64");
      expect(webhook?.headers["webhook-signature"]).toBe(`v1,${signature}`);
      expect(Math.abs(Date.now() / 1_000 - Number(seconds))).toBeLessThan(60);
    }
    expect(JSON.parse(webhooks[0]?.body ?? "")).toMatchObject({
      type: "budget.threshold",
      data: { org, threshold_percent: 50 },
    });
    const listed = await admin(gateway, "GET", `/admin/v1/orgs/${org}/alerts`);
    expect(listed.body.data).toHaveLength(1);
  });

  it("arms an alarm again that fails seven times, and loses nothing", async () => {
    const { org, key } = await createOrg(gateway);
    const ids = [(await ask(gateway, key, body)).id];
    await records(gateway, org);
    const before = await inDatabase(org);
    await gateway.order({ database: true });
    for (let index = 0; index < 3; index += 1) {
      const answer = await ask(gateway, key, body);
      expect(answer.status).toBe(200);
      ids.push(answer.id);
    }
    // The timer fails, and after it the alarm: twice at its own time, the others a little before.
    await eventually(async () => (await gateway.instruments()).alarms_fired >= 2);
    for (let time = 2; time < 7; time += 1) {
      const { alarms_set } = await gateway.instruments();
      await gateway.alarm(org);
      expect((await gateway.instruments()).alarms_set).toBe(alarms_set + 1);
    }
    expect((await gateway.instruments()).database_failures).toBeGreaterThanOrEqual(7);
    expect(await inDatabase(org)).toBe(before);
    await gateway.order({});
    await gateway.evictGovernor(org);
    await gateway.alarm(org);
    expect(await inDatabase(org)).toBe(before + 3);
    await expectWhole(org, ids);
  });

  it("keeps records in the database while R2 takes no archive", async () => {
    const old = Date.now() - 31 * 86_400_000;
    const { DB } = await gateway.bindings();
    // Not through the API: its governor would make records of that.
    const org = "archived";
    const create = "INSERT INTO orgs (id, name, created_at) VALUES (?, 'Archived', 0)";
    await DB.prepare(create).bind(org).run();
    const record = JSON.stringify({ org, seq: 1, recorded_at: old, request: "r1" });
    const hash = createHash("sha256")
      .update("0".repeat(64) + record)
      .digest("hex");
    const sql = `INSERT INTO audit
      (org, seq, request, at, key, outcome, operation, status, cost_nanos, record, hash)
      VALUES (?, 1, 'r1', 0, '', '', '', 200, '0', ?, ?)`;
    await DB.prepare(sql).bind(org, record, hash).run();
    await gateway.order({ files: true });
    await gateway.runCron();
    expect(await inDatabase(org)).toBe(1);
    await gateway.order({});
    await gateway.runCron();
    expect(await inDatabase(org)).toBe(0);
  });

  it("answers 503 where the object has too much to do, and does not ask it again", async () => {
    const { org, key } = await createOrg(gateway);
    expect((await ask(gateway, key, body)).status).toBe(200);
    await gateway.order({ governor: "overloaded" });
    const answer = await ask(gateway, key, body);
    expect(answer.status).toBe(503);
    expect(Number(answer.headers.get("retry-after"))).toBeGreaterThan(0);
    expect((await gateway.instruments()).governor_calls.reserve).toBe(1);
    await gateway.order({});
    await expectWhole(org, []);
  });

  it("answers 503 while its own version is older than the object's", async () => {
    const { org, key } = await createOrg(gateway);
    expect((await ask(gateway, key, body)).status).toBe(200);
    await gateway.order({ governor: "outdated" });
    const answer = await ask(gateway, key, body);
    expect(answer.status).toBe(503);
    expect(Number(answer.headers.get("retry-after"))).toBeGreaterThan(0);
    await gateway.order({});
    expect((await ask(gateway, key, body)).status).toBe(200);
    await expectWhole(org, []);
  });

  it("charges and records each request once, whichever statement fails", async () => {
    const { org, key } = await createOrg(gateway);
    const ids: string[] = [];
    // Enough rows for a snapshot, so that rows are written over.
    for (let index = 0; index < 40; index += 1) {
      ids.push((await ask(gateway, key, body)).id);
    }
    await records(gateway, org);
    for (let statement = 1; statement <= 30; statement += 1) {
      await gateway.order({ statement });
      for (let index = 0; index < 2; index += 1) {
        const answer = await ask(gateway, key, body);
        if (answer.status === 200) ids.push(answer.id);
      }
      await records(gateway, org);
      expect((await gateway.instruments()).statements).toBeGreaterThanOrEqual(4);
    }
    await gateway.order({});
    await expectWhole(org, ids);
    await gateway.evictGovernor(org);
    await expectWhole(org, ids);
  });
});
