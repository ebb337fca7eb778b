import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { Json } from "../../emulator/types.js";
import { ask, readEvents, startEmulator } from "./harness.js";

const LLAMA = "@cf/meta/llama-3.3-70b-instruct-fp8-fast";
const DEEPSEEK = "@cf/deepseek-ai/deepseek-r1-distill-qwen-32b";
const QWEN = "@cf/qwen/qwen3-30b-a3b-fp8";
const NATIVE = ["@cf/meta/llama-3.1-8b-instruct-fast", LLAMA, DEEPSEEK];
const COMPLETIONS = [
  QWEN,
  "@cf/openai/gpt-oss-120b",
  "@cf/openai/gpt-oss-20b",
  "@cf/zai-org/glm-4.7-flash",
  "@cf/google/gemma-4-26b-a4b-it",
];

const HANDBOOK =
  "You are the assistant of Nimbus.\n" +
  "Parcels are returned free of charge within 30 days. The warehouse opens at 9 in the morning. " +
  "Las devoluciones tardan cinco días hábiles.";

const WEATHER = {
  name: "get_weather",
  description: "Current weather forecast for a city",
  parameters: {
    type: "object",
    properties: { city: { type: "string" }, unit: { enum: ["celsius", "fahrenheit"] } },
    required: ["city", "unit"],
  },
};
const TICKET = {
  type: "function",
  function: {
    name: "open_ticket",
    description: "Opens a support ticket about a broken product",
    parameters: { type: "object", properties: { subject: { type: "string" } } },
  },
};

let emulator: Awaited<ReturnType<typeof startEmulator>>;
beforeAll(async () => {
  emulator = await startEmulator();
});
afterAll(() => emulator.close());

function grounded(question: string) {
  return {
    messages: [
      { role: "system", content: HANDBOOK },
      { role: "user", content: question },
    ],
  };
}

describe("answers", () => {
  it.each([
    ["How are parcels returned?", "Parcels are returned free of charge within 30 days."],
    ["¿Cuánto tarda una devolución?", "Las devoluciones tardan cinco días hábiles."],
    ["When does the warehouse open?", "The warehouse opens at 9 in the morning."],
    ["What is the capital of France?", "You asked: What is the capital of France?"],
  ])("quotes the context that answers %s", async (question, answer) => {
    const first = await emulator.run(LLAMA, grounded(question));
    expect(first.response).toBe(answer);
    expect((await emulator.run(LLAMA, grounded(question))).response).toBe(answer);
  });

  it("takes passages from the user message too", async () => {
    const text = "Context:\nThe office cat is called Bruno.\n\nWhat is the cat called?";
    expect((await emulator.run(LLAMA, ask(text))).response).toBe("The office cat is called Bruno.");
  });

  it("quotes what stands under a title, not the title", async () => {
    const passages =
      "Answer the question from the passages.\n\n[1] Returns policy\n" +
      "Parcels go back free of charge. Ask support for a label.\n\n" +
      "[2] Opening hours\nMonday to Friday from 9 to 17";
    const answers = async (question: string) => {
      const system = { role: "system", content: passages };
      const inputs = { messages: [system, { role: "user", content: question }] };
      return (await emulator.run(LLAMA, inputs)).response;
    };
    expect(await answers("What is the returns policy?")).toBe(
      "Parcels go back free of charge. Ask support for a label.",
    );
    expect(await answers("Is it open on Monday?")).toBe("Monday to Friday from 9 to 17");
  });

  it("takes a bare prompt", async () => {
    const { response } = await emulator.run(LLAMA, { prompt: "Hello there" });
    expect(response).toBe("You asked: Hello there");
  });
});

describe("the native shape", () => {
  it.each(NATIVE)("%s answers {response, usage}", async (model) => {
    const answer = await emulator.run(model, ask("ping pong"));
    expect(answer.response).toContain("You asked: ping pong");
    expect(answer.emulated).toBe(true);
    // "ping pong" is nine bytes: three tokens.
    expect(answer.usage.prompt_tokens).toBe(3);
    const { prompt_tokens: prompt, completion_tokens: completion, total_tokens } = answer.usage;
    expect(total_tokens).toBe(prompt + completion);
    expect(answer).not.toHaveProperty("choices");
  });

  it("puts deepseek's reasoning between think tags", async () => {
    const { response } = await emulator.run(DEEPSEEK, ask("ping"));
    expect(response).toMatch(/^<think>\n.+\n<\/think>\n\nYou asked: ping$/su);
  });

  it("streams words, then usage, then [DONE]", async () => {
    const response = await emulator.raw(LLAMA, ask("one two three", { stream: true }));
    expect(response.headers.get("content-type")).toBe("text/event-stream");
    const events = await readEvents(response);
    const pieces = events.slice(0, -2) as Json[];
    expect(pieces.length).toBeGreaterThanOrEqual(5);
    expect(pieces.map((piece) => piece.response).join("")).toBe("You asked: one two three");
    const last = events.at(-2) as Json;
    expect(last).toMatchObject({ finish_reason: "stop", emulated: true });
    expect(last.usage.completion_tokens).toBe(6);
    expect(events.at(-1)).toBe("[DONE]");
  });
});

