import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { afterAll, beforeAll, beforeEach, describe, expect, it } from "vitest";
import type { FaultRule, Json } from "../../emulator/types.js";
import { ask, readEvents, startEmulator } from "./harness.js";

const OPENAI = "https://api.openai.com/v1/chat/completions";

let emulator: Awaited<ReturnType<typeof startEmulator>>;
beforeAll(async () => {
  emulator = await startEmulator();
});
beforeEach(async () => {
  await emulator.clearFaults();
  await emulator.clearCalls();
});
afterAll(() => emulator.stop());

function chat(content: string, more: Json = {}, init: RequestInit = {}) {
  const body = JSON.stringify({ model: "gpt-4o", ...ask(content, more) });
  const headers = { authorization: "Bearer sk-test-0123456789" };
  return emulator.fetch(OPENAI, { method: "POST", headers, body, ...init });
}

describe("faults over HTTP", () => {
  it.each<[FaultRule, number, string, RegExp]>([
    [
      { status: 429, headers: { "retry-after": "7" } },
      429,
      "application/json",
      /rate_limit_exceeded/u,
    ],
    [{ status: 200, body: '{"error":{"message":"no"}}' }, 200, "application/json", /"no"/u],
    [{ html: true }, 502, "text/html", /<html>/u],
    [{ empty: true }, 200, "application/json", /^$/u],
    [{ body: "plain", content_type: "text/plain", status: 200 }, 200, "text/plain", /^plain$/u],
  ])("%j", async (rule, status, type, body) => {
    await emulator.setFaults([{ model: "openai/*", ...rule }]);
    const response = await chat("ping");
    expect(response.status).toBe(status);
    expect(response.headers.get("content-type")).toBe(type);
    expect(await response.text()).toMatch(body);
    if (rule.headers) expect(response.headers.get("retry-after")).toBe("7");
    expect((await emulator.calls())[0]?.outcome).toMatchObject({ status, fault: true });
  });

  it("send as many bytes as told", async () => {
    const response = await chat("[[emulator bytes=1000000]] ping");
    const text = await response.text();
    expect(text).toHaveLength(1_000_000);
    expect(Object.keys(JSON.parse(text))).toEqual(["padding"]);
  });

  it.each([
    ["[[emulator endless=1]] one two three", { stream: true }, /You asked: |"content":"asked: "/u],
    ["[[emulator endless=1]] ping", {}, /^\{"padding":"x+$/u],
  ])("never end: %s %j", async (content, more, beginning) => {
    const reader = (await chat(content, more)).body?.getReader();
    let text = "";
    while (text.length < 200_000) text += new TextDecoder().decode((await reader?.read())?.value);
    await reader?.cancel();
    expect(text).toMatch(beginning);
    expect(text).not.toContain("[DONE]");
  });

  it("end a stream with the wire's own error", async () => {
    const response = await chat("[[emulator cut=3,event]] one two three", { stream: true });
    const events = (await readEvents(response)) as Json[];
    expect(events).toHaveLength(4);
    expect(events.at(-1)).toMatchObject({ error: { type: "server_error" } });
  });

  it("count directives' times", async () => {
    const text = "[[emulator model=openai/* status=500 times=1]] ping";
    expect([(await chat(text)).status, (await chat(text)).status]).toEqual([500, 200]);
  });
});

describe("a caller who leaves", () => {
  it.each<[string, Json]>([
    ["[[emulator chunk_delay=50]] one two three four five six", { stream: true }],
    ["[[emulator endless=1]] one two three", { stream: true }],
  ])("is seen within a second: %s", async (content, more) => {
    const reader = (await chat(content, more)).body?.getReader();
    await reader?.read();
    const left = Date.now();
    await reader?.cancel();
    await expect
      .poll(async () => (await emulator.calls())[0]?.outcome, { timeout: 2_000 })
      .toMatchObject({ stream: "cancelled", aborted: true });
    const { aborted_at: at = 0 } = (await emulator.calls())[0]?.outcome ?? {};
    expect(at - left).toBeLessThan(1_000);
  });

  it.each([
    ["before the first byte", { hang: true }],
    ["when the stream stalls", { hang: true, cut_after_chunks: 2 }],
  ])("through the binding, as the gateway does it, %s", async (_, fault) => {
    await emulator.setFaults([{ model: "openai/*", ...fault }]);
    const headers = { authorization: "Bearer sk-test-0123456789", "x-abort-after": "300" };
    const left = Date.now() + 300;
    const response = await chat("one two three", { stream: true }, { headers });
    expect(response.status).toBe(499);
    await expect
      .poll(async () => (await emulator.calls())[0]?.outcome, { timeout: 2_000 })
      .toMatchObject({ aborted: true });
    const { aborted_at: at = 0 } = (await emulator.calls())[0]?.outcome ?? {};
    expect(at - left).toBeLessThan(1_000);
  });

  it("is not seen where the answer was read to its end", async () => {
    await (await chat("ping", { stream: true })).text();
    await (await chat("ping")).text();
    const calls = await emulator.calls();
    expect(calls.map(({ outcome }) => outcome.aborted)).toEqual([undefined, undefined]);
  });
});

describe("recorded HTTP calls", () => {
  it("hold address, method, headers without keys, and body", async () => {
    await chat("ping", { temperature: 0.5 });
    const [call] = await emulator.calls({ model: "openai/*" });
    expect(call).toMatchObject({
      model: "openai/gpt-4o",
      url: OPENAI,
      method: "POST",
      inputs: { model: "gpt-4o", temperature: 0.5, ...ask("ping") },
      outcome: { status: 200, fault: false },
    });
    expect(call?.headers?.authorization).toBe("Bearer sk-test-…6789");
  });

  it("refuse a body that is no JSON", async () => {
    const response = await chat("", {}, { body: "{" });
    expect(response.status).toBe(400);
    expect(await response.json()).toMatchObject({ error: { message: /could not parse/u } });
  });
});

describe("hosts that are no provider", () => {
  it.each([
    ["/cat.png", 200, "image/png", 113],
    ["/cat.jpg", 200, "image/jpeg", 159],
    ["/cat.webp", 200, "image/webp", 54],
    ["/page.html", 200, "text/html", 17],
    ["/huge.png", 200, "image/png", 11 * 1_024 * 1_024],
    ["/nothing.png", 404, "text/plain;charset=UTF-8", 33],
  ])("images.example%s", async (path, status, type, bytes) => {
    const response = await emulator.fetch(`https://images.example${path}`);
    expect(response.status).toBe(status);
    expect(response.headers.get("content-type")).toBe(type);
    expect((await response.arrayBuffer()).byteLength).toBe(bytes);
  });

  it("redirect to where nobody should go", async () => {
    const response = await emulator.fetch("https://images.example/redirect.png");
    expect(response.status).toBe(302);
    expect(response.headers.get("location")).toBe("http://127.0.0.1/");
  });

  it("are asked for real otherwise, but never by themselves", async () => {
    const server = createServer((request, response) => {
      response.setHeader("x-path", request.url ?? "");
      response.end("from Ollama");
    });
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
    const { port } = server.address() as AddressInfo;
    const response = await emulator.fetch(`http://127.0.0.1:${port}/v1/models`);
    expect(await response.text()).toBe("from Ollama");
    expect(response.headers.get("x-path")).toBe("/v1/models");
    server.close();
    expect((await fetch(`${emulator.baseUrl}/nowhere`)).status).toBe(404);
  });
});
