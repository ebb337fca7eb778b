import OpenAI from "openai";
import { zodTextFormat } from "openai/helpers/zod";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { z } from "zod";
import type { Gateway } from "../edge/harness";
import { createOrg } from "../edge/support";
import {
  claude,
  depth,
  depthDescription,
  depthQuestion,
  depthSchema,
  failing,
  gemini,
  gpt,
  pictureUrl,
  question,
  saying,
  startForClients,
} from "./material";

const Canal = z.object({ name: z.string(), lengthKm: z.number() });
const tool = {
  type: "function" as const,
  name: "canal_depth",
  description: depthDescription,
  parameters: depthSchema,
  strict: false,
};

describe("the openai package's responses", () => {
  let gateway: Gateway;
  let client: OpenAI;

  beforeAll(async () => {
    const started = await startForClients();
    gateway = started.gateway;
    const baseURL = `${gateway.baseUrl}/v1`;
    client = new OpenAI({ apiKey: started.key, baseURL, maxRetries: 0 });
  });
  afterAll(() => gateway.stop());

  it.each(["heavy", gpt, claude, gemini])("answers with %s", async (model) => {
    const answer = await client.responses.create({
      model,
      instructions: "Be brief.",
      input: question,
      metadata: { purpose: "test" },
    });
    expect(answer.object).toBe("response");
    expect(answer.status).toBe("completed");
    expect(answer.output_text).toContain("canal");
    expect(answer.metadata).toEqual({ purpose: "test" });
    expect(answer.usage?.total_tokens).toBeGreaterThan(0);
  });

  it.each(["heavy", gpt, claude, gemini])("streams typed events of %s", async (model) => {
    const stream = client.responses.stream({ model, input: question });
    const events: OpenAI.Responses.ResponseStreamEvent[] = [];
    for await (const event of stream) {
      events.push(event);
    }
    const answer = await stream.finalResponse();
    const types = events.map(({ type }) => type);
    expect(types.slice(0, 2)).toEqual(["response.created", "response.in_progress"]);
    expect(types.at(-1)).toBe("response.completed");
    expect(events.map((event) => event.sequence_number)).toEqual(events.map((_, index) => index));
    const deltas = events.flatMap((event) =>
      event.type === "response.output_text.delta" ? [event.delta] : [],
    );
    expect(deltas.length).toBeGreaterThan(1);
    expect(deltas.join("")).toBe(answer.output_text);
  });

  it("continues, retrieves and deletes what was stored", async () => {
    const first = await client.responses.create({ model: gpt, input: "The lock is blue." });
    const second = await client.responses.create({
      model: gpt,
      input: "What colour is the lock?",
      previous_response_id: first.id,
    });
    expect(second.previous_response_id).toBe(first.id);
    expect(second.output_text).toContain("blue");
    expect((await client.responses.retrieve(first.id)).output_text).toBe(first.output_text);
    await client.responses.delete(first.id);
    await expect(client.responses.retrieve(first.id)).rejects.toBeInstanceOf(OpenAI.NotFoundError);
  });

  it("keeps what it stores from other orgs, and stores nothing where told not to", async () => {
    const first = await client.responses.create({ model: gpt, input: question });
    const { key } = await createOrg(gateway);
    const other = new OpenAI({ apiKey: key, baseURL: client.baseURL, maxRetries: 0 });
    await expect(other.responses.retrieve(first.id)).rejects.toBeInstanceOf(OpenAI.NotFoundError);
    const stolen = { model: gpt, input: "Go on.", previous_response_id: first.id };
    await expect(other.responses.create(stolen)).rejects.toMatchObject({
      param: "previous_response_id",
    });
    const passing = await client.responses.create({ model: gpt, input: question, store: false });
    const retrieved = client.responses.retrieve(passing.id);
    await expect(retrieved).rejects.toBeInstanceOf(OpenAI.NotFoundError);
  });

  it.each(["agent", gpt, claude, gemini])("goes a full round with tools of %s", async (model) => {
    const asked = { model, input: depthQuestion, tools: [tool] };
    const first = await client.responses.create(asked);
    const call = first.output.find((item) => item.type === "function_call");
    expect(call?.name).toBe("canal_depth");
    expect(JSON.parse(call?.arguments ?? "")).toHaveProperty("canal");
    const result = {
      type: "function_call_output" as const,
      call_id: call?.call_id ?? "",
      output: depth,
    };
    const stored = await client.responses.create({
      model,
      input: [result],
      previous_response_id: first.id,
      tools: [tool],
    });
    expect(stored.output_text).toContain("1.5");
    const resent = await client.responses.create({
      model,
      input: [
        { role: "user", content: depthQuestion },
        ...(first.output as OpenAI.Responses.ResponseInputItem[]),
        result,
      ],
      tools: [tool],
    });
    expect(resent.output_text).toContain("1.5");
  });

  it("streams the arguments of calls", async () => {
    const width = { ...tool, name: "canal_width", description: "The width of a canal" };
    const stream = client.responses.stream({
      model: gpt,
      input: saying("parallel_tools"),
      tools: [tool, width],
    });
    const { output } = await stream.finalResponse();
    const calls = output.filter((item) => item.type === "function_call");
    expect(new Set(calls.map((call) => call.call_id)).size).toBe(2);
    for (const call of calls) {
      expect(JSON.parse(call.arguments)).toBeTypeOf("object");
    }
  });

  it.each([gpt, claude, gemini])("has %s fill a schema of zod", async (model) => {
    const text = { format: zodTextFormat(Canal, "canal") };
    const answer = await client.responses.parse({ model, input: question, text });
    expect(Canal.parse(answer.output_parsed)).toBeDefined();
  });

  it.each(["vision", gpt, claude, gemini])("shows a picture to %s", async (model) => {
    const answer = await client.responses.create({
      model,
      input: [
        {
          role: "user",
          content: [
            { type: "input_text", text: "What does this picture say?" },
            { type: "input_image", image_url: pictureUrl(), detail: "auto" },
          ],
        },
      ],
    });
    expect(answer.output_text).toContain("Lock 7");
  });

  it("has reasoning items that can be sent back", async () => {
    const asked = {
      model: "openai/gpt-5-mini",
      input: depthQuestion,
      tools: [tool],
      reasoning: { effort: "low" as const, summary: "auto" as const },
      include: ["reasoning.encrypted_content" as const],
      store: false,
    };
    const first = await client.responses.create(asked);
    expect(first.usage?.output_tokens_details.reasoning_tokens).toBeGreaterThan(0);
    const call = first.output.find((item) => item.type === "function_call");
    const result = {
      type: "function_call_output" as const,
      call_id: call?.call_id ?? "",
      output: depth,
    };
    const items = first.output as OpenAI.Responses.ResponseInputItem[];
    const input = [{ role: "user" as const, content: depthQuestion }, ...items, result];
    const second = await client.responses.create({ ...asked, input });
    expect(second.output_text).toContain("1.5");
  });

  it("throws its own errors", async () => {
    const create = (body: object) =>
      client.responses.create({ model: gpt, input: question, ...body } as never);
    await expect(create({ model: "gpt-99" })).rejects.toBeInstanceOf(OpenAI.NotFoundError);
    await expect(create({ background: true })).rejects.toMatchObject({
      status: 400,
      param: "background",
    });
    const unknown = create({ previous_response_id: "resp_nobody" });
    await expect(unknown).rejects.toMatchObject({ param: "previous_response_id" });
    const failed = create({ input: failing("status=500") });
    await expect(failed).rejects.toMatchObject({ status: 502, code: "upstream_failed" });
  });

  it("does not take a cut stream for whole", async () => {
    const asked = { model: gpt, input: failing("cut=3"), stream: true as const };
    const types: string[] = [];
    const read = async () => {
      for await (const event of await client.responses.create(asked)) {
        types.push(event.type);
      }
    };
    await read().catch(() => types.push("thrown"));
    expect(types).not.toContain("response.completed");
    expect(["response.failed", "error", "thrown"]).toContain(types.at(-1));
  });
});
