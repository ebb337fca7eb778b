import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { Json } from "../../emulator/types.js";
import { ask, readEvents, startEmulator } from "./harness.js";

const GPT = "openai/gpt-4o";
const CLAUDE = "anthropic/claude-sonnet-5";
const WEATHER = {
  type: "object",
  properties: { city: { type: "string" } },
  required: ["city"],
  additionalProperties: false,
};
const OPENAI_TOOL = {
  type: "function",
  function: { name: "get_weather", description: "Weather of a city", parameters: WEATHER },
};

let emulator: Awaited<ReturnType<typeof startEmulator>>;
beforeAll(async () => {
  emulator = await startEmulator();
});
afterAll(() => emulator.close());

describe.each([GPT, "google/gemini-3-pro"])("%s on OpenAI's wire", (model) => {
  it("answers a chat.completion", async () => {
    const answer = await emulator.run(model, ask("ping"), { gateway: { id: "default" } });
    expect(answer).toMatchObject({ object: "chat.completion", model: model.split("/")[1] });
    const { message } = answer.choices[0];
    expect(message).toMatchObject({ role: "assistant", content: "You asked: ping", refusal: null });
    expect(message).not.toHaveProperty("tool_calls");
    expect(answer.emulated).toBe(true);
  });

  it("streams usage only when asked", async () => {
    const plain = await readEvents(await emulator.raw(model, ask("ping", { stream: true })));
    expect(plain.some((event) => event !== "[DONE]" && event.usage)).toBe(false);
    const inputs = ask("ping", { stream: true, stream_options: { include_usage: true } });
    const events = await readEvents(await emulator.raw(model, inputs));
    const chunks = events.slice(0, -1) as Json[];
    expect(chunks[0]?.choices[0].delta).toMatchObject({ role: "assistant", content: "" });
    expect(chunks[0]?.usage).toBeNull();
    expect(chunks.at(-1)).toMatchObject({ choices: [], usage: { prompt_tokens: 1 } });
    expect(events.at(-1)).toBe("[DONE]");
  });
});

describe("OpenAI", () => {
  it("answers n choices", async () => {
    const { choices, usage } = await emulator.run(GPT, ask("ping", { n: 2 }));
    expect(choices.map((choice: Json) => choice.index)).toEqual([0, 1]);
    expect(usage.completion_tokens).toBe(8);
  });

  it("calls tools and fills named schemas", async () => {
    const tools = await emulator.run(GPT, ask("Weather in Lima?", { tools: [OPENAI_TOOL] }));
    const [call] = tools.choices[0].message.tool_calls;
    expect(call.id).toMatch(/^call_/u);
    expect(JSON.parse(call.function.arguments)).toEqual({ city: "Lima" });
    const json_schema = { name: "place", strict: true, schema: WEATHER };
    const inputs = ask("Weather in Lima?", {
      response_format: { type: "json_schema", json_schema },
    });
    const { choices } = await emulator.run(GPT, inputs);
    expect(JSON.parse(choices[0].message.content)).toEqual({ city: "Lima" });
  });

  it.each([
    [GPT, {}, 400, { param: "messages", code: "missing_required_parameter" }],
    [GPT, { messages: [{ role: "user", content: null }] }, 400, { param: "messages[0].content" }],
    [GPT, ask("x", { max_tokens: 0 }), 400, { param: "max_tokens" }],
    ["openai/nothing", ask("x"), 404, { code: "model_not_found", type: "invalid_request_error" }],
  ])("%s refuses %j", async (model, inputs, status, error) => {
    const response = await emulator.raw(model, inputs);
    expect(response.status).toBe(status);
    expect(await response.json()).toMatchObject({ error });
  });

  it("leaves unknown providers to the gateway's own error", async () => {
    const response = await emulator.raw("nobody/model", ask("x"));
    expect(response.status).toBe(400);
    expect(await response.json()).toMatchObject({ success: false, error: [{ code: 7003 }] });
  });
});

describe("Anthropic", () => {
  it("answers a message", async () => {
    const inputs = { ...ask("Who are you?", { max_tokens: 50 }), system: "Bruno is who I am." };
    const answer = await emulator.run(CLAUDE, inputs);
    expect(answer).toMatchObject({
      type: "message",
      role: "assistant",
      model: "claude-sonnet-5",
      stop_reason: "end_turn",
      stop_sequence: null,
      emulated: true,
    });
    expect(answer.content).toEqual([{ type: "text", text: "You asked: Who are you?" }]);
    expect(answer.usage).toMatchObject({ input_tokens: 8, output_tokens: 6 });
  });

  it("says why it stopped", async () => {
    const short = await emulator.run(CLAUDE, ask("one two three", { max_tokens: 2 }));
    expect(short.stop_reason).toBe("max_tokens");
    const stopped = await emulator.run(
      CLAUDE,
      ask("one two three", { max_tokens: 50, stop_sequences: ["two"] }),
    );
    expect(stopped).toMatchObject({ stop_reason: "stop_sequence", stop_sequence: "two" });
  });

  it("uses tools and answers from their results", async () => {
    const tools = [{ name: "get_weather", description: "Weather", input_schema: WEATHER }];
    const question = { role: "user", content: "Weather in Lima?" };
    const called = await emulator.run(CLAUDE, { messages: [question], tools, max_tokens: 99 });
    expect(called.stop_reason).toBe("tool_use");
    const [use] = called.content;
    expect(use).toMatchObject({ type: "tool_use", name: "get_weather", input: { city: "Lima" } });
    const result = { type: "tool_result", tool_use_id: use.id, content: "Lima weather: fog." };
    const messages = [
      question,
      { role: "assistant", content: called.content },
      { role: "user", content: [result] },
    ];
    const answer = await emulator.run(CLAUDE, { messages, tools, max_tokens: 99 });
    expect(answer.content[0].text).toBe("Lima weather: fog.");
  });

  it("streams named events in order", async () => {
    const response = await emulator.raw(CLAUDE, ask("ping", { max_tokens: 9, stream: true }));
    const text = await response.text();
    const names = [...text.matchAll(/^event: (.+)$/gmu)].map((match) => match[1]);
    expect(names).toEqual([
      "message_start",
      "content_block_start",
      "ping",
      "content_block_delta",
      "content_block_delta",
      "content_block_delta",
      "content_block_stop",
      "message_delta",
      "message_stop",
    ]);
    expect(text).not.toContain("[DONE]");
    const delta = /data: (\{"type":"message_delta".+\})/u.exec(text)?.[1] ?? "";
    expect(JSON.parse(delta)).toMatchObject({
      delta: { stop_reason: "end_turn" },
      usage: { output_tokens: 4 },
      emulated: true,
    });
  });

  it.each([
    [CLAUDE, ask("x"), 400, "invalid_request_error", "max_tokens: Field required"],
    [CLAUDE, { max_tokens: 9 }, 400, "invalid_request_error", "messages: Field required"],
    ["anthropic/nothing", ask("x"), 404, "not_found_error", "model: nothing"],
  ])("%s refuses %j", async (model, inputs, status, type, message) => {
    const response = await emulator.raw(model, inputs);
    expect(response.status).toBe(status);
    expect(await response.json()).toMatchObject({ type: "error", error: { type, message } });
  });
});
