// What an administrator changes under load: once it has answered, nothing is admitted as it was before, in
// any of three isolates.
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { drill } from "../../scripts/kill-switch-drill.mjs";
import { type Asked, putLoad, type Reach } from "../../scripts/lib/load.mjs";
import { adminKey, type Gateway, startGateway } from "./harness";
import { admin, createOrg } from "./support";

const small = "@cf/meta/llama-3.1-8b-instruct-fast";
const large = "@cf/qwen/qwen3-30b-a3b-fp8";

const body = { model: "light", messages: [{ role: "user", content: "Hello" }], max_tokens: 16 };
const headers = { "x-ai-operation": "chat" };

/** Requests that are answered in each state. */
const requests = 60;

describe("changes under load, with three workers and one governor", () => {
  let gateway: Gateway;
  let workers: Reach[];

  beforeAll(async () => {
    gateway = await startGateway({ workers: 3 });
    const numbers = [0, 1, 2];
    workers = numbers.map((worker) => (path, init) => gateway.fetch(path, init, worker));
  });
  afterAll(() => gateway.stop());

  /** Makes a change under load; gives the requests from before, and those that were sent after its answer. */
  async function under(key: string, change: () => Promise<{ status: number }>) {
    const load = putLoad({ workers, key, body, headers, clients: 9 });
    await load.more(requests);
    const before = [...load.asked];
    const { status } = await change();
    const answered = performance.now();
    await load.more(requests);
    await load.stop();
    expect([200, 204]).toContain(status);
    const after = load.since(answered);
    expect(after.length).toBeGreaterThanOrEqual(requests);
    return { before, after };
  }

  const models = (asked: Asked[]) => new Set(asked.map((it) => it.headers.get("cf-aig-model")));
  const statuses = (asked: Asked[]) => new Set(asked.map((it) => it.status));

  for (const admission of ["strict", "leased"] as const) {
    describe(`an org with ${admission} admission`, () => {
      const config = { admission, limits: [], budgets: [], tiers: { light: [small] } };

      it("turns every kill switch on and off", async () => {
        const log = (line: string) => console.log(line);
        const results = await drill({ workers, adminKey, deployment: true, admission, log });
        expect(results).toHaveLength(9);
        for (const { path, after, admitted } of results) {
          expect({ path, admitted }).toEqual({ path, admitted: 0 });
          expect(after).toBeGreaterThan(20);
        }
      }, 120_000);

      it("changes the configuration", async () => {
        const { org, key } = await createOrg(gateway, { config });
        const path = `/admin/v1/orgs/${org}/config`;
        const changed = { ...config, tiers: { light: [large] } };
        const { before, after } = await under(key, () => admin(gateway, "PUT", path, changed));
        expect(models(before)).toEqual(new Set([small]));
        expect(models(after)).toEqual(new Set([large]));
      }, 60_000);

      it("changes the deployment's configuration, and goes back", async () => {
        const put = (model: string) =>
          admin(gateway, "PUT", "/admin/v1/config", { tiers: { light: [model] } });
        const first = await put(small);
        expect(first.status, JSON.stringify(first.body)).toBe(200);
        const own = { admission, limits: [], budgets: [] };
        const { org, key } = await createOrg(gateway, { config: own });
        const changed = await under(key, () => put(large));
        expect(models(changed.before)).toEqual(new Set([small]));
        expect(models(changed.after)).toEqual(new Set([large]));
        const back = { to: first.body.version, note: "Too dear" };
        const path = "/admin/v1/config/rollback";
        const returned = await under(key, () => admin(gateway, "POST", path, back));
        expect(models(returned.after)).toEqual(new Set([small]));
        const { body } = await admin(gateway, "GET", "/admin/v1/config/versions?limit=2");
        expect(body.data[0]).toMatchObject({ version: first.body.version + 2, note: "Too dear" });
        // The org's own configuration has not changed.
        const { body: config } = await admin(gateway, "GET", `/admin/v1/orgs/${org}/config`);
        expect(config.config).toEqual(own);
      }, 90_000);

      it("takes the budget away", async () => {
        const { org, key } = await createOrg(gateway, { config });
        const path = `/admin/v1/orgs/${org}/config`;
        const spent = { ...config, budgets: [{ usd: "0.000000001", period: "day" }] };
        const { before, after } = await under(key, () => admin(gateway, "PUT", path, spent));
        expect(statuses(before)).toEqual(new Set([200]));
        expect(statuses(after)).toEqual(new Set([402]));
      }, 60_000);

      it("revokes the key", async () => {
        const { org, key, keyId } = await createOrg(gateway, { config });
        const path = `/admin/v1/orgs/${org}/keys/${keyId}`;
        const { before, after } = await under(key, () => admin(gateway, "DELETE", path));
        expect(statuses(before)).toEqual(new Set([200]));
        expect(statuses(after)).toEqual(new Set([401]));
      }, 60_000);
    });
  }
});
