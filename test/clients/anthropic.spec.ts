import Anthropic from "@anthropic-ai/sdk";
import { zodOutputFormat } from "@anthropic-ai/sdk/helpers/zod";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
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
  picture,
  question,
  saying,
  startForClients,
} from "./material";

const Canal = z.object({ name: z.string(), lengthKm: z.number() });
const tool = { name: "canal_depth", description: depthDescription, input_schema: depthSchema };
const thinking = { type: "enabled" as const, budget_tokens: 1024 };

describe("the @anthropic-ai/sdk package", () => {
  let gateway: Gateway;
  let client: Anthropic;
  let org: string;

  beforeAll(async () => {
    const started = await startForClients();
    ({ gateway, org } = started);
    client = new Anthropic({ apiKey: started.key, baseURL: gateway.baseUrl, maxRetries: 0 });
  });
  afterAll(() => gateway.stop());

  const say = (content: Anthropic.MessageParam["content"]) => [{ role: "user" as const, content }];
  const asked = (model: string, content: Anthropic.MessageParam["content"] = question) => ({
    model,
    max_tokens: 2000,
    messages: say(content),
  });
  const textOf = ({ content }: Anthropic.Message) =>
    content.map((block) => (block.type === "text" ? block.text : "")).join("");

  it.each(["claude-sonnet-4-5", "heavy", claude, gpt, gemini])("asks %s", async (model) => {
    const answer = await client.messages.create({ ...asked(model), system: "Be brief." });
    expect(answer).toMatchObject({ type: "message", role: "assistant", stop_reason: "end_turn" });
    expect(answer.id).toMatch(/^msg_/);
    expect(textOf(answer)).toContain("canal");
    expect(answer.usage.input_tokens).toBeGreaterThan(0);
    expect(answer.usage.output_tokens).toBeGreaterThan(0);
  });

  it.each(["heavy", claude, gpt, gemini])("streams %s", async (model) => {
    const stream = client.messages.stream(asked(model));
    const types: string[] = [];
    let text = "";
    stream.on("streamEvent", ({ type }) => types.push(type));
    stream.on("text", (delta) => {
      text += delta;
    });
    const answer = await stream.finalMessage();
    expect(types[0]).toBe("message_start");
    expect(types.slice(-2)).toEqual(["message_delta", "message_stop"]);
    expect(text).toContain("canal");
    expect(textOf(answer)).toBe(text);
    expect(answer.stop_reason).toBe("end_turn");
    expect(answer.usage.output_tokens).toBeGreaterThan(0);
  });

  it("counts the same tokens whole and streamed", async () => {
    const whole = await client.messages.create(asked(claude));
    const streamed = await client.messages.stream(asked(claude)).finalMessage();
    expect(streamed.usage.input_tokens).toBe(whole.usage.input_tokens);
    expect(streamed.usage.output_tokens).toBe(whole.usage.output_tokens);
  });

  it.each(["agent", claude, gpt, gemini])("goes a full round with tools of %s", async (model) => {
    const tools = [tool];
    const first = await client.messages.create({ ...asked(model, depthQuestion), tools });
    expect(first.stop_reason).toBe("tool_use");
    const call = first.content.find((block) => block.type === "tool_use");
    expect(call?.name).toBe("canal_depth");
    expect(call?.input).toHaveProperty("canal");
    const second = await client.messages.create({
      ...asked(model),
      messages: [
        ...say(depthQuestion),
        { role: "assistant", content: first.content },
        ...say([{ type: "tool_result", tool_use_id: call?.id ?? "", content: depth }]),
      ],
      tools,
    });
    expect(textOf(second)).toContain("1.5");
    expect(second.stop_reason).toBe("end_turn");
  });

  it.each([claude, gpt, gemini])("streams calls of several tools of %s", async (model) => {
    const width = { name: "canal_width", input_schema: { type: "object" as const } };
    const answer = await client.messages
      .stream({ ...asked(model, saying("parallel_tools")), tools: [tool, width] })
      .finalMessage();
    const calls = answer.content.filter((block) => block.type === "tool_use");
    expect(new Set(calls.map(({ id }) => id)).size).toBe(2);
    for (const { input } of calls) {
      expect(input).toBeTypeOf("object");
    }
    expect(answer.stop_reason).toBe("tool_use");
  });

  it("is shown the pictures that tools return, and their errors", async () => {
    const source = {
      type: "base64" as const,
      media_type: "image/png" as const,
      data: picture().toString("base64"),
    };
    const use = (id: string) => ({ type: "tool_use" as const, id, name: tool.name, input: {} });
    const answer = await client.messages.create({
      ...asked(claude),
      messages: [
        ...say("What does the picture of the canal say?"),
        { role: "assistant", content: [use("toolu_1"), use("toolu_2")] },
        ...say([
          { type: "tool_result", tool_use_id: "toolu_1", is_error: true, content: "No camera." },
          { type: "tool_result", tool_use_id: "toolu_2", content: [{ type: "image", source }] },
        ]),
      ],
      tools: [tool],
    });
    expect(answer.stop_reason).toBe("end_turn");
  });

  // Anthropic refuses thinking whose signature was changed on the way.
  it.each([false, true])("sends thinking back as it came (streamed: %s)", async (streamed) => {
    const options = { thinking, tools: [tool] };
    const request = { ...asked(claude, depthQuestion), ...options };
    const first = streamed
      ? await client.messages.stream(request).finalMessage()
      : await client.messages.create(request);
    const [thought] = first.content;
    expect(thought).toMatchObject({
      type: "thinking",
      thinking: expect.stringMatching(/\S/),
      signature: expect.stringMatching(/\S/),
    });
    const call = first.content.find((block) => block.type === "tool_use");
    const result = { type: "tool_result" as const, tool_use_id: call?.id ?? "", content: depth };
    const second = (content: Anthropic.ContentBlockParam[]) =>
      client.messages.create({
        ...asked(claude),
        ...options,
        messages: [...say(depthQuestion), { role: "assistant", content }, ...say([result])],
      });
    expect(textOf(await second(first.content))).toContain("1.5");
    const forged = first.content.map((block) =>
      block.type === "thinking" ? { ...block, signature: `${block.signature}A` } : block,
    );
    await expect(second(forged)).rejects.toBeInstanceOf(Anthropic.BadRequestError);
  });

  it("keeps thinking that is redacted", async () => {
    const answer = await client.messages.create({ ...asked(claude, saying("redacted")), thinking });
    expect(answer.content[0]).toMatchObject({
      type: "redacted_thinking",
      data: expect.stringMatching(/\S/),
    });
  });

  it("has a prefix cached where it asks for it", async () => {
    const text = "Locks lift boats. ".repeat(600);
    const system = [{ type: "text" as const, text, cache_control: { type: "ephemeral" as const } }];
    const first = await client.messages.create({ ...asked(claude), system });
    const second = await client.messages.create({ ...asked(claude), system });
    expect(first.usage.cache_creation_input_tokens).toBeGreaterThan(0);
    expect(second.usage.cache_read_input_tokens).toBe(first.usage.cache_creation_input_tokens);
  });

  it("counts tokens", async () => {
    const messages = say(question);
    const short = await client.messages.countTokens({ model: claude, messages });
    const system = "Be brief. ".repeat(50);
    const long = await client.messages.countTokens({ model: claude, messages, system });
    expect(short.input_tokens).toBeGreaterThan(0);
    expect(long.input_tokens).toBeGreaterThan(short.input_tokens);
  });

  it.each([claude, gpt, gemini])("has %s fill a schema of zod", async (model) => {
    const answer = await client.messages.parse({
      ...asked(model),
      output_config: { format: zodOutputFormat(Canal) },
    });
    expect(Canal.parse(answer.parsed_output)).toBeDefined();
  });

  it.each(["vision", claude, gpt, gemini])("shows a picture to %s", async (model) => {
    const data = picture().toString("base64");
    const answer = await client.messages.create(
      asked(model, [
        { type: "image", source: { type: "base64", media_type: "image/png", data } },
        { type: "text", text: "What does this picture say?" },
      ]),
    );
    expect(textOf(answer)).toContain("Lock 7");
  });

  it("cites documents", async () => {
    const data = "The canal Naviglio is 1.5 metres deep. Bread is dear.";
    const answer = await client.messages.create(
      asked(claude, [
        {
          type: "document",
          source: { type: "text", media_type: "text/plain", data },
          title: "Canals",
          citations: { enabled: true },
        },
        { type: "text", text: saying("citation") },
      ]),
    );
    const cited = answer.content.flatMap((block) =>
      block.type === "text" ? (block.citations ?? []) : [],
    );
    expect(cited[0]?.cited_text).toContain("1.5 metres");
  });

  it("stops at a sequence, at the cap, and at a refusal", async () => {
    const stopped = await client.messages.create({ ...asked(claude), stop_sequences: ["Milan"] });
    expect(stopped).toMatchObject({ stop_reason: "stop_sequence", stop_sequence: "Milan" });
    const capped = await client.messages.create({ ...asked(claude), max_tokens: 1 });
    expect(capped.stop_reason).toBe("max_tokens");
    const refused = await client.messages.create(asked(claude, saying("refusal")));
    expect(refused.stop_reason).toBe("refusal");
  });

  it("throws its own errors", async () => {
    const create = (changes: object, by = client) =>
      by.messages.create({ ...asked(claude), ...changes } as never);
    const refusal = (type: string, message = /\S/) => ({
      requestID: expect.any(String),
      error: { type: "error", error: { type, message: expect.stringMatching(message) } },
    });
    const unknown = create({ model: "claude-99" });
    await expect(unknown).rejects.toBeInstanceOf(Anthropic.NotFoundError);
    await expect(unknown).rejects.toMatchObject(refusal("not_found_error"));
    const empty = create({ messages: [] });
    await expect(empty).rejects.toBeInstanceOf(Anthropic.BadRequestError);
    await expect(empty).rejects.toMatchObject(refusal("invalid_request_error", /messages/));
    const capless = create({ max_tokens: undefined });
    await expect(capless).rejects.toMatchObject(refusal("invalid_request_error", /max_tokens/));
    const { baseURL } = client;
    const stranger = new Anthropic({ apiKey: "sk-ant-none", baseURL, maxRetries: 0 });
    const strange = create({}, stranger);
    await expect(strange).rejects.toBeInstanceOf(Anthropic.AuthenticationError);
    await expect(strange).rejects.toMatchObject(refusal("authentication_error"));
    const apiKey = await exhaustedKey(gateway);
    const hasty = create({}, new Anthropic({ apiKey, baseURL, maxRetries: 0 }));
    await expect(hasty).rejects.toBeInstanceOf(Anthropic.RateLimitError);
    await expect(hasty).rejects.toMatchObject(refusal("rate_limit_error"));
  });

  it("throws a rate limit when a provider answers 429", async () => {
    const request = asked(claude, failing("status=429"));
    const whole = client.messages.create(request);
    await expect(whole).rejects.toMatchObject({
      status: 429,
      error: { type: "error", error: { type: "rate_limit_error" } },
    });
    const streamed = client.messages.create({ ...request, stream: true });
    await expect(streamed).rejects.toBeInstanceOf(Anthropic.RateLimitError);
  });

  it.each([401, 500, 529])("throws when a provider answers %i", async (status) => {
    const request = asked(claude, failing(`status=${status}`));
    const whole = client.messages.create(request);
    await expect(whole).rejects.toMatchObject({
      status: 502,
      error: { type: "error", error: { type: "api_error" } },
    });
    const streamed = client.messages.create({ ...request, stream: true });
    await expect(streamed).rejects.toMatchObject({ status: 502 });
  });

  it.each(["heavy", claude, gpt])(
    "throws when a stream of %s is cut, rather than taking it for whole",
    async (model) => {
      const stream = client.messages.stream(asked(model, failing("cut=4")));
      await expect(stream.finalMessage()).rejects.toBeInstanceOf(Anthropic.APIError);
    },
  );

  it("takes the key as a bearer token too", async () => {
    const { apiKey: authToken, baseURL } = client;
    const bearer = new Anthropic({ apiKey: null, authToken, baseURL, maxRetries: 0 });
    expect(textOf(await bearer.messages.create(asked(claude)))).toContain("canal");
  });

  it("moves from Cloudflare's gateway by changing the host", async () => {
    const { apiKey, baseURL } = client;
    const path = `${baseURL}/v1/${org}/default/anthropic`;
    const moved = new Anthropic({ apiKey, baseURL: path, maxRetries: 0 });
    const answer = await moved.messages.create(asked("claude-sonnet-4-5"));
    expect(textOf(answer)).toContain("canal");
  });
});
