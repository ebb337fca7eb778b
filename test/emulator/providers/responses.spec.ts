import OpenAI from "openai";
import { afterAll, beforeAll, beforeEach, describe, expect, it } from "vitest";
import type { Json } from "../../../emulator/types.js";
import { startEmulator } from "../harness.js";

const CITY = {
  type: "object",
  properties: { city: { type: "string" } },
  required: ["city"],
  additionalProperties: false,
};
const WEATHER = {
  type: "function" as const,
  name: "get_weather",
  description: "Weather of a city",
  parameters: CITY,
  strict: true,
};

let emulator: Awaited<ReturnType<typeof startEmulator>>;
let openai: OpenAI;
beforeAll(async () => {
  emulator = await startEmulator();
  const baseURL = `${emulator.baseUrl}/openai/v1`;
  openai = new OpenAI({ apiKey: "sk-emulated-0123456789", baseURL, maxRetries: 0 });
});
beforeEach(() => emulator.clearFaults());
afterAll(() => emulator.stop());

function respond(input: OpenAI.Responses.ResponseInput | string, more: Json = {}) {
  const body = { model: "gpt-4o", input, ...more };
  return openai.responses.create(body as OpenAI.Responses.ResponseCreateParamsNonStreaming);
}

describe("responses", () => {
  it("are answered the same way each time", async () => {
    const first = await respond("ping", { instructions: "Be brief." });
    expect(first.output_text).toBe("You asked: ping");
    expect(first).toMatchObject({
      object: "response",
      status: "completed",
      usage: { input_tokens: 4, output_tokens: 4, total_tokens: 8 },
    });
    expect(await respond("ping", { instructions: "Be brief." })).toEqual(first);
  });

  it("stream numbered events that add up to the whole", async () => {
    const input = "one two three";
    const stream = await openai.responses.create({ model: "gpt-4o", input, stream: true });
    const events: OpenAI.Responses.ResponseStreamEvent[] = [];
    for await (const event of stream) events.push(event);
    expect(events.map((event) => event.sequence_number)).toEqual(events.map((_, at) => at));
    expect(events.map(({ type }) => type).filter((type) => !type.endsWith("delta"))).toEqual([
      "response.created",
      "response.in_progress",
      "response.output_item.added",
      "response.content_part.added",
      "response.output_text.done",
      "response.content_part.done",
      "response.output_item.done",
      "response.completed",
    ]);
    const deltas = events.flatMap((event) =>
      event.type === "response.output_text.delta" ? [event.delta] : [],
    );
    expect(deltas.join("")).toBe("You asked: one two three");
    const last = events.at(-1) as OpenAI.Responses.ResponseCompletedEvent;
    const whole = await respond(input);
    expect(last.response.output).toEqual(whole.output);
  });

  it("go round with tools, streamed, and on from what was stored", async () => {
    const question = "[[emulator say=parallel_tools]] Weather in Lima and in Cusco?";
    const first = await openai.responses
      .stream({ model: "gpt-4o", input: question, tools: [WEATHER] })
      .finalResponse();
    const calls = first.output.filter((item) => item.type === "function_call");
    expect(calls.map((call) => call.arguments)).toEqual(['{"city":"Lima"}', '{"city":"Cusco"}']);
    const outputs = calls.map(({ call_id }) => ({
      type: "function_call_output" as const,
      call_id,
      output: "Weather in Cusco: fog.",
    }));
    const second = await respond(outputs, { previous_response_id: first.id, tools: [WEATHER] });
    expect(second.output_text).toBe("Weather in Cusco: fog.");
    expect(await openai.responses.retrieve(second.id)).toMatchObject({ id: second.id });
    await openai.responses.delete(second.id);
    await expect(openai.responses.retrieve(second.id)).rejects.toMatchObject({ status: 404 });
  });

  it("carry reasoning that comes back unchanged", async () => {
    const more = {
      model: "gpt-5",
      store: false,
      reasoning: { effort: "low", summary: "auto" },
      include: ["reasoning.encrypted_content"],
    };
    const first = await respond("ping", more);
    const [reasoning] = first.output;
    expect(reasoning).toMatchObject({ type: "reasoning", summary: [{ type: "summary_text" }] });
    expect(first.usage?.output_tokens_details.reasoning_tokens).toBeGreaterThan(0);
    const input = [
      ...first.output,
      { role: "user", content: "pong" },
    ] as OpenAI.Responses.ResponseInput;
    expect((await respond(input, more)).status).toBe("completed");
    const changed = [{ ...reasoning, encrypted_content: "x.y" }, ...input.slice(1)];
    await expect(respond(changed as OpenAI.Responses.ResponseInput, more)).rejects.toMatchObject({
      code: "invalid_encrypted_content",
    });
  });

  it("fill schemas", async () => {
    const text = { format: { type: "json_schema", name: "place", strict: true, schema: CITY } };
    expect((await respond("Weather in Lima?", { text })).output_text).toBe('{"city":"Lima"}');
  });

  it.each<[string, Json]>([
    ["refusal", { output: [{ content: [{ type: "refusal" }] }] }],
    ["length", { status: "incomplete", incomplete_details: { reason: "max_output_tokens" } }],
    ["safety", { status: "incomplete", incomplete_details: { reason: "content_filter" } }],
    ["citation", { output: [{ content: [{ annotations: [{ type: "url_citation" }] }] }] }],
    ["cached", { usage: { input_tokens_details: { cached_tokens: 2 } } }],
    ["logprobs", { output: [{ content: [{ logprobs: [{}, {}, {}, {}, {}, {}] }] }] }],
  ])("say=%s", async (say, answer) => {
    expect(await respond(`[[emulator say=${say}]] one two three four`)).toMatchObject(answer);
  });

  it.each<[Json, Json]>([
    [{ foo: 1 }, { param: "foo", code: "unknown_parameter" }],
    [{ max_output_tokens: 3 }, { param: "max_output_tokens" }],
    [{ input: [{ role: "robot", content: "x" }] }, { param: "input[0]" }],
    [{ input: [{ type: "function_call_output", call_id: "c", output: "x" }] }, { param: "input" }],
    [{ previous_response_id: "resp_x" }, { code: "previous_response_not_found" }],
    [{ reasoning: { effort: "low" } }, { param: "reasoning.effort" }],
    [{ model: "gpt-5", temperature: 0.1 }, { param: "temperature" }],
  ])("refuse %j", async (body, error) => {
    await expect(respond("ping", body)).rejects.toMatchObject({ status: 400, ...error });
  });

  it("are taken by the binding too", async () => {
    const answer = await emulator.run("openai/gpt-4o", { input: "ping" });
    expect(answer.output[0].content[0].text).toBe("You asked: ping");
  });
});
