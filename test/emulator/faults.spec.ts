import { afterAll, beforeAll, beforeEach, describe, expect, it } from "vitest";
import type { FaultRule, Json } from "../../emulator/types.js";
import { ask, readEvents, startEmulator } from "./harness.js";

const LLAMA = "@cf/meta/llama-3.3-70b-instruct-fp8-fast";
const QWEN = "@cf/qwen/qwen3-30b-a3b-fp8";
const GPT = "openai/gpt-4o";
const CLAUDE = "anthropic/claude-sonnet-5";
const EMBED = "@cf/baai/bge-m3";

let emulator: Awaited<ReturnType<typeof startEmulator>>;
beforeAll(async () => {
  emulator = await startEmulator();
});
beforeEach(async () => {
  await emulator.clearFaults();
  await emulator.clearCalls();
});
afterAll(() => emulator.close());

describe("rules", () => {
  it.each<[FaultRule, string, number, object]>([
    [{ code: 3040 }, LLAMA, 429, { errors: [{ code: 3040 }] }],
    [{ status: 500 }, LLAMA, 500, { errors: [{ code: 3043 }] }],
    [{ status: 503, code: 3040 }, QWEN, 503, { errors: [{ code: 3040 }] }],
    [{ code: 3036, envelope: "error" }, LLAMA, 429, { error: [{ code: 3036 }] }],
    [{ code: 3007, envelope: "internal" }, LLAMA, 408, { internalCode: 3007, name: "AiError" }],
    [{ code: 3040 }, EMBED, 429, { errors: [{ code: 3040 }] }],
    [{ status: 429 }, GPT, 429, { error: { code: "rate_limit_exceeded" } }],
    [
      { status: 500, message: "down" },
      GPT,
      500,
      { error: { type: "server_error", message: "down" } },
    ],
    [{ code: 2005 }, GPT, 502, { success: false, error: [{ code: 2005 }] }],
    [{ status: 529 }, CLAUDE, 529, { type: "error", error: { type: "overloaded_error" } }],
  ])("%j on %s gives %i", async (rule, model, status, body) => {
    await emulator.setFaults([{ model, ...rule }]);
    const response = await emulator.raw(model, ask("x", { text: "x", max_tokens: 9 }));
    expect(response.status).toBe(status);
    expect(response.headers.get("content-type")).toBe("application/json");
    expect(await response.json()).toMatchObject(body);
  });

  it.each<[FaultRule, string, string]>([
    [
      { code: 3040 },
      "InferenceUpstreamError",
      "3040: Capacity temporarily exceeded, please try again.",
    ],
    [{ code: 3007, envelope: "internal" }, "AiError", "3007: Request timeout"],
    [
      { status: 502, body: "<html>", content_type: "text/html" },
      "InferenceUpstreamError",
      "<html>",
    ],
  ])("%j throws as the binding does", async (rule, name, message) => {
    await emulator.setFaults([rule]);
    await expect(emulator.run(LLAMA, ask("x"))).rejects.toMatchObject({ name, message });
  });

  it("match by glob, first come first, as often as told", async () => {
    await emulator.setFaults([
      { model: "@cf/qwen/*", status: 500, times: 1 },
      { model: "@cf/*", code: 3040, times: 2 },
    ]);
    const statuses: number[] = [];
    for (const model of [QWEN, QWEN, LLAMA, LLAMA, GPT]) {
      statuses.push((await emulator.raw(model, ask("x"))).status);
    }
    expect(statuses).toEqual([500, 429, 429, 200, 200]);
  });

  it("send a raw body and headers", async () => {
    const headers = { "retry-after": "7" };
    await emulator.setFaults([
      { body: '{"response":', headers },
      { status: 204, body: "" },
    ]);
    const response = await emulator.raw(LLAMA, ask("x"));
    expect(response.status).toBe(200);
    expect(response.headers.get("retry-after")).toBe("7");
    expect(await response.text()).toBe('{"response":');
    await expect(emulator.run(LLAMA, ask("x"))).rejects.toThrow(/JSON/u);
  });

  it("delay the first byte", async () => {
    await emulator.setFaults([{ delay_ms: 300 }]);
    const start = performance.now();
    expect((await emulator.raw(LLAMA, ask("x"))).status).toBe(200);
    expect(performance.now() - start).toBeGreaterThanOrEqual(290);
  });

  it("hang without holding up others", async () => {
    await emulator.setFaults([{ model: LLAMA, hang: true }]);
    const hanging = emulator.raw(LLAMA, ask("x")).then(() => "answered");
    const other = emulator.raw(QWEN, ask("x")).then((response) => response.status);
    expect(await other).toBe(200);
    const waited = new Promise((resolve) => setTimeout(resolve, 300, "waiting"));
    expect(await Promise.race([hanging, waited])).toBe("waiting");
  });

  it.each([
    [[{ modle: "x" }], /unknown field modle/u],
    [[{ status: 99 }], /bad value for status/u],
    [[{ status: 200 }], /needs a body/u],
    [{ status: 500 }, /array of rules/u],
  ])("are checked: %j", async (rules, message) => {
    await expect(emulator.setFaults(rules as FaultRule[])).rejects.toThrow(message);
  });
});

