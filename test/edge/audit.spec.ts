// The audit trail over the real D1, R2 and governor: what somebody changed there is named.
import { createHash } from "node:crypto";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { type Gateway, startGateway } from "./harness";
import { admin, ask, createOrg, records } from "./support";

const genesis = "0".repeat(64);
const month = 31 * 86_400_000;

const sha256 = (text: string) => createHash("sha256").update(text).digest("hex");

describe("the audit trail", () => {
  let gateway: Gateway;

  beforeAll(async () => {
    gateway = await startGateway({ vars: { ESCLUSA_AUDIT_SECRET: "local-audit-secret" } });
  });

  afterAll(() => gateway.stop());

  /** An org with some records, all of them in D1. */
  async function recorded(count: number): Promise<{ org: string; key: string }> {
    const { org, key } = await createOrg(gateway);
    await record(org, key, count);
    return { org, key };
  }

  async function record(org: string, key: string, count: number) {
    const body = { model: "light", messages: [{ role: "user", content: "Hello" }] };
    for (let index = 0; index < count; index += 1) {
      expect((await ask(gateway, key, body)).status).toBe(200);
    }
    await records(gateway, org);
  }

  async function verify(org: string) {
    const { status, body } = await admin(gateway, "GET", `/admin/v1/audit/verify?org=${org}`);
    expect(status).toBe(200);
    return body;
  }

  async function exported(org: string, query = "") {
    const response = await gateway.fetch(`/admin/v1/audit/export?org=${org}${query}`, {
      headers: { authorization: "Bearer local-admin-key" },
    });
    expect(response.status).toBe(200);
    expect(response.headers.get("content-type")).toBe("application/x-ndjson");
    const lines = (await response.text()).split("\n").filter((line) => line !== "");
    return lines.map((line) => JSON.parse(line));
  }

  async function sql(statement: string, ...values: unknown[]) {
    const { DB } = await gateway.bindings();
    return await DB.prepare(statement)
      .bind(...values)
      .all();
  }

  /** Replaces a record, and computes every hash from there on anew. */
  async function rechain(org: string, seq: number) {
    const rows = await sql("SELECT seq, record FROM audit WHERE org = ? ORDER BY seq", org);
    let previous = genesis;
    for (const row of rows.results as { seq: number; record: string }[]) {
      const text =
        row.seq === seq ? row.record.replace('"status":200', '"status":500') : row.record;
      previous = sha256(previous + text);
      const change = "UPDATE audit SET record = ?, hash = ? WHERE org = ? AND seq = ?";
      await sql(change, text, previous, org, row.seq);
    }
  }

  it("verifies and exports what was recorded", async () => {
    const { org } = await recorded(3);
    expect(await verify(org)).toMatchObject({
      verified: true,
      records: 5,
      head: { seq: 5 },
      finding: null,
    });
    const lines = await exported(org);
    const listed = await records(gateway, org);
    const operations = lines.map((line) => line.record.operation);
    expect(operations.slice(0, 2)).toEqual(["org.create", "key.create"]);
    expect(lines.slice(2).map((line) => line.record)).toEqual(listed.reverse());
    expect(await exported(org, "&from=2100-01-01")).toEqual([]);
  });

  it("names a record that was altered in D1", async () => {
    const { org } = await recorded(4);
    const change = `UPDATE audit SET record = replace(record, '"status":200', '"status":500')
      WHERE org = ? AND seq = 3`;
    await sql(change, org);
    const report = await verify(org);
    expect(report.finding).toMatchObject({ fault: "altered_record", seq: 3 });
    expect(report.verified).toBe(false);
  });

  it("names a hash that was altered, and records that are missing", async () => {
    const { org } = await recorded(4);
    await sql("UPDATE audit SET hash = ? WHERE org = ? AND seq = 2", genesis, org);
    expect((await verify(org)).finding).toMatchObject({ fault: "altered_hash", seq: 2 });
    await sql("DELETE FROM audit WHERE org = ? AND seq IN (2, 3)", org);
    expect((await verify(org)).finding).toMatchObject({ fault: "gap", seq: 2, through: 3 });
  });

  it("names a suffix that was computed anew, by what the object has", async () => {
    const { org } = await recorded(4);
    await rechain(org, 3);
    expect((await verify(org)).finding).toMatchObject({ fault: "rechained", seq: 3 });
  });

  it("names it by checkpoints where the object has only its head", async () => {
    const { org, key } = await recorded(2);
    await gateway.runCron();
    await record(org, key, 40);
    // By now a snapshot stands for the first rows, and these write over them.
    await record(org, key, 10);
    expect(await verify(org)).toMatchObject({ verified: true, checkpoints: 1 });
    await rechain(org, 3);
    expect((await verify(org)).finding).toMatchObject({ fault: "rechained", seq: 1, through: 4 });
  });

  it("names a tail that was cut, also all of it", async () => {
    const { org, key } = await recorded(4);
    await sql("DELETE FROM audit WHERE org = ? AND seq > 2", org);
    expect((await verify(org)).finding).toMatchObject({ fault: "cut_tail", seq: 3, through: 6 });
    await sql("DELETE FROM audit WHERE org = ?", org);
    expect((await verify(org)).finding).toMatchObject({ fault: "cut_tail", seq: 1, through: 6 });
    // It has them still, and sends them again when it has forgotten that it did.
    await gateway.evictGovernor(org);
    await record(org, key, 1);
    expect(await verify(org)).toMatchObject({ verified: true, records: 7 });
  });

  it("moves old records to R2, from where they are exported", async () => {
    // Not through the API: its governor would make records of that.
    const org = "archived";
    await sql("INSERT INTO orgs (id, name, created_at) VALUES (?, 'Archived', 0)", org);
    let hash = genesis;
    const expected = [1, 2, 3].map((seq) => {
      const about = { at: 0, key: "", outcome: "ok", status: 200 };
      const recorded_at = Date.now() - month + seq;
      const record = { org, seq, recorded_at, request: `r${seq}`, ...about };
      hash = sha256(hash + JSON.stringify(record));
      return { seq, hash, record };
    });
    for (const { seq, record } of expected) {
      await sql(
        `INSERT INTO audit (org, seq, request, at, key, outcome, operation, status, cost_nanos, record, hash)
          VALUES (?, ?, ?, 0, '', '', '', 200, '0', ?, ?)`,
        ...[org, seq, record.request, JSON.stringify(record), expected[seq - 1]?.hash],
      );
    }
    expect(await exported(org)).toEqual(expected);
    await gateway.runCron();
    const rows = await sql("SELECT seq FROM audit WHERE org = ?", org);
    expect(rows.results).toEqual([]);
    expect(await exported(org)).toEqual(expected);
    const { body } = await admin(gateway, "GET", `/admin/v1/audit?org=${org}&before=3&limit=1`);
    expect(body.data).toEqual([expected[1]]);
    // The governor of this org has made none of them.
    expect((await verify(org)).finding).toMatchObject({ fault: "surplus", seq: 1 });
  });

  it("keeps who asked apart from the record, and forgets it on request", async () => {
    const { org } = await createOrg(gateway);
    const { GOVERNOR, FILES } = await gateway.bindings();
    const versions = { config: 1, corpus: 0 };
    const usage = { input_tokens: 0, output_tokens: 0 };
    for (const [request, user] of [
      ["r1", "ann@example.com"],
      ["r2", "ann@example.com"],
      ["r3", "bob@example.com"],
    ]) {
      const draft = {
        ...{ request, at: Date.now(), key: "k", outcome: "refused", status: 400, endpoint: "" },
        ...{ operation: "", confidence: 0, tier: "", requested_model: "", cache: "BYPASS" },
        ...{ sources: 0, stream: false, versions, usage },
        person: { user, address: "192.0.2.7" },
      };
      const body = {
        org,
        ask: { execute: { protocol: 3, command: { refuse: { draft } } } },
      };
      const response = await GOVERNOR.getByName(org).fetch("https://governor/", {
        method: "POST",
        body: JSON.stringify(body),
      });
      expect(response.status, await response.text()).toBe(200);
    }
    const all = await records(gateway, org);
    expect(JSON.stringify(all)).not.toMatch(/example\.com|192\.0\.2\.7|person/u);
    expect(all.map((record) => record.user.length)).toEqual([64, 64, 64]);
    expect(all[1].user).toBe(all[2].user);
    expect(all[0].user).not.toBe(all[1].user);
    const ann = { user: "ann@example.com" };
    expect(await records(gateway, org, ann)).toHaveLength(2);

    const path = `/admin/v1/orgs/${org}/users/${encodeURIComponent(ann.user)}/records`;
    expect((await admin(gateway, "DELETE", path)).body).toMatchObject({ erased_requests: 2 });
    expect((await admin(gateway, "DELETE", path)).body).toMatchObject({ erased_requests: 0 });
    await gateway.evictGovernor(org);
    expect(await records(gateway, org, ann)).toHaveLength(0);
    const people = "SELECT request, user, address FROM audit_personal WHERE org = ? AND user <> ''";
    const left = await sql(people, org);
    expect(left.results).toEqual([
      { request: "r3", user: "bob@example.com", address: "192.0.2.7" },
    ]);
    expect(await verify(org)).toMatchObject({ verified: true, records: 7 });
    expect((await FILES.list()).objects.every(({ key }) => !key.includes("ann"))).toBe(true);
  });
});