describe("the chat.completion shape", () => {
  it.each(COMPLETIONS)("%s answers choices with reasoning", async (model) => {
    const answer = await emulator.run(model, ask("ping"));
    const { message, finish_reason } = answer.choices[0];
    expect(message.content).toBe("You asked: ping");
    expect(message.reasoning_content ?? message.reasoning).toMatch(/context/u);
    expect(finish_reason).toBe("stop");
    expect(answer).toMatchObject({ object: "chat.completion", model, emulated: true });
    expect(answer.usage.completion_tokens_details.reasoning_tokens).toBeGreaterThan(0);
  });

  it.each([{ chat_template_kwargs: { enable_thinking: false } }, { reasoning_effort: null }])(
    "does not reason with %j",
    async (inputs) => {
      const answer = await emulator.run(QWEN, ask("ping", inputs));
      expect(answer.choices[0].message).not.toHaveProperty("reasoning_content");
      expect(answer.usage.completion_tokens_details.reasoning_tokens).toBe(0);
    },
  );

  it("streams deltas, always with usage", async () => {
    const response = await emulator.raw(QWEN, ask("one two three", { stream: true }));
    const events = await readEvents(response);
    const chunks = events.slice(0, -1) as Json[];
    const joined = (key: string) => chunks.map((c) => c.choices[0]?.delta[key] ?? "").join("");
    expect(joined("content")).toBe("You asked: one two three");
    expect(joined("reasoning_content")).toMatch(/context/u);
    expect(chunks.at(-2)?.choices[0].finish_reason).toBe("stop");
    expect(chunks.at(-1)).toMatchObject({ choices: [], emulated: true });
    expect(chunks.at(-1)?.usage.total_tokens).toBeGreaterThan(0);
    expect(events.at(-1)).toBe("[DONE]");
  });
});

describe("limits on the output", () => {
  it("stops at max_tokens", async () => {
    const answer = await emulator.run(
      "openai/gpt-4o",
      ask("one two three four", { max_tokens: 3 }),
    );
    expect(answer.choices[0].message.content).toBe("You asked: o");
    expect(answer.choices[0].finish_reason).toBe("length");
    expect(answer.usage.completion_tokens).toBe(3);
  });

  it("never splits a character", async () => {
    const answer = await emulator.run(LLAMA, ask("ñññññññ", { max_tokens: 3 }));
    expect(answer.response).toBe("You asked: ");
  });

  it("stops at a stop sequence", async () => {
    const answer = await emulator.run(LLAMA, ask("one two three", { stop: ["two"] }));
    expect(answer.response).toBe("You asked: one ");
  });
});

describe("tools", () => {
  it.each([
    ["What is the weather in Lima?", "get_weather"],
    ["I want support, my product is broken", "open_ticket"],
  ])("%s picks %s", async (text, name) => {
    const { response, tool_calls: calls } = await emulator.run(
      LLAMA,
      ask(text, { tools: [WEATHER, TICKET] }),
    );
    expect(response).toBe("");
    expect(calls.map((call: Json) => call.name)).toEqual([name]);
  });

  it("fills arguments from the text", async () => {
    const inputs = ask("Weather in Lima, in fahrenheit?", { tools: [WEATHER] });
    const { tool_calls: calls } = await emulator.run(LLAMA, inputs);
    expect(calls).toEqual([
      { name: "get_weather", arguments: { city: "Lima", unit: "fahrenheit" } },
    ]);
  });

  it.each([
    ["none", "What is the weather in Lima?", []],
    ["auto", "Tell me a joke", []],
    ["required", "Tell me a joke", ["get_weather"]],
    [{ type: "function", function: { name: "open_ticket" } }, "Tell me a joke", ["open_ticket"]],
  ])("tool_choice %j", async (choice, text, names) => {
    const inputs = ask(text, { tools: [WEATHER, TICKET], tool_choice: choice });
    const { choices } = await emulator.run(QWEN, inputs);
    const calls: Json[] = choices[0].message.tool_calls ?? [];
    expect(calls.map((call) => call.function.name)).toEqual(names);
    expect(choices[0].finish_reason).toBe(names.length > 0 ? "tool_calls" : "stop");
    for (const call of calls) expect(typeof call.function.arguments).toBe("string");
  });

  it("answers from a tool's result", async () => {
    const messages = [
      { role: "user", content: "What is the weather in Lima?" },
      { role: "assistant", content: "", tool_calls: [] },
      { role: "tool", content: "The weather in Lima is foggy.", tool_call_id: "call_1" },
    ];
    const answer = await emulator.run(LLAMA, { messages, tools: [WEATHER] });
    expect(answer.response).toBe("The weather in Lima is foggy.");
    expect(answer.tool_calls).toEqual([]);
  });

  it("streams a call in both shapes", async () => {
    const inputs = ask("Weather in Lima?", { tools: [WEATHER], stream: true });
    const native = (await readEvents(await emulator.raw(LLAMA, inputs))) as Json[];
    const called = native.find((event) => event.tool_calls);
    expect(called?.tool_calls[0].arguments.city).toBe("Lima");
    const chunks = (await readEvents(await emulator.raw(QWEN, inputs))) as Json[];
    const deltas = chunks.flatMap((chunk) => chunk.choices?.[0]?.delta.tool_calls ?? []);
    expect(deltas[0].function.name).toBe("get_weather");
    const json = deltas.map((delta) => delta.function.arguments).join("");
    expect(JSON.parse(json).city).toBe("Lima");
  });
});

