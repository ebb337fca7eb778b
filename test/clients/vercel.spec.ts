import { createAnthropic } from "@ai-sdk/anthropic";
import { createGoogleGenerativeAI } from "@ai-sdk/google";
import { createOpenAI } from "@ai-sdk/openai";
import { createOpenAICompatible } from "@ai-sdk/openai-compatible";
import {
  APICallError,
  embed,
  embedMany,
  generateImage,
  generateObject,
  generateSpeech,
  generateText,
  type LanguageModel,
  Output,
  stepCountIs,
  streamObject,
  streamText,
  tool,
  transcribe,
} from "ai";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { z } from "zod";
import type { Gateway } from "../edge/harness";
import {
  claude,
  depth,
  depthDescription,
  depthQuestion,
  exhaustedKey,
  failing,
  gpt,
  openAiKey,
  picture,
  question,
  saying,
  sound,
  startForClients,
} from "./material";

const Canal = z.object({ name: z.string(), lengthKm: z.number() });
const tools = {
  canal_depth: tool({
    description: depthDescription,
    inputSchema: z.object({ canal: z.string() }),
    execute: async () => depth,
  }),
};
/** Of the maker of retries, none: what fails is to be seen. */
const maxRetries = 0;

let gateway: Gateway;
let key: string;

beforeAll(async () => {
  ({ gateway, key } = await startForClients(openAiKey));
});
afterAll(() => gateway.stop());

function providers(apiKey = key) {
  const baseURL = `${gateway.baseUrl}/v1`;
  return {
    openai: createOpenAI({ apiKey, baseURL }),
    anthropic: createAnthropic({ apiKey, baseURL }),
    google: createGoogleGenerativeAI({ apiKey, baseURL: `${gateway.baseUrl}/v1beta` }),
    compatible: createOpenAICompatible({
      name: "esclusa",
      apiKey,
      baseURL,
      includeUsage: true,
      supportsStructuredOutputs: true,
    }),
  };
}

/** Each wire with a model of its own maker, and some with another's behind it. */
const models: [string, (apiKey?: string) => LanguageModel][] = [
  ["openai's chat completions", (apiKey) => providers(apiKey).openai.chat("gpt-4o-mini")],
  ["openai's responses", (apiKey) => providers(apiKey).openai.responses("gpt-4o-mini")],
  ["anthropic's messages", (apiKey) => providers(apiKey).anthropic("claude-sonnet-4-5")],
  ["google's generateContent", (apiKey) => providers(apiKey).google("gemini-2.5-flash")],
  ["an OpenAI-compatible wire", (apiKey) => providers(apiKey).compatible("agent")],
  ["chat completions with Claude behind", (apiKey) => providers(apiKey).openai.chat(claude)],
  ["messages with GPT behind", (apiKey) => providers(apiKey).anthropic(gpt)],
];

describe.each(models)("the ai package over %s", (_, make) => {
  const asked = (prompt: string, apiKey?: string) => ({ model: make(apiKey), prompt, maxRetries });

  it("generates text", async () => {
    const answer = await generateText({ ...asked(question), instructions: "Be brief." });
    expect(answer.text).toContain("canal");
    expect(answer.finishReason).toBe("stop");
    expect(answer.usage.inputTokens).toBeGreaterThan(0);
    expect(answer.usage.outputTokens).toBeGreaterThan(0);
  });

  it("streams text", async () => {
    const answer = streamText(asked(question));
    const deltas: string[] = [];
    for await (const delta of answer.textStream) {
      deltas.push(delta);
    }
    expect(deltas.length).toBeGreaterThan(1);
    expect(deltas.join("")).toBe(await answer.text);
    expect(deltas.join("")).toContain("canal");
    expect(await answer.finishReason).toBe("stop");
    expect((await answer.usage).outputTokens).toBeGreaterThan(0);
  });

  it.each([false, true])("runs tools until it has an answer (streamed: %s)", async (streamed) => {
    const request = { ...asked(depthQuestion), tools, stopWhen: stepCountIs(3) };
    const answer = streamed ? streamText(request) : await generateText(request);
    expect(await answer.text).toContain("1.5");
    const steps = await answer.steps;
    expect(steps).toHaveLength(2);
    expect(steps[0]?.toolCalls[0]?.toolName).toBe("canal_depth");
  });

  it("calls several tools at once", async () => {
    const width = tool({ description: "The width of a canal", inputSchema: z.object({}) });
    const request = { ...asked(saying("parallel_tools")), tools: { ...tools, width } };
    const { toolCalls } = await generateText(request);
    expect(new Set(toolCalls.map(({ toolCallId }) => toolCallId)).size).toBe(2);
  });

  it("generates and streams objects", async () => {
    const { object } = await generateObject({ ...asked(question), schema: Canal });
    expect(Canal.parse(object)).toBeDefined();
    const streamed = streamObject({ ...asked(question), schema: Canal });
    for await (const _ of streamed.partialObjectStream) {
      // The whole object is there when its parts have been read.
    }
    expect(Canal.parse(await streamed.object)).toBeDefined();
    const output = Output.object({ schema: Canal });
    const answer = await generateText({ ...asked(question), output });
    expect(Canal.parse(answer.output)).toBeDefined();
  });

  it("throws what it is refused", async () => {
    const failed = generateText(asked(failing("status=500")));
    await expect(failed).rejects.toBeInstanceOf(APICallError);
    await expect(failed).rejects.toMatchObject({ statusCode: 502, isRetryable: true });
    const strange = generateText(asked(question, "nobody"));
    await expect(strange).rejects.toMatchObject({ statusCode: 401, isRetryable: false });
    const hasty = generateText(asked(question, await exhaustedKey(gateway)));
    await expect(hasty).rejects.toMatchObject({ statusCode: 429 });
  });

  it("hands on the error of a stream that is cut", async () => {
    const errors: unknown[] = [];
    const request = { ...asked(failing("cut=3")), onError: (event: object) => errors.push(event) };
    const parts: string[] = [];
    for await (const part of streamText(request).fullStream) {
      parts.push(part.type);
    }
    expect(parts).toContain("error");
    expect(errors.length).toBeGreaterThan(0);
  });
});

