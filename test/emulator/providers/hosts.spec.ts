import { AzureOpenAI } from "openai";
import { afterAll, beforeAll, beforeEach, describe, expect, it } from "vitest";
import type { Json } from "../../../emulator/types.js";
import { readEvents, startEmulator } from "../harness.js";

const AZURE = "https://acme.openai.azure.com/openai/deployments";
const VERSION = "api-version=2024-10-21";
const GROQ = "https://api.groq.com/openai/v1";
const MISTRAL = "https://api.mistral.ai/v1";
const DEEPSEEK = "https://api.deepseek.com";
const XAI = "https://api.x.ai/v1";
const OPENROUTER = "https://openrouter.ai/api/v1";
const CEREBRAS = "https://api.cerebras.ai/v1";

let emulator: Awaited<ReturnType<typeof startEmulator>>;
beforeAll(async () => {
  emulator = await startEmulator();
});
beforeEach(async () => {
  await emulator.clearFaults();
  await emulator.clearCalls();
});
afterAll(() => emulator.stop());

function chat(base: string, body: Json, path = "/chat/completions") {
  return emulator.fetch(`${base}${path}`, {
    method: "POST",
    headers: { authorization: "Bearer test-key-0123456789", "api-key": "azure-0123456789" },
    body: JSON.stringify({ messages: [{ role: "user", content: "ping" }], ...body }),
  });
}

describe("every compatible host", () => {
  it.each([
    ["https://api.openai.com/v1", "gpt-4o", "openai/gpt-4o"],
    [GROQ, "llama-3.3-70b-versatile", "groq/llama-3.3-70b-versatile"],
    [MISTRAL, "mistral-large-latest", "mistral/mistral-large-latest"],
    [DEEPSEEK, "deepseek-chat", "deepseek/deepseek-chat"],
    [`${DEEPSEEK}/v1`, "deepseek-chat", "deepseek/deepseek-chat"],
    [XAI, "grok-4", "xai/grok-4"],
    [OPENROUTER, "meta-llama/llama-3.3-70b", "openrouter/meta-llama/llama-3.3-70b"],
    ["https://api.together.xyz/v1", "Qwen/Qwen3", "together/Qwen/Qwen3"],
    [
      "https://api.fireworks.ai/inference/v1",
      "accounts/x/models/y",
      "fireworks/accounts/x/models/y",
    ],
    [CEREBRAS, "llama3.1-8b", "cerebras/llama3.1-8b"],
    ["https://router.huggingface.co/v1", "org/model", "huggingface/org/model"],
  ])("%s answers and streams", async (base, model, target) => {
    const whole = (await (await chat(base, { model })).json()) as Json;
    expect(whole).toMatchObject({ object: "chat.completion", model });
    expect(whole.choices[0].message.content).toBe("You asked: ping");
    const streamed = await chat(base, { model, stream: true });
    const events = (await readEvents(streamed)).filter((event) => event !== "[DONE]" && event);
    const text = (events as Json[]).map((event) => event.choices[0]?.delta.content ?? "").join("");
    expect(text).toBe("You asked: ping");
    const [call] = await emulator.calls();
    expect(call).toMatchObject({ model: target, url: `${base}/chat/completions`, method: "POST" });
    expect(call?.headers?.authorization).toBe("Bearer test-key…6789");
  });

  it("has paths it does not know", async () => {
    const response = await chat(GROQ, { model: "x" }, "/nowhere");
    expect(response.status).toBe(404);
    expect(await response.json()).toMatchObject({ error: { code: "unknown_url" } });
  });
});

describe("Azure", () => {
  it("takes its own SDK", async () => {
    const azure = new AzureOpenAI({
      apiKey: "azure-0123456789",
      apiVersion: "2024-10-21",
      baseURL: `${emulator.baseUrl}/azure/openai`,
      deployment: "chat-prod",
    });
    const messages = [{ role: "user" as const, content: "ping" }];
    const answer = await azure.chat.completions.create({ model: "", messages });
    expect(answer.choices[0]).toMatchObject({
      message: { content: "You asked: ping" },
      content_filter_results: { hate: { filtered: false } },
    });
  });

  it("says first what it found in the prompt, in a chunk without choices", async () => {
    const response = await chat(
      `${AZURE}/chat-prod`,
      { stream: true },
      `/chat/completions?${VERSION}`,
    );
    const [first] = (await readEvents(response)) as Json[];
    expect(first).toMatchObject({ choices: [], prompt_filter_results: [{ prompt_index: 0 }] });
  });

  it.each([
    [`${AZURE}/chat-prod/chat/completions`, {}, 404, { code: "404" }],
    [`${AZURE}/no-such/chat/completions?${VERSION}`, {}, 404, { code: "DeploymentNotFound" }],
    [
      `${AZURE}/chat/chat/completions?${VERSION}`,
      { messages: [{ role: "user", content: "[[emulator say=blocked]] x" }] },
      400,
      { code: "content_filter" },
    ],
  ])("%s %j gives %i", async (url, body, status, error) => {
    const response = await chat(url, body, "");
    expect(response.status).toBe(status);
    expect(await response.json()).toMatchObject({ error });
  });

  it("wants its own header", async () => {
    const response = await emulator.fetch(`${AZURE}/chat/chat/completions?${VERSION}`, {
      method: "POST",
      body: "{}",
    });
    expect(response.status).toBe(401);
    expect(await response.json()).toMatchObject({ error: { code: "401" } });
  });
});