describe("JSON mode", () => {
  const schema = {
    type: "object",
    properties: { city: { type: "string" }, days: { type: "integer", minimum: 2 } },
    required: ["city", "days"],
  };
  const inputs = ask("A trip to Lima of 5 days", {
    response_format: { type: "json_schema", json_schema: schema },
  });

  it("gives an object on native models", async () => {
    expect((await emulator.run(LLAMA, inputs)).response).toEqual({ city: "Lima", days: 5 });
  });

  it("gives JSON text in choices", async () => {
    const { choices } = await emulator.run(QWEN, inputs);
    expect(JSON.parse(choices[0].message.content)).toEqual({ city: "Lima", days: 5 });
  });

  it("gives some object for json_object", async () => {
    const format = { response_format: { type: "json_object" } };
    const { response } = await emulator.run(LLAMA, ask("ping", format));
    expect(JSON.parse(response)).toEqual({ answer: "You asked: ping" });
    const named = ask("A joke as JSON with 'setup' and 'punchline' keys.", format);
    const { response: joke } = await emulator.run(LLAMA, named);
    expect(Object.keys(JSON.parse(joke))).toEqual(["setup", "punchline"]);
  });
});

describe("refusals of Workers AI", () => {
  it.each([
    ["@cf/no/such-model", ask("x"), 400, 5007, /No such model @cf\/no\/such-model/u],
    ["@cf/meta/llama-3.1-8b-instruct", ask("x"), 410, 5028, /deprecated on 2026-05-30/u],
    [LLAMA, {}, 400, 5006, /required properties at '\/' are 'prompt'/u],
    [LLAMA, "text", 400, 5006, /must be an object/u],
    [LLAMA, { messages: [] }, 400, 5006, /messages/u],
    [LLAMA, { messages: [{ role: "user", content: null }] }, 400, 5006, /'null' not in 'string'/u],
    [LLAMA, { messages: [{ role: "robot", content: "x" }] }, 400, 5006, /role/u],
    [LLAMA, ask("x", { max_tokens: -1 }), 400, 5006, /max_tokens/u],
    [LLAMA, ask("x".repeat(100_000)), 413, 5021, /\(25256\).*context window limit \(24000\)/u],
  ])("%s answers %#", async (model, inputs, status, code, message) => {
    const response = await emulator.raw(model, inputs);
    expect(response.status).toBe(status);
    const body = (await response.json()) as Json;
    expect(body).toMatchObject({ success: false, result: [], messages: [], errors: [{ code }] });
    expect(body.errors[0].message).toMatch(message);
    await expect(emulator.run(model, inputs)).rejects.toMatchObject({
      name: "InferenceUpstreamError",
      message: `${code}: ${body.errors[0].message}`,
    });
  });
});

describe("raw responses", () => {
  it("carry status, type and ids", async () => {
    const response = await emulator.raw(LLAMA, ask("x"), { gateway: { id: "default" } });
    expect(response.headers.get("x-result")).toBe("response");
    expect(response.status).toBe(200);
    expect(response.headers.get("content-type")).toBe("application/json");
    expect(response.headers.get("cf-ai-req-id")).toMatch(/^[0-9a-f-]{36}$/u);
    expect(response.headers.get("cf-aig-log-id")).toMatch(/^[0-9a-f-]{36}$/u);
    expect(Object.keys((await response.json()) as Json)).toEqual(["response", "usage", "emulated"]);
  });

  it("are streams without returnRawResponse too", async () => {
    const response = await emulator.call("AI", "run", LLAMA, ask("x", { stream: true }));
    expect(response.headers.get("x-result")).toBe("stream");
    expect((await readEvents(response)).at(-1)).toBe("[DONE]");
  });
});
