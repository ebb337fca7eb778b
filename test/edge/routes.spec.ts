// Routes from Cloudflare's documentation, imported as they are, on workerd.
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { type Gateway, startGateway } from "./harness";
import { admin, ask, createOrg, records } from "./support";

const LARGE = "openai/gpt-4o";
const SMALL = "openai/gpt-4o-mini";
const LLAMA = "@cf/meta/llama-3.1-8b-instruct-fast";

const folder = join(import.meta.dirname, "../native/routes");
const documented = (name: string) => JSON.parse(readFileSync(join(folder, `${name}.json`), "utf8"));

describe("routes as Cloudflare's documentation has them", () => {
  let gateway: Gateway;
  let org: string;
  let key: string;

  beforeAll(async () => {
    gateway = await startGateway({ workers: 2 });
    const names = ["segments", "rollout", "quota", "budget"];
    const routes = Object.fromEntries(names.map((name) => [name, documented(name)]));
    ({ org, key } = await createOrg(gateway, { config: { limits: [], budgets: [], routes } }));
  });
  afterAll(() => gateway.stop());

  const body = (route: string) => ({
    model: `dynamic/${route}`,
    messages: [{ role: "user", content: "What is a neuron?" }],
    max_tokens: 100,
  });
  const send = (route: string, metadata: object, worker = 0) =>
    ask(gateway, key, body(route), {
      headers: { "cf-aig-metadata": JSON.stringify(metadata) },
      worker,
    });

  it("segments users by their metadata", async () => {
    for (const [plan, model, node] of [
      ["free", SMALL, "small"],
      ["paid", LARGE, "large"],
    ] as const) {
      const answer = await send("segments", { plan });
      expect(answer.status, JSON.stringify(answer.body)).toBe(200);
      expect(answer.headers.get("cf-aig-model")).toBe(model);
      expect(answer.headers.get("x-ai-route")).toBe(`segments@2; start>segment>${node}`);
      const [record] = await records(gateway, org, { request: answer.id });
      const nodes = ["start", "segment", node];
      expect(record.route).toEqual({ name: "segments", nodes, operation: expect.any(String) });
    }
  });

  it("splits by shares", async () => {
    const answers = await Promise.all(Array.from({ length: 60 }, () => send("rollout", {})));
    const models = answers.map((answer) => answer.headers.get("cf-aig-model"));
    expect(models.every((model) => model !== null)).toBe(true);
    // Half of them; five standard deviations.
    const newer = models.filter((model) => model === LARGE).length;
    expect(newer).toBeGreaterThan(10);
    expect(newer).toBeLessThan(50);
  });

  it("counts a quota over two Workers, and diverts exactly the rest", async () => {
    const user = { user_id: "ann" };
    const answers = await Promise.all(
      Array.from({ length: 120 }, (_, index) => send("quota", user, index % 2)),
    );
    const by = (model: string) =>
      answers.filter((answer) => answer.headers.get("cf-aig-model") === model).length;
    expect([by(LLAMA), by(SMALL)]).toEqual([100, 20]);
    expect((await send("quota", { user_id: "bob" })).headers.get("cf-aig-model")).toBe(LLAMA);
    const path = `/admin/v1/orgs/${org}/routes/quota/explain`;
    const { body: way } = await admin(gateway, "POST", path, { metadata: user });
    expect(way.gates[0]).toMatchObject({ node: "limit", open: false, used: "100", limit: "100" });
  });

  it("diverts to the cheaper model once the budget cannot carry the dear one", async () => {
    // The bound of one of these is nearly the whole budget.
    const dear = { ...body("budget"), max_tokens: 1_700 };
    const headers = { "cf-aig-metadata": JSON.stringify({ team: "red" }) };
    const models: (string | null)[] = [];
    for (let request = 0; request < 8; request += 1) {
      const answer = await ask(gateway, key, dear, { headers });
      models.push(answer.headers.get("cf-aig-model"));
    }
    const turned = models.indexOf(SMALL);
    expect(turned).toBeGreaterThan(0);
    expect(models.slice(0, turned).every((model) => model === LARGE)).toBe(true);
    expect(models.slice(turned).every((model) => model === SMALL)).toBe(true);
    expect((await send("budget", { team: "blue" })).headers.get("cf-aig-model")).toBe(LARGE);
  });

  it("knows where a request comes from", async () => {
    const elements = documented("segments").elements;
    elements[1].properties.condition = { country: { $exists: true }, colo: { $exists: true } };
    const config = { limits: [], budgets: [], routes: { here: { elements } } };
    const own = await createOrg(gateway, { config });
    const answer = await ask(gateway, own.key, body("here"));
    expect(answer.status).toBe(200);
    // The local runtime tells of a place, as the platform does.
    expect(answer.headers.get("x-ai-route")).toBe("here@2; start>segment>small");
  });
});
