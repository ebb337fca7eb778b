import { afterAll, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { SAMPLES } from "../../../emulator/media/samples.js";
import type { Json } from "../../../emulator/types.js";
import { readEvents, startEmulator } from "../harness.js";

const MODEL = "gemini-3-pro";
const WEATHER = {
  name: "get_weather",
  description: "Weather of a city",
  parameters: { type: "OBJECT", properties: { city: { type: "STRING" } }, required: ["city"] },
};

let emulator: Awaited<ReturnType<typeof startEmulator>>;
beforeAll(async () => {
  emulator = await startEmulator();
});
beforeEach(() => emulator.clearFaults());
afterAll(() => emulator.stop());

async function post(method: string, body: unknown, key = "AIza-emulated-0123456789") {
  const url = `${emulator.baseUrl}/google/v1beta/models/${method}`;
  const headers = { "x-goog-api-key": key, "content-type": "application/json" };
  return fetch(url, { method: "POST", headers, body: JSON.stringify(body) });
}

async function generate(body: unknown, model = MODEL): Promise<Json> {
  return (await (await post(`${model}:generateContent`, body)).json()) as Json;
}

function user(...parts: unknown[]) {
  return {
    role: "user",
    parts: parts.map((part) => (typeof part === "string" ? { text: part } : part)),
  };
}

describe("generateContent", () => {
  it("answers a candidate with usage", async () => {
    const body = {
      systemInstruction: { parts: [{ text: "Be brief." }] },
      contents: [user("ping")],
    };
    const answer = await generate(body);
    expect(answer.candidates).toEqual([
      {
        content: { parts: [{ text: "You asked: ping" }], role: "model" },
        finishReason: "STOP",
        index: 0,
      },
    ]);
    expect(answer.usageMetadata).toMatchObject({ promptTokenCount: 4, candidatesTokenCount: 4 });
    expect(answer.modelVersion).toBe(MODEL);
    expect(await generate(body)).toEqual(answer);
  });

  it("streams events, and a list without alt=sse", async () => {
    const body = { contents: [user("one two three")] };
    const response = await post(`${MODEL}:streamGenerateContent?alt=sse`, body);
    expect(response.headers.get("content-type")).toBe("text/event-stream");
    const events = (await readEvents(response)) as Json[];
    const text = events.map((event) => event.candidates[0].content.parts[0].text).join("");
    expect(text).toBe("You asked: one two three");
    expect(events.at(-1)?.candidates[0].finishReason).toBe("STOP");
    expect(events[0]?.candidates[0]).not.toHaveProperty("finishReason");
    const list = (await (await post(`${MODEL}:streamGenerateContent`, body)).json()) as Json[];
    expect(list).toEqual(events);
  });

  it("signs its calls and wants the signature back", async () => {
    const tools = [{ functionDeclarations: [WEATHER] }];
    const question = user("Weather in Lima?");
    const { candidates } = await generate({ contents: [question], tools });
    const { content } = candidates[0];
    const [part] = content.parts;
    expect(part).toMatchObject({ functionCall: { name: "get_weather", args: { city: "Lima" } } });
    const back = {
      functionResponse: { name: "get_weather", response: { result: "Weather in Lima: fog." } },
    };
    const round = (called: unknown) => ({
      contents: [question, { role: "model", parts: [called] }, user(back)],
      tools,
    });
    const answered = await generate(round(part));
    expect(answered.candidates[0].content.parts[0].text).toBe("Weather in Lima: fog.");
    const { thoughtSignature: _, ...unsigned } = part;
    const refused = await generate(round(unsigned));
    expect(refused.error).toMatchObject({ code: 400, status: "INVALID_ARGUMENT" });
    expect(refused.error.message).toMatch(/missing a thought_signature in functionCall parts/u);
    expect((await generate(round(unsigned), "gemini-2.5-flash")).candidates).toHaveLength(1);
  });

  it("shows thoughts and counts them", async () => {
    const generationConfig = { thinkingConfig: { includeThoughts: true } };
    const { candidates, usageMetadata } = await generate({
      contents: [user("ping")],
      generationConfig,
    });
    expect(candidates[0].content.parts[0].thought).toBe(true);
    expect(usageMetadata.thoughtsTokenCount).toBeGreaterThan(0);
    const { promptTokenCount, candidatesTokenCount, thoughtsTokenCount } = usageMetadata;
    expect(usageMetadata.totalTokenCount).toBe(
      promptTokenCount + candidatesTokenCount + thoughtsTokenCount,
    );
  });

  it("fills schemas in Google's form and in JSON Schema", async () => {
    const forms = [
      { responseSchema: WEATHER.parameters },
      { responseJsonSchema: { type: "object", properties: { city: { type: "string" } } } },
    ];
    for (const form of forms) {
      const generationConfig = { responseMimeType: "application/json", ...form };
      const { candidates } = await generate({
        contents: [user("Weather in Lima?")],
        generationConfig,
      });
      expect(JSON.parse(candidates[0].content.parts[0].text)).toEqual({ city: "Lima" });
    }
  });

  it("sees pictures", async () => {
    const inlineData = { mimeType: "image/png", data: SAMPLES["/cat.png"]?.base64 };
    const { candidates } = await generate({ contents: [user({ inlineData })] });
    expect(candidates[0].content.parts[0].text).toMatch(/PNG of 8 by 6 pixels\. It reads: A cat/u);
  });

  it("counts and embeds", async () => {
    const counted = await post(`${MODEL}:countTokens`, { contents: [user("ping")] });
    expect(await counted.json()).toMatchObject({ totalTokens: 1 });
    const content = { parts: [{ text: "hello" }] };
    const embedded = await post("gemini-embedding-001:embedContent", {
      content,
      outputDimensionality: 256,
    });
    expect(((await embedded.json()) as Json).embedding.values).toHaveLength(256);
    const requests = [{ content }, { content }];
    const batch = await post("gemini-embedding-001:batchEmbedContents", { requests });
    expect(((await batch.json()) as Json).embeddings).toHaveLength(2);
  });

  it.each<[string, Json]>([
    [
      "safety",
      { candidates: [{ finishReason: "SAFETY", safetyRatings: [{ blocked: true }, {}, {}, {}] }] },
    ],
    ["refusal", { candidates: [{ finishReason: "SAFETY", content: { role: "model" } }] }],
    ["blocked", { promptFeedback: { blockReason: "PROHIBITED_CONTENT" } }],
    ["length", { candidates: [{ finishReason: "MAX_TOKENS" }] }],
    ["empty", { candidates: [{ finishReason: "STOP", content: { role: "model" } }] }],
    ["cached", { usageMetadata: { cachedContentTokenCount: 2 } }],
    ["citation", { candidates: [{ groundingMetadata: { groundingChunks: [{}] } }] }],
  ])("say=%s", async (say, answer) => {
    expect(
      await generate({ contents: [user(`[[emulator say=${say}]] one two three four`)] }),
    ).toMatchObject(answer);
  });
});

describe("refusals", () => {
  it.each<[string, unknown, number, RegExp]>([
    ["gemini-nothing", { contents: [user("x")] }, 404, /models\/gemini-nothing is not found/u],
    [MODEL, {}, 400, /contents is not specified/u],
    [
      MODEL,
      { contents: [{ role: "system", parts: [{ text: "x" }] }] },
      400,
      /valid role: user, model/u,
    ],
    [
      MODEL,
      { contents: [{ role: "user", parts: [] }] },
      400,
      /contents\[0\]\.parts: .*must not be empty/u,
    ],
    [MODEL, { contents: [user({})] }, 400, /parts\[0\]\.data: required oneof field/u],
    [MODEL, { contents: [user("x")], messages: [] }, 400, /Unknown name "messages"/u],
    [
      MODEL,
      { contents: [user("x")], generationConfig: { max_tokens: 1 } },
      400,
      /Unknown name "max_tokens" at 'generation_config'/u,
    ],
    [
      MODEL,
      {
        contents: [user("x")],
        tools: [
          { functionDeclarations: [{ name: "f", parameters: { additionalProperties: false } }] },
        ],
      },
      400,
      /Unknown name "additionalProperties"/u,
    ],
  ])("%s %j", async (model, body, status, message) => {
    const response = await post(`${model}:generateContent`, body);
    expect(response.status).toBe(status);
    const { error } = (await response.json()) as Json;
    expect(error).toMatchObject({ code: status, message: expect.stringMatching(message) });
  });

  it("know who calls", async () => {
    const wrong = await post(`${MODEL}:generateContent`, { contents: [] }, "bad-key");
    expect(wrong.status).toBe(400);
    expect(await wrong.json()).toMatchObject({ error: { message: /API key not valid/u } });
    expect((await post(`${MODEL}:generateContent`, { contents: [] }, "")).status).toBe(403);
  });
});