describe("cut streams", () => {
  const inputs = ask("one two three four five", { stream: true });

  it.each([LLAMA, QWEN, GPT])("%s ends early without its marker", async (model) => {
    await emulator.setFaults([{ cut_after_chunks: 3 }]);
    const events = (await readEvents(await emulator.raw(model, inputs))) as Json[];
    expect(events).toHaveLength(3);
    expect(JSON.stringify(events)).not.toMatch(/DONE|"finish_reason":"stop"/u);
    const [call] = await emulator.calls();
    expect(call?.outcome).toEqual({ status: 200, fault: true, stream: "cut", chunks: 3 });
  });

  it("break with an error", async () => {
    await emulator.setFaults([{ cut_after_chunks: 2, cut_error: true }]);
    const response = await emulator.raw(LLAMA, inputs);
    await expect(response.text()).rejects.toThrow();
  });

  it("stall", async () => {
    await emulator.setFaults([{ cut_after_chunks: 2, hang: true }]);
    const reader = (await emulator.raw(LLAMA, inputs)).body?.getReader();
    let text = "";
    while (text.split("\n\n").length < 3) {
      text += new TextDecoder().decode((await reader?.read())?.value);
    }
    const waited = new Promise((resolve) => setTimeout(resolve, 200, "waiting"));
    expect(await Promise.race([reader?.read(), waited])).toBe("waiting");
    await reader?.cancel();
  });

  it("tell when the reader went away", async () => {
    await emulator.setFaults([{ chunk_delay_ms: 50 }]);
    const reader = (await emulator.raw(LLAMA, inputs)).body?.getReader();
    await reader?.read();
    await reader?.cancel();
    await expect
      .poll(async () => (await emulator.calls())[0]?.outcome.stream, { timeout: 3_000 })
      .toBe("cancelled");
  });
});

describe("directives in the prompt", () => {
  it.each([
    ["[[emulator status=500]] hello", LLAMA, 500],
    ["hello [[emulator code=3040]]", LLAMA, 429],
    ["[[emulator model=@cf/qwen/* status=500]] hello", QWEN, 500],
    ["[[emulator model=@cf/qwen/* status=500]] hello", LLAMA, 200],
    ["[[emulator model=@cf/qwen/* status=500]][[emulator model=openai/* status=503]] x", GPT, 503],
    ["[[emulator nonsense=1]] hello", LLAMA, 400],
    ["[[emulator status=999]] hello", LLAMA, 400],
  ])("%s on %s gives %i", async (text, model, status) => {
    expect((await emulator.raw(model, ask(text))).status).toBe(status);
  });

  it("are not part of the question", async () => {
    const { response } = await emulator.run(LLAMA, ask("hello [[emulator delay=1]]"));
    expect(response).toBe("You asked: hello");
  });

  it("count times per distinct text", async () => {
    const statuses: number[] = [];
    for (const text of ["[[emulator status=500 times=1]]", "[[emulator status=503 times=1]]"]) {
      for (const _ of [1, 2]) statuses.push((await emulator.raw(LLAMA, ask(text))).status);
    }
    expect(statuses).toEqual([500, 200, 503, 200]);
  });

  it("cut a stream, by error too", async () => {
    const cut = ask("[[emulator cut=2]] a b c d e", { stream: true });
    expect(await readEvents(await emulator.raw(LLAMA, cut))).toHaveLength(2);
    const broken = ask("[[emulator cut=2,error]] a b c d e", { stream: true });
    await expect((await emulator.raw(LLAMA, broken)).text()).rejects.toThrow();
  });

  it("reach embeddings only by name", async () => {
    const general = await emulator.raw(EMBED, { text: "[[emulator status=500]] hello" });
    expect(general.status).toBe(200);
    const named = await emulator.raw(EMBED, { text: ["[[emulator model=*bge-m3 code=3040]] hi"] });
    expect(named.status).toBe(429);
  });
});

describe("recorded calls", () => {
  it("hold model, inputs, options and outcome, most recent last", async () => {
    const gateway = { id: "default", collectLog: false, skipCache: true };
    await emulator.raw(GPT, ask("first"), { gateway });
    await emulator.raw("@cf/no/model", ask("second"));
    const calls = await emulator.calls();
    expect(calls.map((call) => call.model)).toEqual([GPT, "@cf/no/model"]);
    expect(calls[0]).toMatchObject({
      inputs: ask("first"),
      options: { gateway, returnRawResponse: true },
      outcome: { status: 200, fault: false },
    });
    expect(calls[1]?.outcome).toEqual({ status: 400, code: 5007, fault: false });
    expect(Math.abs(Date.now() - (calls[0]?.at ?? 0))).toBeLessThan(60_000);
    expect(await emulator.calls({ model: "openai/*" })).toHaveLength(1);
    expect(await emulator.calls({ since: Date.now() + 60_000 })).toEqual([]);
    await emulator.clearCalls();
    expect(await emulator.calls()).toEqual([]);
  });

  it("leave out what is too big", async () => {
    await emulator.raw(LLAMA, ask("x".repeat(2_000_000)));
    expect((await emulator.calls())[0]?.inputs).toBe("[more than 1 MiB]");
  });

  it("keep the last thousand", async () => {
    for (let batch = 0; batch < 21; batch += 1) {
      await Promise.all(Array.from({ length: 50 }, () => emulator.raw("@cf/x/y", { batch })));
    }
    const calls = await emulator.calls();
    expect(calls).toHaveLength(1_000);
    expect(calls.at(-1)?.inputs).toEqual({ batch: 20 });
    expect(calls[0]?.inputs).toEqual({ batch: 1 });
  });
});