describe("what single hosts refuse", () => {
  const name = [{ role: "user", content: "x", name: "bob" }];
  const call = { id: "call_123", type: "function", function: { name: "f", arguments: "{}" } };
  const image = [
    { role: "user", content: [{ type: "image_url", image_url: { url: "https://x.y/z" } }] },
  ];
  it.each<[string, Json, number, Json]>([
    [
      GROQ,
      { model: "m", logprobs: true },
      400,
      { error: { message: "property 'logprobs' is unsupported" } },
    ],
    [GROQ, { model: "m", logit_bias: {} }, 400, { error: { type: "invalid_request_error" } }],
    [GROQ, { model: "m", n: 2 }, 400, {}],
    [
      GROQ,
      { model: "m", messages: name },
      400,
      { error: { message: expect.stringContaining("'name'") } },
    ],
    [
      MISTRAL,
      { model: "m", max_completion_tokens: 9 },
      422,
      {
        message: { detail: [{ type: "extra_forbidden", loc: ["body", "max_completion_tokens"] }] },
      },
    ],
    [MISTRAL, { model: "m", stream_options: {} }, 422, {}],
    [MISTRAL, { model: "m", logprobs: true }, 422, {}],
    [MISTRAL, { model: "m", messages: name }, 422, {}],
    [
      MISTRAL,
      { model: "m", messages: [{ role: "assistant", content: "", tool_calls: [call] }] },
      400,
      { object: "error", code: "3280" },
    ],
    [
      DEEPSEEK,
      { model: "deepseek-chat", response_format: { type: "json_schema" } },
      400,
      { error: { message: "This response_format type is unavailable now" } },
    ],
    [DEEPSEEK, { model: "deepseek-chat", messages: image }, 400, {}],
    [
      XAI,
      { model: "grok-4", stop: ["x"] },
      400,
      { error: "Argument not supported on this model: stop" },
    ],
    [
      XAI,
      { model: "grok-4", presence_penalty: 1 },
      400,
      { error: expect.stringContaining("presencePenalty") },
    ],
    [
      CEREBRAS,
      { model: "m", logit_bias: {} },
      400,
      { param: "logit_bias", code: "wrong_api_format" },
    ],
    [OPENROUTER, { model: "m", messages: [] }, 400, { error: { code: 400 } }],
  ])("%s %j", async (base, body, status, error) => {
    const response = await chat(base, body);
    expect(response.status).toBe(status);
    expect(await response.json()).toMatchObject(error);
  });
});

it("Mistral takes the ids that it gave", async () => {
  const parameters = { type: "object", properties: { city: { type: "string" } } };
  const tools = [{ type: "function", function: { name: "weather", parameters } }];
  const question = { role: "user", content: "Weather in Lima?" };
  const first = await chat(MISTRAL, { model: "m", tools, messages: [question] });
  const { message } = ((await first.json()) as Json).choices[0];
  const { role, content, tool_calls } = message;
  const result = { role: "tool", tool_call_id: tool_calls[0].id, content: "Fog." };
  const messages = [question, { role, content, tool_calls }, result];
  expect((await chat(MISTRAL, { model: "m", tools, messages })).status).toBe(200);
});

describe("where reasoning goes", () => {
  it.each<[string, string, Json]>([
    [DEEPSEEK, "deepseek-reasoner", { reasoning_content: expect.any(String) }],
    [GROQ, "openai/gpt-oss-120b", { reasoning: expect.any(String) }],
    [OPENROUTER, "deepseek/deepseek-r1", { reasoning: expect.any(String) }],
    [MISTRAL, "magistral-medium-latest", { content: [{ type: "thinking" }, { type: "text" }] }],
  ])("%s %s", async (base, model, message) => {
    const whole = (await (await chat(base, { model })).json()) as Json;
    expect(whole.choices[0].message).toMatchObject(message);
  });

  it("and usage, on Groq and DeepSeek", async () => {
    const groq = (await readEvents(await chat(GROQ, { model: "m", stream: true }))) as Json[];
    expect(groq.find((event) => event.x_groq)?.x_groq.usage.total_tokens).toBe(5);
    const whole = (await (await chat(DEEPSEEK, { model: "deepseek-chat" })).json()) as Json;
    expect(whole.usage).toMatchObject({ prompt_cache_hit_tokens: 0, prompt_cache_miss_tokens: 1 });
  });
});
