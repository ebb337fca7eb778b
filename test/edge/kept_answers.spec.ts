// What is kept in R2 of requests: answers for their Idempotency-Key, and transcripts.
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { type Gateway, startGateway } from "./harness";
import { admin, ask, createOrg, records, spent } from "./support";

const model = "@cf/zai-org/glm-4.7-flash";
const question = { model, messages: [{ role: "user", content: "Write to ann@example.com" }] };

describe("kept answers", () => {
  let gateway: Gateway;

  beforeAll(async () => {
    gateway = await startGateway({ workers: 2 });
  });

  afterAll(() => gateway.stop());

  it.each([false, true])("are given again by another worker, streamed: %s", async (stream) => {
    const { org, key } = await createOrg(gateway);
    const headers = { "idempotency-key": "once" };
    const body = { ...question, stream };
    const first = await ask(gateway, key, body, { headers });
    expect(first.status, JSON.stringify(first.body)).toBe(200);
    const charged = await spent(gateway, org);
    const again = await ask(gateway, key, body, { headers, worker: 1 });
    expect(again.body).toEqual(first.body);
    expect(again.headers.get("idempotent-replayed")).toBe("true");
    expect(again.headers.get("content-type")).toBe(first.headers.get("content-type"));
    expect(await spent(gateway, org)).toBe(charged);
    const outcomes = (await records(gateway, org)).map((record) => record.outcome);
    expect(outcomes).toEqual(["replayed", "answered"]);
    const other = { ...body, temperature: 0.5 };
    expect((await ask(gateway, key, other, { headers })).status).toBe(422);
  });

  it("are worked on once, however many ask at the same time", async () => {
    const { org, key } = await createOrg(gateway);
    const headers = { "idempotency-key": "many" };
    const content = `[[emulator model=${model} delay=500 times=1]] Hello`;
    const body = { model, messages: [{ role: "user", content }] };
    const asked = [0, 1, 0, 1].map((worker) => ask(gateway, key, body, { headers, worker }));
    const answers = await Promise.all(asked);
    expect(answers.map(({ status }) => status).sort()).toEqual([200, 409, 409, 409]);
    const waiting = answers.filter(({ status }) => status === 409);
    expect(waiting.every((answer) => answer.headers.get("retry-after") === "2")).toBe(true);
    const all = await records(gateway, org);
    expect(all.filter((record) => record.outcome === "answered")).toHaveLength(1);
  });

  it("and transcripts go with their user", async () => {
    const { org, key } = await createOrg(gateway, {
      config: { transcripts: { store: "redacted" } },
    });
    const headers = { "idempotency-key": "erased", "x-ai-user": "ann" };
    const answer = await ask(gateway, key, question, { headers });
    const path = `/admin/v1/orgs/${org}/transcripts/${answer.id}`;
    const { status, body } = await admin(gateway, "GET", path);
    expect(status).toBe(200);
    expect(body.prompt.messages[0].content).toBe("Write to [EMAIL]");
    expect(body.answer[0].text).toEqual(expect.any(String));
    const { FILES } = await gateway.bindings();
    const names = async () => {
      const { objects } = await FILES.list();
      return objects
        .map((object: { key: string }) => object.key)
        .filter((name: string) => name.includes(answer.id));
    };
    expect(await names()).toHaveLength(2);
    const erased = await admin(gateway, "DELETE", `/admin/v1/orgs/${org}/users/ann/records`);
    expect(erased.body.erased_requests).toBe(1);
    expect(await names()).toEqual([]);
    expect((await admin(gateway, "GET", path)).status).toBe(404);
  });
});
