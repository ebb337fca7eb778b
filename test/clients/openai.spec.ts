import OpenAI from "openai";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { type Gateway, startGateway } from "../edge/harness";
import { createOrg } from "../edge/support";

describe("the openai package", () => {
  let gateway: Gateway;
  let client: OpenAI;

  beforeAll(async () => {
    gateway = await startGateway();
    const { key } = await createOrg(gateway);
    client = new OpenAI({ apiKey: key, baseURL: `${gateway.baseUrl}/v1`, maxRetries: 0 });
  });
  afterAll(() => gateway.stop());

  const messages = [{ role: "user" as const, content: "Name a canal in Milan." }];

  it("chats", async () => {
    const answer = await client.chat.completions.create({ model: "gpt-4o", messages });
    expect(answer.object).toBe("chat.completion");
    expect(answer.id).toMatch(/^chatcmpl-/);
    expect(answer.choices[0]?.message.role).toBe("assistant");
    expect(answer.choices[0]?.message.content).toContain("canal");
    expect(answer.choices[0]?.finish_reason).toBe("stop");
    expect(answer.usage?.total_tokens).toBeGreaterThan(0);
  });

  it("streams, with usage where it asks for it", async () => {
    const stream = await client.chat.completions.create({
      model: "light",
      messages,
      stream: true,
      stream_options: { include_usage: true },
    });
    let text = "";
    let usage: OpenAI.CompletionUsage | null | undefined;
    let finish: string | null | undefined;
    for await (const chunk of stream) {
      text += chunk.choices[0]?.delta.content ?? "";
      finish = chunk.choices[0]?.finish_reason ?? finish;
      usage = chunk.usage ?? usage;
    }
    expect(text).toContain("canal");
    expect(finish).toBe("stop");
    expect(usage?.completion_tokens).toBeGreaterThan(0);
  });

  it("streams without usage where it does not ask for it", async () => {
    const stream = await client.chat.completions.create({ model: "light", messages, stream: true });
    for await (const chunk of stream) {
      expect(chunk.usage ?? undefined).toBeUndefined();
    }
  });

  it("goes a full round with tools", async () => {
    const tools: OpenAI.ChatCompletionTool[] = [
      {
        type: "function",
        function: {
          name: "canal_depth",
          description: "The depth of a canal in metres",
          parameters: {
            type: "object",
            properties: { canal: { type: "string" } },
            required: ["canal"],
          },
        },
      },
    ];
    const question = { role: "user" as const, content: "What is the depth of the canal Naviglio?" };
    const first = await client.chat.completions.create({
      model: "agent",
      messages: [question],
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
    const second = await client.chat.completions.create({
      model: "agent",
      messages: [
        question,
        message,
        { role: "tool", tool_call_id: call.id, content: "The canal is 1.5 metres deep." },
      ],
      tools,
    });
    expect(second.choices[0]?.message.content).toContain("1.5");
  });

  it("answers with an instance of a schema", async () => {
    const schema = {
      type: "object",
      properties: { name: { type: "string" }, lengthKm: { type: "number" } },
      required: ["name", "lengthKm"],
      additionalProperties: false,
    };
    const answer = await client.chat.completions.create({
      model: "medium",
      messages,
      response_format: {
        type: "json_schema",
        json_schema: { name: "canal", strict: true, schema },
      },
    });
    const instance = JSON.parse(answer.choices[0]?.message.content ?? "");
    expect(typeof instance.name).toBe("string");
    expect(typeof instance.lengthKm).toBe("number");
  });

  it("throws its own errors", async () => {
    const unknown = client.chat.completions.create({ model: "gpt-99", messages });
    await expect(unknown).rejects.toBeInstanceOf(OpenAI.NotFoundError);
    const bad = client.chat.completions.create({ model: "light", messages: [] });
    await expect(bad).rejects.toBeInstanceOf(OpenAI.BadRequestError);
    const stranger = new OpenAI({ apiKey: "sk-none", baseURL: client.baseURL, maxRetries: 0 });
    const refused = stranger.chat.completions.create({ model: "light", messages });
    await expect(refused).rejects.toBeInstanceOf(OpenAI.AuthenticationError);
  });

  it("throws when a stream is cut, rather than taking it for whole", async () => {
    await gateway.emulator.setFaults([{ model: "@cf/*", cut_after_chunks: 2 }]);
    const read = async () => {
      const stream = await client.chat.completions.create({
        model: "light",
        messages,
        stream: true,
      });
      for await (const _ of stream) {
        // Reading to the end is what must fail.
      }
    };
    await expect(read()).rejects.toBeInstanceOf(OpenAI.APIError);
    await gateway.emulator.clearFaults();
  });

  it("retries a full outage as the SDK is told to, and then throws", async () => {
    await gateway.emulator.setFaults([{ status: 500, model: "@cf/*" }]);
    await gateway.emulator.clearCalls();
    const patient = new OpenAI({ apiKey: client.apiKey, baseURL: client.baseURL, maxRetries: 1 });
    const headers = { "x-ai-operation": "chat" };
    const failing = patient.chat.completions.create({ model: "light", messages }, { headers });
    await expect(failing).rejects.toBeInstanceOf(OpenAI.InternalServerError);
    await gateway.emulator.clearFaults();
    // Two candidates, asked twice.
    expect(await gateway.emulator.calls({ model: "@cf/*" })).toHaveLength(4);
  });

  it("lists the models", async () => {
    const ids = [];
    for await (const model of client.models.list()) {
      ids.push(model.id);
    }
    expect(ids).toEqual(expect.arrayContaining(["auto", "light", "@cf/openai/gpt-oss-120b"]));
  });
});
