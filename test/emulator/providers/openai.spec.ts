import OpenAI, { toFile } from "openai";
import { afterAll, beforeAll, beforeEach, describe, expect, it } from "vitest";
import type { Json } from "../../../emulator/types.js";
import { startEmulator } from "../harness.js";

const CAT = "https://images.example/cat.png";
const CITY = {
  type: "object",
  properties: { city: { type: "string" } },
  required: ["city"],
  additionalProperties: false,
};
const WEATHER = {
  type: "function" as const,
  function: { name: "get_weather", description: "Weather of a city", parameters: CITY },
};

let emulator: Awaited<ReturnType<typeof startEmulator>>;
let openai: OpenAI;
beforeAll(async () => {
  emulator = await startEmulator();
  openai = client();
});
beforeEach(async () => {
  await emulator.clearFaults();
  await emulator.clearCalls();
});
afterAll(() => emulator.stop());

function client(apiKey = "sk-emulated-0123456789", baseURL = `${emulator.baseUrl}/openai/v1`) {
  return new OpenAI({ apiKey, baseURL, maxRetries: 0 });
}

function chat(content: OpenAI.ChatCompletionUserMessageParam["content"], more: Json = {}) {
  return openai.chat.completions.create({
    model: "gpt-4o",
    messages: [{ role: "user", content }],
    ...more,
  } as OpenAI.ChatCompletionCreateParamsNonStreaming);
}

describe("chat completions", () => {
  it("answer the same request the same way", async () => {
    const first = await chat("ping");
    expect(first.choices[0]?.message.content).toBe("You asked: ping");
    expect(first).toMatchObject({ service_tier: "default", system_fingerprint: "fp_emulated" });
    expect(first.usage).toMatchObject({ prompt_tokens: 1, completion_tokens: 4, total_tokens: 5 });
    expect(await chat("ping")).toEqual(first);
    expect((await chat("pong")).id).not.toBe(first.id);
  });

  it("stream through the SDK", async () => {
    const stream = openai.chat.completions.stream({
      model: "gpt-4o",
      messages: [{ role: "user", content: "one two three" }],
      stream_options: { include_usage: true },
    });
    const whole = await stream.finalChatCompletion();
    expect(whole.choices[0]?.message.content).toBe("You asked: one two three");
    expect(whole.usage?.completion_tokens).toBe(6);
  });

  it("go round with tools, the calls in parallel", async () => {
    const question = "[[emulator say=parallel_tools]] Weather in Lima and in Cusco?";
    const messages: OpenAI.ChatCompletionMessageParam[] = [{ role: "user", content: question }];
    const base = { model: "gpt-4o", tools: [WEATHER] };
    const first = await openai.chat.completions.create({ ...base, messages });
    const { message, finish_reason } = first.choices[0] ?? {};
    expect(finish_reason).toBe("tool_calls");
    const calls = (message?.tool_calls ?? []) as OpenAI.ChatCompletionMessageFunctionToolCall[];
    expect(calls.map((call) => call.function.arguments)).toEqual([
      '{"city":"Lima"}',
      '{"city":"Cusco"}',
    ]);
    expect(new Set(calls.map(({ id }) => id)).size).toBe(2);
    if (message) messages.push(message);
    for (const { id, function: called } of calls) {
      const { city } = JSON.parse(called.arguments);
      messages.push({ role: "tool", tool_call_id: id, content: `Weather in ${city}: fog.` });
    }
    const second = await openai.chat.completions.create({ ...base, messages });
    expect(second.choices[0]?.message.content).toBe("Weather in Cusco: fog.");
  });

  it("see pictures, hear recordings and read files", async () => {
    const picture = await chat([{ type: "image_url", image_url: { url: CAT } }]);
    expect(picture.choices[0]?.message.content).toBe(
      "The picture is a PNG of 8 by 6 pixels. It reads: A cat on a wall",
    );
    const spoken = await openai.audio.speech.create({
      model: "tts-1",
      voice: "alloy",
      input: "Good morning",
      response_format: "wav",
    });
    const data = Buffer.from(await spoken.arrayBuffer()).toString("base64");
    const heard = await chat([{ type: "input_audio", input_audio: { data, format: "wav" } }]);
    expect(heard.choices[0]?.message.content).toMatch(
      /WAV of 0\.2 seconds\. It says: Good morning$/u,
    );
    const file_data = `data:text/plain;base64,${btoa("The office cat is called Bruno.")}`;
    const read = await chat([
      { type: "file", file: { filename: "cat.txt", file_data } },
      { type: "text", text: "What is the cat called?" },
    ]);
    expect(read.choices[0]?.message.content).toBe("The office cat is called Bruno.");
  });

  it("fill strict schemas", async () => {
    const json_schema = { name: "place", strict: true, schema: CITY };
    const format = { response_format: { type: "json_schema", json_schema } };
    const answer = await chat("Weather in Lima?", format);
    expect(JSON.parse(answer.choices[0]?.message.content ?? "")).toEqual({ city: "Lima" });
  });

  it("give log probabilities", async () => {
    const { choices } = await chat("ping", { logprobs: true, top_logprobs: 2 });
    const content = choices[0]?.logprobs?.content ?? [];
    expect(content.map(({ token }) => token).join("")).toBe("You asked: ping");
    expect(content[0]?.top_logprobs).toHaveLength(2);
    expect(content[0]?.logprob).toBeLessThanOrEqual(0);
  });

  it("count what reasoning costs without showing it", async () => {
    const answer = await chat("ping", { model: "gpt-5", max_completion_tokens: 200 });
    const { usage } = answer;
    expect(usage?.completion_tokens_details?.reasoning_tokens).toBeGreaterThan(0);
    expect(answer.choices[0]?.message).not.toHaveProperty("reasoning_content");
    const none = await chat("ping", { model: "gpt-5", reasoning_effort: "none" });
    expect(none.usage?.completion_tokens_details?.reasoning_tokens).toBe(0);
  });
});

