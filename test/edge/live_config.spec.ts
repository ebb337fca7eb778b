// A configuration that changes while its database is down, in workerd.
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { type Gateway, startGateway } from "./harness";
import { admin, ask, createOrg, eventually, records } from "./support";

const small = "@cf/meta/llama-3.1-8b-instruct-fast";
const large = "@cf/qwen/qwen3-30b-a3b-fp8";

const body = { model: "light", messages: [{ role: "user", content: "Hello" }] };

/** With no limits but one on what may be asked a minute. */
const of = (model: string, limit: number) => ({
  tiers: { light: [model] },
  limits: [{ count: "requests", limit, seconds: 60 }],
  budgets: [],
});

describe("a configuration whose database is down", () => {
  let gateway: Gateway;

  beforeAll(async () => {
    gateway = await startGateway({ instrumented: true, workers: 2 });
  });
  afterAll(() => gateway.stop());

  /** An org that both workers remember, changed by the second while the first sees neither D1 nor KV. */
  async function changed(config: object) {
    const { org, key } = await createOrg(gateway, { config: of(small, 100) });
    for (const worker of [0, 1]) {
      expect((await ask(gateway, key, body, { worker })).status).toBe(200);
    }
    await gateway.order({ database: true, cache: true });
    const init = {
      method: "PUT",
      headers: { authorization: "Bearer local-admin-key", "content-type": "application/json" },
      body: JSON.stringify(config),
    };
    const answer = await gateway.fetch(`/admin/v1/orgs/${org}/config`, init, 1);
    expect(answer.status, await answer.text()).toBe(200);
    return { org, key };
  }

  it("serves the last good one, and says so, within the limits in force", async () => {
    const { org, key } = await changed(of(large, 4));
    const stale = await ask(gateway, key, body);
    expect(stale.status).toBe(200);
    expect(stale.headers.get("cf-aig-model")).toBe(small);
    expect(stale.headers.get("x-ai-config")).toBe("stale");
    expect((await ask(gateway, key, body)).status).toBe(200);
    expect((await ask(gateway, key, body)).status).toBe(429);
    await gateway.order({});
    const [record] = await records(gateway, org, { request: stale.id });
    expect(record).toMatchObject({ stale_config: 2, versions: { config: 3 } });
  });

  it("serves the one in force from its copy", async () => {
    const { key } = await changed(of(large, 100));
    await gateway.order({ database: true });
    // The copy is made without anybody waiting for it, and another is looked for after some seconds.
    await eventually(async () => {
      const answer = await ask(gateway, key, body);
      expect(answer.status).toBe(200);
      return answer.headers.get("cf-aig-model") === large && !answer.headers.has("x-ai-config");
    }, 10);
    await gateway.order({});
  }, 30_000);

  it("obeys a kill switch meanwhile", async () => {
    const { org, key } = await changed(of(large, 100));
    const path = `/admin/v1/orgs/${org}/switches/org`;
    expect((await admin(gateway, "PUT", path, {})).status).toBe(200);
    const killed = await ask(gateway, key, body);
    expect([killed.status, killed.body.error.code]).toEqual([503, "kill_switch"]);
    expect((await admin(gateway, "DELETE", path)).status).toBe(200);
    expect((await ask(gateway, key, body)).headers.get("x-ai-config")).toBe("stale");
    await gateway.order({});
  });
});