describe("the ai package's pictures and documents", () => {
  const seeing = models.filter(([name]) => name !== "an OpenAI-compatible wire");
  it.each(seeing)("go over %s", async (_, make) => {
    const content = [
      { type: "text" as const, text: "What does this picture say?" },
      { type: "image" as const, image: picture(), mediaType: "image/png" },
    ];
    const messages = [{ role: "user" as const, content }];
    const { text } = await generateText({ model: make(), messages, maxRetries });
    expect(text).toContain("Lock 7");
  });

  it("go to the vision tier", async () => {
    const content = [
      { type: "text" as const, text: "What does this picture say?" },
      { type: "image" as const, image: picture(), mediaType: "image/png" },
    ];
    const model = providers().compatible("vision");
    const { text } = await generateText({ model, messages: [{ role: "user", content }] });
    expect(text).toContain("Lock 7");
  });
});

describe("the ai package's reasoning", () => {
  it("is kept with its signature across the rounds of a tool loop", async () => {
    const answer = await generateText({
      model: providers().anthropic("claude-sonnet-4-5"),
      prompt: depthQuestion,
      tools,
      stopWhen: stepCountIs(3),
      providerOptions: { anthropic: { thinking: { type: "enabled", budgetTokens: 1024 } } },
      maxRetries,
    });
    expect(answer.steps[0]?.reasoningText).toMatch(/\S/);
    expect(answer.text).toContain("1.5");
  });

  it("is shown by models of an OpenAI-compatible wire", async () => {
    const model = providers().compatible("@cf/qwen/qwen3-30b-a3b-fp8");
    const { reasoningText } = await generateText({ model, prompt: question, maxRetries });
    expect(reasoningText).toMatch(/\S/);
  });
});

describe("the ai package beside conversations", () => {
  it("embeds", async () => {
    const { compatible, openai } = providers();
    const model = compatible.embeddingModel("embed");
    const one = await embed({ model, value: question, maxRetries });
    expect(one.embedding).toHaveLength(1024);
    const values = ["A canal in Milan.", "The price of bread."];
    const many = await embedMany({
      model: openai.embedding("text-embedding-3-small"),
      values,
      maxRetries,
    });
    expect(many.embeddings.map(({ length }) => length)).toEqual([1536, 1536]);
    expect(many.usage.tokens).toBeGreaterThan(0);
  });

  it("transcribes and speaks", async () => {
    const { openai } = providers();
    const model = openai.transcription("whisper-1");
    const { text } = await transcribe({ model, audio: sound(), maxRetries });
    expect(text).toMatch(/\S/);
    const spoken = await generateSpeech({
      model: openai.speech("tts-1"),
      text: "The lock opens.",
      voice: "alloy",
      outputFormat: "mp3",
      maxRetries,
    });
    expect(spoken.audio.uint8Array.length).toBeGreaterThan(100);
  });

  it("draws", async () => {
    const model = providers().compatible.imageModel("@cf/black-forest-labs/flux-1-schnell");
    const { image } = await generateImage({ model, prompt: "A lock on a canal.", maxRetries });
    expect(image.uint8Array.length).toBeGreaterThan(60);
  });
});