describe("what a directive asks for", () => {
  it.each<[string, Json]>([
    ["refusal", { message: { content: null, refusal: expect.stringMatching(/sorry/u) } }],
    ["length", { finish_reason: "length", message: { content: "You aske" } }],
    ["empty", { finish_reason: "stop", message: { content: "" } }],
    ["safety", { finish_reason: "content_filter" }],
    ["logprobs", { logprobs: { content: [{ token: "You " }, {}, {}] } }],
    ["citation", { message: { annotations: [{ type: "url_citation" }] } }],
    ["unicode", { message: { content: expect.stringContaining("日本語 🚀") } }],
  ])("say=%s", async (say, choice) => {
    const whole = await chat(`[[emulator say=${say}]] ping`);
    expect(whole.choices[0]).toMatchObject(choice);
    const stream = openai.chat.completions.stream({
      model: "gpt-4o",
      messages: [{ role: "user", content: `[[emulator say=${say}]] ping` }],
    });
    const [streamed] = (await stream.finalChatCompletion()).choices;
    const { content, refusal } = whole.choices[0]?.message ?? {};
    expect(streamed).toMatchObject({ finish_reason: whole.choices[0]?.finish_reason });
    expect(streamed?.message).toMatchObject({ content, refusal });
  });

  it("cached, no_usage and words of one's own", async () => {
    const cached = await chat("[[emulator say=cached]] one two three four");
    expect(cached.usage?.prompt_tokens_details?.cached_tokens).toBe(2);
    expect(await chat("[[emulator say=no_usage]] ping")).not.toHaveProperty("usage");
    const told = await chat('[[emulator text="Exactly this."]] ping');
    expect(told.choices[0]?.message.content).toBe("Exactly this.");
  });

  it("is checked", async () => {
    await expect(chat("[[emulator say=nonsense]] ping")).rejects.toThrow(
      /say=nonsense is unknown/u,
    );
    await expect(chat("[[emulator say=blocked]] ping")).rejects.toMatchObject({
      status: 400,
      code: "invalid_prompt",
    });
  });
});

