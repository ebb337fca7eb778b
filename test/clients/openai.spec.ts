import OpenAI from "openai";
import { zodResponseFormat } from "openai/helpers/zod";
import { afterAll, afterEach, beforeAll, describe, expect, it } from "vitest";
import { z } from "zod";
import type { Gateway } from "../edge/harness";
import {
  claude,
  depth,
  depthDescription,
  depthQuestion,
  depthSchema,
  exhaustedKey,
  failing,
  gemini,
  gpt,
  pictureUrl,
  question,
  saying,
  startForClients,
} from "./material";

const messages = [{ role: "user" as const, content: question }];
const tools: OpenAI.ChatCompletionFunctionTool[] = [
  {
    type: "function",
    function: { name: "canal_depth", description: depthDescription, parameters: depthSchema },
  },
];
const Canal = z.object({ name: z.string(), lengthKm: z.number() });

describe("the openai package", () => {
  let gateway: Gateway;
  let client: OpenAI;
  let org: string;

  beforeAll(async () => {
    const started = await startForClients();
    ({ gateway, org } = started);
    const baseURL = `${gateway.baseUrl}/v1`;
    client = new OpenAI({ apiKey: started.key, baseURL, maxRetries: 0 });
  });
  afterEach(() => gateway.emulator.clearFaults());
  afterAll(() => gateway.stop());

  const say = (content: string) => [{ role: "user" as const, content }];

  it.each(["gpt-4o", "auto", "light", "heavy", gpt, claude, gemini])(
    "chats with %s",
    async (model) => {
      const answer = await client.chat.completions.create({ model, messages });
      expect(answer.object).toBe("chat.completion");
      expect(answer.id).toMatch(/^chatcmpl-/);
      expect(answer.choices[0]?.message.role).toBe("assistant");
      expect(answer.choices[0]?.message.content).toContain("canal");
      expect(answer.choices[0]?.finish_reason).toBe("stop");
      expect(answer.usage?.total_tokens).toBeGreaterThan(0);
    },
  );

  it.each(["light", "medium", gpt, claude, gemini])("streams %s", async (model) => {
    const stream_options = { include_usage: true };
    const stream = client.chat.completions.stream({ model, messages, stream_options });
    let text = "";
    stream.on("content", (delta) => {
      text += delta;
    });
    const answer = await stream.finalChatCompletion();
    expect(text).toContain("canal");
    expect(answer.choices[0]?.message.content).toBe(text);
    expect(answer.choices[0]?.finish_reason).toBe("stop");
    expect(answer.usage?.completion_tokens).toBeGreaterThan(0);
  });

  it("streams without usage where it does not ask for it", async () => {
    const stream = await client.chat.completions.create({ model: "light", messages, stream: true });
    for await (const chunk of stream) {
      expect(chunk.usage ?? undefined).toBeUndefined();
    }
  });

  it("stops reading a stream where it likes", async () => {
    const asked = { model: gpt, messages: say(saying("long")), stream: true as const };
    for await (const chunk of await client.chat.completions.create(asked)) {
      if ((chunk.choices[0]?.delta.content ?? "") !== "") {
        break;
      }
    }
    const answer = await client.chat.completions.create({ model: gpt, messages });
    expect(answer.choices[0]?.message.content).toContain("canal");
  });

  it.each(["agent", gpt, claude, gemini])("goes a full round with tools of %s", async (model) => {
    const first = await client.chat.completions.create({
      model,
      messages: say(depthQuestion),
      tools,
      tool_choice: "required",
    });
    const message = first.choices[0]?.message;
    expect(first.choices[0]?.finish_reason).toBe("tool_calls");
    const call = message?.tool_calls?.[0];
    if (message === undefined || call?.type !== "function") {
      throw new Error("no tool was called");
    }
    expect(call.function.name).toBe("canal_depth");
    expect(JSON.parse(call.function.arguments)).toHaveProperty("canal");
    const result = { role: "tool" as const, tool_call_id: call.id, content: depth };
    const second = await client.chat.completions.create({
      model,
      messages: [...say(depthQuestion), message, result],
      tools,
    });
    expect(second.choices[0]?.message.content).toContain("1.5");
  });

  it("has its tools run by the package itself", async () => {
    const runner = client.chat.completions.runTools({
      model: gpt,
      messages: say(depthQuestion),
      tools: [
        {
          type: "function",
          function: {
            name: "canal_depth",
            description: depthDescription,
            parameters: depthSchema,
            parse: JSON.parse,
            function: () => depth,
          },
        },
      ],
    });
    expect(await runner.finalContent()).toContain("1.5");
  });

  it.each([gpt, claude, gemini])("streams calls of several tools of %s", async (model) => {
    const width = { type: "function" as const, function: { name: "canal_width" } };
    const answer = await client.chat.completions
      .stream({ model, messages: say(saying("parallel_tools")), tools: [...tools, width] })
      .finalChatCompletion();
    const calls = (answer.choices[0]?.message.tool_calls ?? []).filter(
      (call) => call.type === "function",
    );
    expect(new Set(calls.map((call) => call.id)).size).toBe(2);
    for (const call of calls) {
      expect(JSON.parse(call.function.arguments)).toBeTypeOf("object");
    }
    expect(answer.choices[0]?.finish_reason).toBe("tool_calls");
  });

  it.each(["medium", gpt, claude, gemini])("has %s fill a schema of zod", async (model) => {
    const answer = await client.chat.completions.parse({
      model,
      messages,
      response_format: zodResponseFormat(Canal, "canal"),
    });
    expect(Canal.parse(answer.choices[0]?.message.parsed)).toBeDefined();
  });

  it("answers in JSON without a schema", async () => {
    const answer = await client.chat.completions.create({
      model: gpt,
      messages: say(`${question} As JSON.`),
      response_format: { type: "json_object" },
    });
    expect(JSON.parse(answer.choices[0]?.message.content ?? "")).toBeTypeOf("object");
  });

  it.each(["vision", gpt, claude, gemini])("shows a picture to %s", async (model) => {
    const answer = await client.chat.completions.create({
      model,
      messages: [
        {
          role: "user",
          content: [
            { type: "text", text: "What does this picture say?" },
            { type: "image_url", image_url: { url: pictureUrl(), detail: "low" } },
          ],
        },
      ],
    });
    expect(answer.choices[0]?.message.content).toContain("Lock 7");
  });

  it("sends every parameter there is", async () => {
    const answer = await client.chat.completions.create({
      model: gpt,
      messages: [{ role: "system", content: "Be brief." }, ...say(saying("logprobs"))],
      n: 2,
      logprobs: true,
      top_logprobs: 2,
      seed: 7,
      temperature: 0.5,
      top_p: 0.9,
      presence_penalty: 0.1,
      frequency_penalty: 0.1,
      logit_bias: { "50256": -100 },
      max_completion_tokens: 200,
      stop: ["\n\n"],
      user: "a-user",
      service_tier: "auto",
    });
    expect(answer.choices.map(({ index }) => index)).toEqual([0, 1]);
    expect(answer.choices[0]?.logprobs?.content?.[0]?.logprob).toBeLessThanOrEqual(0);
  });

  it("is told of a refusal, a cut, and what was cached and reasoned", async () => {
    const asked = (feature: string, more: object = {}) =>
      client.chat.completions.create({ model: gpt, messages: say(saying(feature)), ...more });
    const refused = await asked("refusal");
    expect(refused.choices[0]?.message.refusal).toContain("can't help");
    expect((await asked("length")).choices[0]?.finish_reason).toBe("length");
    expect((await asked("safety")).choices[0]?.finish_reason).toBe("content_filter");
    const cached = await asked("cached");
    expect(cached.usage?.prompt_tokens_details?.cached_tokens).toBeGreaterThan(0);
    const reasoned = await asked("reasoning");
    expect(reasoned.usage?.completion_tokens_details?.reasoning_tokens).toBeGreaterThan(0);
  });

  it("throws its own errors", async () => {
    const create = (body: object, by = client) =>
      by.chat.completions.create({ model: gpt, messages, ...body } as never);
    const thrown = { requestID: expect.any(String) };
    await expect(create({ model: "gpt-99" })).rejects.toBeInstanceOf(OpenAI.NotFoundError);
    const empty = create({ messages: [] });
    await expect(empty).rejects.toMatchObject({ ...thrown, status: 400, param: "messages" });
    const hot = create({ temperature: 3 });
    await expect(hot).rejects.toMatchObject({ ...thrown, status: 400, param: "temperature" });
    const { baseURL } = client;
    const stranger = new OpenAI({ apiKey: "sk-none", baseURL, maxRetries: 0 });
    await expect(create({}, stranger)).rejects.toBeInstanceOf(OpenAI.AuthenticationError);
    const apiKey = await exhaustedKey(gateway);
    const hasty = new OpenAI({ apiKey, baseURL, maxRetries: 0 });
    await expect(create({}, hasty)).rejects.toBeInstanceOf(OpenAI.RateLimitError);
  });

  it("throws a rate limit when a provider answers 429", async () => {
    const asked = { model: gpt, messages: say(failing("status=429")) };
    const whole = client.chat.completions.create(asked);
    await expect(whole).rejects.toMatchObject({ status: 429, code: "upstream_rate_limited" });
    const streamed = client.chat.completions.create({ ...asked, stream: true });
    await expect(streamed).rejects.toBeInstanceOf(OpenAI.RateLimitError);
  });

  it.each([401, 500, 503])("throws when a provider answers %i", async (status) => {
    const asked = { model: gpt, messages: say(failing(`status=${status}`)) };
    const whole = client.chat.completions.create(asked);
    await expect(whole).rejects.toMatchObject({ status: 502, code: "upstream_failed" });
    const streamed = client.chat.completions.create({ ...asked, stream: true });
    await expect(streamed).rejects.toBeInstanceOf(OpenAI.InternalServerError);
  });

  it.each(["light", gpt, claude, gemini])(
    "throws when a stream of %s is cut, rather than taking it for whole",
    async (model) => {
      const asked = { model, messages: say(failing("cut=3")), stream: true as const };
      const read = async () => {
        for await (const _ of await client.chat.completions.create(asked)) {
          // Reading to the end is what must fail.
        }
      };
      await expect(read()).rejects.toBeInstanceOf(OpenAI.APIError);
    },
  );

  it("retries a full outage as the SDK is told to, and then throws", async () => {
    await gateway.emulator.setFaults([{ status: 500 }]);
    await gateway.emulator.clearCalls();
    const patient = new OpenAI({ apiKey: client.apiKey, baseURL: client.baseURL, maxRetries: 1 });
    const headers = { "x-ai-operation": "chat" };
    const failed = patient.chat.completions.create({ model: "light", messages }, { headers });
    await expect(failed).rejects.toBeInstanceOf(OpenAI.InternalServerError);
    // Two candidates and the fallback of another provider, asked twice.
    expect(await gateway.emulator.calls()).toHaveLength(6);
  });

  it.each([
    ["openai", "gpt-4o-mini"],
    ["compat", gpt],
  ])("moves from Cloudflare's gateway (%s) by changing the host", async (provider, model) => {
    const baseURL = `${gateway.baseUrl}/v1/${org}/default/${provider}`;
    const moved = new OpenAI({ apiKey: client.apiKey, baseURL, maxRetries: 0 });
    const answer = await moved.chat.completions.create({ model, messages });
    expect(answer.choices[0]?.message.content).toContain("canal");
  });
});
