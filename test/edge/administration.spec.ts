// Members, lists by pages and filters, keys that are replaced, versions: over the real database.
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { published } from "../support/own_description";
import { type Gateway, startGateway } from "./harness";
import { admin, ask, createOrg } from "./support";

describe("administration of a deployment", () => {
  let gateway: Gateway;

  beforeAll(async () => {
    gateway = await startGateway();
  });
  afterAll(() => gateway.stop());

  const hello = { model: "light", messages: [{ role: "user", content: "Hello" }] };

  /** Asks with a member's key. */
  const as = (key: string, method: string, path: string, body?: unknown) =>
    admin(gateway, method, path, body, { authorization: `Bearer ${key}` });

  it("describes itself", async () => {
    const response = await gateway.fetch("/openapi.json");
    expect(response.headers.get("content-type")).toBe("application/json");
    expect(await response.json()).toEqual(published);
  });

  it("lets members do what their role says, in their org", async () => {
    const { org } = await createOrg(gateway);
    const { org: other } = await createOrg(gateway);
    const made = await admin(gateway, "POST", "/admin/v1/members", {
      id: "eva",
      name: "Eva",
      role: "editor",
      org,
    });
    expect(made.status).toBe(201);
    const { key } = made.body;
    expect(key).toMatch(/^esa_eva_/);
    const config = { limits: [{ count: "requests", limit: 7, seconds: 60 }] };
    const saved = await as(key, "PUT", `/admin/v1/orgs/${org}/config?note=Less`, config);
    expect(saved).toMatchObject({ status: 200, body: { author: "member/eva", note: "Less" } });
    expect((await as(key, "POST", `/admin/v1/orgs/${org}/keys`, {})).status).toBe(403);
    expect((await as(key, "GET", `/admin/v1/orgs/${other}/config`)).status).toBe(404);
    expect((await as(key, "GET", "/admin/v1/members")).status).toBe(403);
    const seen = await as(key, "GET", "/admin/v1/orgs");
    expect(seen.body.data).toMatchObject([{ id: org }]);
    const trail = await admin(gateway, "GET", `/admin/v1/audit?org=${org}&key=member/eva`);
    expect(trail.body.data).toHaveLength(2);

    const viewer = { name: "Eva V.", role: "viewer" };
    const changed = await admin(gateway, "PATCH", "/admin/v1/members/eva", viewer);
    expect(changed).toMatchObject({ status: 200, body: { ...viewer, org } });
    expect((await as(key, "PUT", `/admin/v1/orgs/${org}/config`, config)).status).toBe(403);
    const rotated = await admin(gateway, "POST", "/admin/v1/members/eva/rotate");
    expect((await as(key, "GET", "/admin/v1/me")).status).toBe(401);
    const me = await as(rotated.body.key, "GET", "/admin/v1/me");
    expect(me.body).toEqual({
      name: "member/eva",
      role: "viewer",
      org,
      permissions: ["read", "see"],
    });
    expect((await admin(gateway, "DELETE", "/admin/v1/members/eva")).status).toBe(204);
    expect((await as(rotated.body.key, "GET", "/admin/v1/me")).status).toBe(401);
    const listed = await admin(gateway, "GET", "/admin/v1/members");
    expect(listed.body.data).toMatchObject([{ id: "eva", removed_at: expect.any(Number) }]);
    const root = await admin(gateway, "GET", "/admin/v1/audit?org=_root");
    const operations = root.body.data.map(
      (entry: { record: { operation: string } }) => entry.record.operation,
    );
    expect(operations).toContain("member.create");
    expect(operations).toContain("member.remove");
  });

  it("lists by pages and filters", async () => {
    const { org, keyId } = await createOrg(gateway);
    const path = `/admin/v1/orgs/${org}/keys`;
    const made = [keyId];
    for (const scope of ["byok", "knowledge"]) {
      made.push((await admin(gateway, "POST", path, { scopes: [scope] })).body.id);
    }
    const ids = (list: { data: { id: string }[] }) => list.data.map(({ id }) => id);
    const first = (await admin(gateway, "GET", `${path}?limit=2`)).body;
    const second = (await admin(gateway, "GET", `${path}?limit=2&after=${first.next}`)).body;
    expect([...ids(first), ...ids(second)].sort()).toEqual([...made].sort());
    expect(second.next).toBeUndefined();
    expect(ids((await admin(gateway, "GET", `${path}?scope=byok`)).body)).toEqual([made[1]]);
    await admin(gateway, "DELETE", `${path}/${made[1]}`);
    expect(ids((await admin(gateway, "GET", `${path}?state=ended`)).body)).toEqual([made[1]]);
    expect(ids((await admin(gateway, "GET", `${path}?state=good`)).body)).toHaveLength(2);
    const change = { name: "Till", scopes: ["inference", "byok"] };
    const changed = await admin(gateway, "PATCH", `${path}/${keyId}`, change);
    expect(changed).toMatchObject({ status: 200, body: change });
    const renamed = await admin(gateway, "PATCH", `/admin/v1/orgs/${org}`, { name: "Ömega & Co" });
    expect(renamed.body).toMatchObject({ id: org, name: "Ömega & Co" });
    const found = await admin(gateway, "GET", "/admin/v1/orgs?search=ga%20%26%20c");
    expect(ids(found.body)).toEqual([org]);
    const models = await admin(gateway, "GET", "/admin/v1/models?kind=chat&limit=1");
    expect(models.body).toMatchObject({ data: [{ kind: "chat" }], next: expect.any(String) });
    const operations = await admin(gateway, "GET", `/admin/v1/operations?org=${org}`);
    expect(operations.body.data.length).toBeGreaterThanOrEqual(16);
  });

  it("replaces a key, and ends the old one when its grace does", async () => {
    const { org, key, keyId } = await createOrg(gateway);
    const path = `/admin/v1/orgs/${org}/keys/${keyId}/rotate`;
    const minted = await admin(gateway, "POST", path, { grace_seconds: 10 });
    expect(minted).toMatchObject({ status: 201, body: { replaces: keyId } });
    expect((await ask(gateway, key, hello)).status).toBe(200);
    expect((await ask(gateway, minted.body.key, hello)).status).toBe(200);
    const left = minted.body.replaced_until - Date.now();
    expect(left).toBeLessThanOrEqual(10_000);
    await new Promise((resolve) => setTimeout(resolve, left + 50));
    expect((await ask(gateway, key, hello)).status).toBe(401);
    const models = await gateway.fetch("/v1/models", {
      headers: { authorization: `Bearer ${key}` },
    });
    expect(models.status).toBe(401);
    await models.text();
    expect((await ask(gateway, minted.body.key, hello)).status).toBe(200);
  });

  it("says which end users there are and what they spent", async () => {
    const { org, key } = await createOrg(gateway);
    for (const user of ["ann", "bob", "ann"]) {
      const asked = await ask(gateway, key, hello, { headers: { "x-ai-user": user } });
      expect(asked.status).toBe(200);
    }
    const { body } = await admin(gateway, "GET", `/admin/v1/orgs/${org}/users`);
    expect(body.data).toMatchObject([
      { user: "ann", requests: 2 },
      { user: "bob", requests: 1 },
    ]);
    expect(Number(body.data[0].spent_usd)).toBeGreaterThan(0);
    const next = await admin(gateway, "GET", `/admin/v1/orgs/${org}/users?limit=1&after=ann`);
    expect(next.body.data).toMatchObject([{ user: "bob" }]);
    const erased = await admin(gateway, "DELETE", `/admin/v1/orgs/${org}/users/ann/records`);
    expect(erased.body.erased_requests).toBe(2);
    expect((await admin(gateway, "GET", `/admin/v1/orgs/${org}/users/ann`)).status).toBe(404);
  });

  it("keeps versions of a configuration, compares them and goes back", async () => {
    const { org } = await createOrg(gateway);
    const path = `/admin/v1/orgs/${org}/config`;
    const limited = (limit: number) => ({ limits: [{ count: "requests", limit, seconds: 60 }] });
    for (const limit of [5, 6, 7]) {
      expect((await admin(gateway, "PUT", path, limited(limit))).status).toBe(200);
    }
    const page = await admin(gateway, "GET", `${path}/versions?limit=2`);
    expect(page.body).toMatchObject({ data: [{ version: 4 }, { version: 3 }], next: "3" });
    const diff = await admin(gateway, "GET", `${path}/versions/2/diff?to=4`);
    expect(diff.body.changes).toEqual([{ path: "limits[0].limit", before: 5, after: 7 }]);
    const patch = { time_zone: "Europe/Rome" };
    const patched = await admin(gateway, "PATCH", path, patch, { "if-match": '"4"' });
    expect(patched.body).toMatchObject({ version: 5, in_force: 5, config: patch });
    const back = await admin(gateway, "POST", `${path}/rollback`, { to: 2, note: "Too many" });
    expect(back.body).toMatchObject({
      version: 6,
      in_force: 6,
      config: limited(5),
      note: "Too many",
    });
    const invalid = await admin(gateway, "POST", `${path}/validate`, limited(0));
    expect(invalid.body).toMatchObject({ valid: false, problems: [{ path: "limits[0].limit" }] });
    const lockedOut = await admin(gateway, "PUT", path, limited(0));
    expect(lockedOut.status).toBe(400);
  });
});