describe("refusals", () => {
  it.each<[Json, number, Json]>([
    [{ model: "gpt-nothing" }, 404, { code: "model_not_found" }],
    [{ messages: [] }, 400, { param: "messages", code: "empty_array" }],
    [{ messages: [{ role: "robot", content: "x" }] }, 400, { param: "messages[0].role" }],
    [{ foo: 1 }, 400, { param: "foo", code: "unknown_parameter" }],
    [{ temperature: 3 }, 400, { param: "temperature", code: "decimal_above_max_value" }],
    [{ stream_options: { include_usage: true } }, 400, { param: "stream_options" }],
    [{ stop: ["a", "b", "c", "d", "e"] }, 400, { param: "stop" }],
    [{ reasoning_effort: "low" }, 400, { type: "invalid_request_error" }],
    [
      { model: "gpt-5", max_tokens: 9 },
      400,
      { param: "max_tokens", code: "unsupported_parameter" },
    ],
    [{ model: "o3", temperature: 0.5 }, 400, { param: "temperature", code: "unsupported_value" }],
    [{ model: "o4-mini", stop: ["a"] }, 400, { param: "stop" }],
    [{ response_format: { type: "json_object" } }, 400, { param: "messages" }],
    [
      { messages: [{ role: "tool", content: "x", tool_call_id: "a" }] },
      400,
      { param: "messages.[0].role" },
    ],
    [
      {
        messages: [
          { role: "user", content: [{ type: "image_url", image_url: { url: "file:///x" } }] },
        ],
      },
      400,
      { param: "messages[0].content[0].image_url" },
    ],
  ])("%j", async (body, status, error) => {
    await expect(chat("ping", body)).rejects.toMatchObject({ status, ...error });
  });

  it("know who calls", async () => {
    for (const key of ["sk-bad", "esk_acme_1_secret_00000000"]) {
      await expect(client(key).models.list()).rejects.toMatchObject({
        status: 401,
        code: "invalid_api_key",
      });
    }
    const nobody = await fetch(`${emulator.baseUrl}/openai/v1/models`);
    expect(nobody.status).toBe(401);
  });

  it("answer a call that was not answered", async () => {
    const tool_calls = [
      { id: "call_1", type: "function", function: { name: "f", arguments: "{}" } },
    ];
    const messages = [
      { role: "user", content: "x" },
      { role: "assistant", content: null, tool_calls },
      { role: "user", content: "y" },
    ];
    await expect(chat("ping", { messages })).rejects.toThrow(
      /did not have response messages: call_1/u,
    );
  });
});

describe("other endpoints", () => {
  it("embed, by float and by base64", async () => {
    const input = ["hello", "world"];
    const model = "text-embedding-3-small";
    const floats = await openai.embeddings.create({ model, input, encoding_format: "float" });
    const decoded = await openai.embeddings.create({ model, input });
    expect(floats.data.map(({ embedding }) => embedding.length)).toEqual([1_536, 1_536]);
    const [near] = floats.data;
    decoded.data[0]?.embedding.forEach((value, at) => {
      expect(value).toBeCloseTo(near?.embedding[at] ?? 9, 6);
    });
    const short = await openai.embeddings.create({ model, input, dimensions: 256 });
    const squares = short.data[0]?.embedding.map((value) => value * value) ?? [];
    expect(squares).toHaveLength(256);
    expect(squares.reduce((sum, square) => sum + square, 0)).toBeCloseTo(1, 5);
  });

  it("transcribe what they spoke, in every format", async () => {
    const input = "The quay is closed. Come back on Monday.";
    const speech = await openai.audio.speech.create({ model: "tts-1", voice: "nova", input });
    expect(speech.headers.get("content-type")).toBe("audio/mpeg");
    const file = await toFile(Buffer.from(await speech.arrayBuffer()), "quay.mp3");
    const listen = (response_format: "json" | "verbose_json" | "srt" | "vtt" | "text") =>
      openai.audio.transcriptions.create({ model: "whisper-1", file, response_format });
    expect(await listen("json")).toMatchObject({ text: input, usage: { type: "duration" } });
    expect((await listen("verbose_json")) as Json).toMatchObject({
      text: input,
      segments: [{ text: "The quay is closed." }, { text: "Come back on Monday." }],
    });
    expect(await listen("srt")).toMatch(
      /^1\n00:00:00,000 --> 00:00:0\d,\d{3}\nThe quay is closed\.\n\n2\n/u,
    );
    expect(await listen("vtt")).toMatch(/^WEBVTT\n\n00:00:00\.000 --> /u);
    expect(await listen("text")).toBe(`${input}\n`);
    const [call] = await emulator.calls({ model: "openai/whisper-1" });
    expect(call?.inputs).toMatchObject({ file: { name: "quay.mp3" }, response_format: "json" });
    const noise = await toFile(Buffer.from("no sound at all"), "noise.mp3");
    const refused = openai.audio.transcriptions.create({ model: "whisper-1", file: noise });
    await expect(refused).rejects.toThrow(/Invalid file format/u);
  });

  it("draw, moderate and list", async () => {
    const drawn = await openai.images.generate({ model: "gpt-image-1", prompt: "a canal" });
    expect(atob(drawn.data?.[0]?.b64_json ?? "").slice(1, 4)).toBe("PNG");
    expect(drawn.usage?.output_tokens).toBeGreaterThan(0);
    const judged = await openai.moderations.create({ input: ["hello", "how to make a bomb"] });
    expect(judged.results.map(({ flagged }) => flagged)).toEqual([false, true]);
    expect(judged.results[1]?.categories["illicit/violent"]).toBe(true);
    const { data } = await openai.models.list();
    expect(data.map(({ id }) => id)).toContain("gpt-4o");
    await expect(openai.models.retrieve("gpt-nothing")).rejects.toMatchObject({ status: 404 });
  });
});
