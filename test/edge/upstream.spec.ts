// Calls over HTTPS out of the built Worker: what the provider gets, and that it is left alone once
// nobody waits for its answer any more.
import { afterAll, afterEach, beforeAll, describe, expect, it } from "vitest";
import { type Gateway, startGateway } from "./harness";
import { ask, createOrg, records, unbroken } from "./support";

const MODEL = "groq/llama-3.3-70b-versatile";
const CALLED = { model: "groq/*" };

describe("a provider over HTTPS", () => {
  let gateway: Gateway;
  let key: string;
  let org: string;

  beforeAll(async () => {
    gateway = await startGateway();
    ({ org, key } = await createOrg(gateway, { config: unbroken }));
  });
  afterAll(() => gateway.stop());
  afterEach(async () => {
    await gateway.emulator.clearFaults();
    await gateway.emulator.clearCalls();
  });

  const saying = (content: string) => ({ model: MODEL, messages: [{ role: "user", content }] });

  const call = async () => (await gateway.emulator.calls(CALLED))[0];

  /** Waits until the provider has seen its reader go; gives the milliseconds that took. */
  const abortedAfter = async (left: number) => {
    await expect
      .poll(async () => (await call())?.outcome, { timeout: 5_000 })
      .toMatchObject({ aborted: true });
    return ((await call())?.outcome.aborted_at ?? Number.NaN) - left;
  };

  it.each([false, true])(
    "is called at its own address with its own key (stream: %s)",
    async (stream) => {
      const answered = await ask(gateway, key, { ...saying("ping"), stream });
      expect(answered.status, JSON.stringify(answered.body)).toBe(200);
      expect(answered.text).not.toBe("");
      expect(await call()).toMatchObject({
        url: "https://api.groq.com/openai/v1/chat/completions",
        method: "POST",
        inputs: { model: "llama-3.3-70b-versatile" },
      });
      expect((await call())?.headers?.authorization).toMatch(/^Bearer local/u);
      expect(JSON.stringify(await call())).not.toContain(key);
    },
  );

  it("is left alone within a second of the client's going", async () => {
    const controller = new AbortController();
    const response = await gateway.fetch("/v1/chat/completions", {
      method: "POST",
      headers: { authorization: `Bearer ${key}`, "content-type": "application/json" },
      body: JSON.stringify({
        ...saying("[[emulator endless=1]] tell me everything"),
        stream: true,
      }),
      signal: controller.signal,
    });
    await response.body?.getReader().read();
    const left = Date.now();
    controller.abort();
    expect(await abortedAfter(left)).toBeLessThan(1_000);
  });

  it("is left alone once its time is over", async () => {
    await gateway.emulator.setFaults([{ ...CALLED, hang: true }]);
    const headers = { "cf-aig-request-timeout": "300" };
    const began = Date.now();
    const answered = await ask(gateway, key, saying("ping"), { headers });
    expect(answered.status).toBe(502);
    expect(await abortedAfter(began)).toBeLessThan(1_500);
  });

  it.each([
    { status: 302, body: "" },
    { status: 200, body: "<html>", content_type: "text/html" },
    { status: 401, body: '{"error":{"message":"Incorrect API key provided: local-groq-key"}}' },
  ])("that answers with %o fails, and its key stays secret", async (fault) => {
    await gateway.emulator.setFaults([{ ...CALLED, ...fault }]);
    const answered = await ask(gateway, key, saying("ping"));
    expect(answered.status).toBe(502);
    const kept = JSON.stringify([answered.body, await records(gateway, org)]);
    expect(kept).not.toContain("local-groq-key");
  });
});
