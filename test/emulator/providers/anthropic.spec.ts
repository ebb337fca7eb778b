import Anthropic from "@anthropic-ai/sdk";
import { afterAll, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { SAMPLES } from "../../../emulator/media/samples.js";
import type { Json } from "../../../emulator/types.js";
import { startEmulator } from "../harness.js";

const MODEL = "claude-sonnet-5";
const WEATHER: Anthropic.Tool = {
  name: "get_weather",
  description: "Weather of a city",
  input_schema: { type: "object", properties: { city: { type: "string" } }, required: ["city"] },
};
const THINKING = {
  thinking: { type: "enabled", budget_tokens: 1_024 },
  max_tokens: 2_000,
} as const;
const PNG = SAMPLES["/cat.png"]?.base64 ?? "";

let emulator: Awaited<ReturnType<typeof startEmulator>>;
let anthropic: Anthropic;
beforeAll(async () => {
  emulator = await startEmulator();
  anthropic = client("sk-ant-emulated-0123456789");
});
beforeEach(async () => {
  await emulator.clearFaults();
  await emulator.clearCalls();
});
afterAll(() => emulator.stop());

function client(apiKey: string) {
  return new Anthropic({ apiKey, baseURL: `${emulator.baseUrl}/anthropic`, maxRetries: 0 });
}

function ask(content: Anthropic.MessageParam["content"], more: Json = {}) {
  const messages = [{ role: "user" as const, content }];
  return anthropic.messages.create({
    model: MODEL,
    max_tokens: 200,
    messages,
    ...more,
  } as Anthropic.MessageCreateParamsNonStreaming);
}

describe("messages", () => {
  it("are answered the same way each time", async () => {
    const first = await ask("ping", { system: [{ type: "text", text: "Be brief." }] });
    expect(first).toMatchObject({
      type: "message",
      role: "assistant",
      model: MODEL,
      content: [{ type: "text", text: "You asked: ping" }],
      stop_reason: "end_turn",
      usage: { input_tokens: 4, output_tokens: 4, cache_read_input_tokens: 0 },
    });
    expect(await ask("ping", { system: [{ type: "text", text: "Be brief." }] })).toEqual(first);
  });

  it("stream through the SDK", async () => {
    const stream = anthropic.messages.stream({
      model: MODEL,
      max_tokens: 2_000,
      thinking: { type: "enabled", budget_tokens: 1_024 },
      messages: [{ role: "user", content: "one two three" }],
    });
    const types: string[] = [];
    stream.on("streamEvent", (event) => types.push(event.type));
    const whole = await stream.finalMessage();
    expect(whole.content.map(({ type }) => type)).toEqual(["thinking", "text"]);
    expect(whole.content.at(-1)).toMatchObject({ text: "You asked: one two three" });
    expect(types[0]).toBe("message_start");
    expect(types.at(-1)).toBe("message_stop");
    expect(whole.content).toEqual((await ask("one two three", THINKING)).content);
  });

  it("go round with tools and thinking, the calls in parallel", async () => {
    const question = "[[emulator say=parallel_tools]] Weather in Lima and in Cusco?";
    const messages: Anthropic.MessageParam[] = [{ role: "user", content: question }];
    const base = { ...THINKING, model: MODEL, tools: [WEATHER] };
    const first = await anthropic.messages.create({ ...base, messages });
    expect(first.stop_reason).toBe("tool_use");
    const uses = first.content.filter((block) => block.type === "tool_use");
    expect(uses.map(({ input }) => input)).toEqual([{ city: "Lima" }, { city: "Cusco" }]);
    const results = uses.map(({ id }) => ({
      type: "tool_result" as const,
      tool_use_id: id,
      content: [{ type: "text" as const, text: "Weather in Cusco: fog." }],
    }));
    messages.push(
      { role: "assistant", content: first.content },
      { role: "user", content: results },
    );
    const second = await anthropic.messages.create({ ...base, messages });
    expect(second.content.at(-1)).toMatchObject({ type: "text", text: "Weather in Cusco: fog." });

    const unthought = first.content.filter((block) => block.type !== "thinking");
    messages[1] = { role: "assistant", content: unthought };
    await expect(anthropic.messages.create({ ...base, messages })).rejects.toThrow(
      /messages\.1\.content\.0\.type: Expected `thinking` or `redacted_thinking`/u,
    );
  });

  it.each([
    [
      "reasoning",
      "thinking",
      { thinking: "Something else." },
      /Invalid `signature` in `thinking` block/u,
    ],
    ["redacted", "redacted_thinking", { data: "changed" }, /Invalid `data`/u],
  ])("refuse changed thoughts: say=%s", async (say, type, change, message) => {
    const { content } = await ask(`[[emulator say=${say}]] ping`);
    expect(content[0]?.type).toBe(type);
    const turns = (blocks: unknown) => ({
      messages: [
        { role: "user", content: "ping" },
        { role: "assistant", content: blocks },
        { role: "user", content: "and pong" },
      ],
    });
    expect((await ask("", turns(content))).stop_reason).toBe("end_turn");
    const changed = [{ ...content[0], ...change }, ...content.slice(1)];
    await expect(ask("", turns(changed))).rejects.toThrow(message);
  });

  it("write a marked prefix to the cache, then read it", async () => {
    const text = "The warehouse opens at nine. ".repeat(20);
    const system = [{ type: "text", text, cache_control: { type: "ephemeral" } }];
    const first = await ask("When does it open?", { system });
    const second = await ask("When does it close?", { system });
    const written = first.usage.cache_creation_input_tokens ?? 0;
    expect(written).toBeGreaterThan(100);
    expect(first.usage).toMatchObject({ cache_read_input_tokens: 0, input_tokens: 5 });
    expect(second.usage).toMatchObject({
      cache_creation_input_tokens: 0,
      cache_read_input_tokens: written,
      input_tokens: 5,
    });
    await emulator.clearFaults();
    const third = await ask("When does it close?", { system });
    expect(third.usage.cache_creation_input_tokens).toBe(written);
  });

  it("cite documents and see pictures", async () => {
    const source = {
      type: "text",
      media_type: "text/plain",
      data: "Rivers run. The lock is 9 m wide.",
    };
    const document = { type: "document", source, title: "Lock", citations: { enabled: true } };
    const question = { type: "text", text: "[[emulator say=citation]] How wide is the lock?" };
    const cited = await ask([document, question] as Anthropic.ContentBlockParam[]);
    expect(cited.content[0]).toMatchObject({
      text: "The lock is 9 m wide.",
      citations: [{ type: "char_location", document_title: "Lock", start_char_index: 12 }],
    });
    const lines = ["(The lock) Tj", "[(is nine ) -20 (metres wide.)] TJ"].join("\n");
    const pdf = btoa(`%PDF-1.4\n1 0 obj\n<<>>\nstream\n${lines}\nendstream\n%%EOF`);
    const paper = { type: "base64", media_type: "application/pdf", data: pdf };
    const read = await ask([
      { type: "document", source: paper },
      { type: "text", text: "Is the lock nine metres?" },
    ] as Anthropic.ContentBlockParam[]);
    expect(read.content[0]).toMatchObject({ text: expect.stringContaining("nine metres wide.") });
    const picture = (media_type: string) => [
      { type: "image", source: { type: "base64", media_type, data: PNG } },
    ];
    const seen = await ask(picture("image/png") as Anthropic.ContentBlockParam[]);
    expect(seen.content[0]).toMatchObject({ text: expect.stringMatching(/PNG of 8 by 6 pixels/u) });
    await expect(ask(picture("image/jpeg") as Anthropic.ContentBlockParam[])).rejects.toThrow(
      /appears to be a image\/png image/u,
    );
  });

  it("fill schemas and count tokens", async () => {
    const format = { type: "json_schema", schema: WEATHER.input_schema };
    const { content } = await ask("Weather in Lima?", { output_config: { format } });
    expect(content).toEqual([{ type: "text", text: '{"city":"Lima"}' }]);
    const messages = [{ role: "user" as const, content: "ping" }];
    expect(await anthropic.messages.countTokens({ model: MODEL, messages })).toMatchObject({
      input_tokens: 1,
    });
  });

  it.each([
    ["refusal", { stop_reason: "refusal" }],
    ["length", { stop_reason: "max_tokens" }],
    ["empty", { stop_reason: "end_turn", content: [] }],
    ["citation", { content: [{ citations: [{ type: "web_search_result_location" }] }] }],
    ["cached", { usage: { cache_read_input_tokens: 2, input_tokens: 2 } }],
  ])("say=%s", async (say, answer) => {
    expect(await ask(`[[emulator say=${say}]] one two three`)).toMatchObject(answer);
  });
});

describe("refusals", () => {
  const turn = (content: unknown, role = "user") => ({ messages: [{ role, content }] });
  it.each<[Json, number, RegExp]>([
    [{ model: "claude-nothing" }, 404, /not_found_error.*model: claude-nothing/u],
    [{ max_tokens: undefined }, 400, /max_tokens: Field required/u],
    [{ max_tokens: 0 }, 400, /max_tokens: Input should be greater than or equal to 1/u],
    [{ messages: [] }, 400, /at least one message is required/u],
    [{ frequency_penalty: 1 }, 400, /frequency_penalty: Extra inputs are not permitted/u],
    [{ temperature: 1.5 }, 400, /temperature: range: 0\.\.1/u],
    [{ temperature: 0.5, top_p: 0.5 }, 400, /cannot both be specified/u],
    [{ metadata: { org: "x" } }, 400, /metadata\.org: Extra inputs/u],
    [{ ...THINKING, max_tokens: 1_000 }, 400, /must be greater than `thinking\.budget_tokens`/u],
    [turn("x", "system"), 400, /Unexpected role/u],
    [turn([{ type: "text", text: "" }]), 400, /text content blocks must be non-empty/u],
    [
      turn([{ type: "input_text", text: "x" }]),
      400,
      /messages\.0\.content\.0: Input tag 'input_text'/u,
    ],
    [
      turn([{ type: "tool_result", tool_use_id: "toolu_1", content: "x" }]),
      400,
      /unexpected `tool_use_id` found in `tool_result` blocks: toolu_1/u,
    ],
    [{ tool_choice: { type: "any" } }, 400, /may only be specified while providing `tools`/u],
  ])("%j", async (body, status, message) => {
    const refused = ask("ping", body);
    await expect(refused).rejects.toMatchObject({ status });
    await expect(refused).rejects.toThrow(message);
  });

  it("know who calls and in which version", async () => {
    await expect(
      client("sk-wrong").messages.create({ model: MODEL, max_tokens: 9, messages: [] }),
    ).rejects.toBeInstanceOf(Anthropic.AuthenticationError);
    const response = await fetch(`${emulator.baseUrl}/anthropic/v1/messages`, {
      method: "POST",
      headers: { "x-api-key": "sk-ant-1" },
      body: "{}",
    });
    expect(response.status).toBe(400);
    expect(await response.json()).toMatchObject({
      error: { message: "anthropic-version: header is required" },
    });
  });

  it("come in the middle of a stream too", async () => {
    await emulator.setFaults([{ model: "anthropic/*", cut_after_chunks: 4, cut_event: true }]);
    const stream = anthropic.messages.stream({
      model: MODEL,
      max_tokens: 99,
      messages: [{ role: "user", content: "one two three" }],
    });
    await expect(stream.finalMessage()).rejects.toThrow(/overloaded_error.*Overloaded/u);
  });
});
