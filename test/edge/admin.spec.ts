import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { type Gateway, startGateway } from "./harness";
import { admin, ask, createOrg, limits } from "./support";

describe("administration", () => {
  let gateway: Gateway;

  beforeAll(async () => {
    gateway = await startGateway();
  });
  afterAll(() => gateway.stop());

  it("is closed without the admin key, also to a tenant's key", async () => {
    const { key } = await createOrg(gateway);
    for (const authorization of ["", "Bearer wrong", `Bearer ${key}`]) {
      const response = await gateway.fetch("/admin/v1/orgs", { headers: { authorization } });
      expect(response.status).toBe(401);
      await response.text();
    }
  });

  it("creates an org once", async () => {
    const org = { id: "once", name: "Once" };
    expect((await admin(gateway, "POST", "/admin/v1/orgs", org)).status).toBe(201);
    expect((await admin(gateway, "POST", "/admin/v1/orgs", org)).status).toBe(200);
    const { body } = await admin(gateway, "GET", "/admin/v1/orgs");
    expect(body.data.filter((entry: { id: string }) => entry.id === "once")).toHaveLength(1);
    const bad = await admin(gateway, "POST", "/admin/v1/orgs", { id: "Not An Id" });
    expect(bad.status).toBe(400);
  });

  it("shows a key's secret once and never its digest", async () => {
    const { org } = await createOrg(gateway);
    const minted = await admin(gateway, "POST", `/admin/v1/orgs/${org}/keys`, { name: "second" });
    expect(minted.status).toBe(201);
    expect(minted.body.key).toMatch(/^esk_/);
    const { body } = await admin(gateway, "GET", `/admin/v1/orgs/${org}/keys`);
    expect(body.data).toHaveLength(2);
    const listed = JSON.stringify(body);
    expect(listed).not.toContain("esk_");
    expect(listed).not.toContain("digest");
  });

  it("sets a configuration by version, and refuses a wrong one with its path", async () => {
    const { org } = await createOrg(gateway);
    const path = `/admin/v1/orgs/${org}/config`;
    const first = await admin(gateway, "GET", path);
    expect(first.headers.get("etag")).toBe('"1"');
    const config = {
      limits: [{ count: "requests", limit: 7, seconds: 60 }],
      budgets: [{ usd: "1.5", period: "day" }],
    };
    const second = await admin(gateway, "PUT", path, config, { "if-match": '"1"' });
    expect(second).toMatchObject({ status: 200, body: { version: 2, config } });
    const late = await admin(gateway, "PUT", path, config, { "if-match": '"1"' });
    expect(late.status).toBe(412);
    const wrong = await admin(gateway, "PUT", path, { tiers: { light: ["nobody"] } });
    expect(wrong.status).toBe(400);
    expect(wrong.body.error.message).toContain("tiers.light[0]");
    const state = await limits(gateway, org);
    expect(state).toMatchObject({
      config_version: 2,
      limits: [{ name: "requests", per: "org", limit: 7, used: 0, remaining: 7 }],
    });
    expect(state.budgets[0]).toMatchObject({ name: "", period: "day", limit_usd: null });
    expect(state.budgets.at(-1)).toMatchObject({
      name: "day",
      limit_usd: "1.5",
      spent_usd: "0",
      reserved_usd: "0",
      remaining_usd: "1.5",
    });
  });

  it("begins a day when the org's time zone does", async () => {
    const { org } = await createOrg(gateway, { config: { time_zone: "Asia/Tokyo" } });
    const state = await limits(gateway, org);
    const untilMidnight = 86_400 - ((Date.now() / 1000 + 9 * 3600) % 86_400);
    expect(Math.abs(state.budgets[0].reset_seconds - untilMidnight)).toBeLessThan(60);
  });

  it("refuses a time zone that does not exist", async () => {
    const { org } = await createOrg(gateway);
    const path = `/admin/v1/orgs/${org}/config`;
    const answer = await admin(gateway, "PUT", path, { time_zone: "Europe/Atlantis" });
    expect(answer.status).toBe(400);
    expect(answer.body.error.param).toBe("time_zone");
  });

  it("answers 404 for an org, a key or a path that does not exist", async () => {
    const { org } = await createOrg(gateway);
    for (const [method, path] of [
      ["GET", "/admin/v1/orgs/nobody/config"],
      ["GET", "/admin/v1/audit?org=nobody"],
      ["DELETE", `/admin/v1/orgs/${org}/keys/nothing`],
      ["GET", "/admin/v1/nothing"],
    ] as const) {
      expect((await admin(gateway, method, path)).status, path).toBe(404);
    }
  });

  it("filters and pages the audit trail", async () => {
    const { org, key } = await createOrg(gateway);
    const body = { model: "light", messages: [{ role: "user", content: "Hello" }] };
    for (let index = 0; index < 3; index += 1) {
      expect(
        (await ask(gateway, key, body, { headers: { "x-ai-operation": "chat" } })).status,
      ).toBe(200);
    }
    expect((await ask(gateway, key, { ...body, model: "gpt-99" })).status).toBe(404);
    const query = (text: string) => admin(gateway, "GET", `/admin/v1/audit?org=${org}${text}`);
    const page = await query("&outcome=answered&limit=2");
    expect(page.body.data).toHaveLength(2);
    const rest = await query(`&outcome=answered&limit=2&before=${page.body.next_before}`);
    expect(rest.body.data).toHaveLength(1);
    const seqs = [...page.body.data, ...rest.body.data].map((entry) => entry.seq);
    expect(seqs).toEqual([...seqs].sort((a, b) => b - a));
    expect((await query("&operation=faq")).body.data).toHaveLength(0);
    expect((await query("&limit=0")).status).toBe(400);
    expect((await query("&nonsense=1")).status).toBe(400);
  });

  it("keeps money and limits when the governor is evicted", async () => {
    const { org, key } = await createOrg(gateway);
    const body = { model: "light", messages: [{ role: "user", content: "Hello" }] };
    await ask(gateway, key, body, { headers: { "x-ai-operation": "chat" } });
    const before = await limits(gateway, org);
    expect(Number(before.budgets[0].spent_usd)).toBeGreaterThan(0);
    await gateway.evictGovernor(org);
    const after = await limits(gateway, org);
    expect(after.budgets[0]).toMatchObject({
      spent_usd: before.budgets[0].spent_usd,
      reserved_usd: "0",
    });
    expect(after.limits[0].used).toBe(before.limits[0].used);
  });
});
