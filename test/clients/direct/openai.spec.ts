import OpenAI from "openai";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { Gateway } from "../../edge/harness";
import {
  depth,
  depthDescription,
  depthQuestion,
  depthSchema,
  pictureUrl,
  providerKeys,
  question,
  saying,
  startForClients,
} from "../material";
import { normal, refusal } from "./normal";

type Chat = Partial<OpenAI.ChatCompletionCreateParamsNonStreaming>;
type Respond = Partial<OpenAI.Responses.ResponseCreateParamsNonStreaming>;

const model = "gpt-4o-mini";
const say = (content: string) => [{ role: "user" as const, content }];
const depthTool: OpenAI.ChatCompletionTool = {
  type: "function",
  function: { name: "canal_depth", description: depthDescription, parameters: depthSchema },
};
const widthTool: OpenAI.ChatCompletionTool = {
  type: "function",
  function: { name: "canal_width", description: "The width of a canal in metres" },
};
const canal = {
  type: "object",
  properties: { name: { type: "string" }, lengthKm: { type: "number" } },
  required: ["name", "lengthKm"],
  additionalProperties: false,
};
const call = (id: string, name = "canal_depth") => ({
  id,
  type: "function" as const,
  function: { name, arguments: '{"canal":"Naviglio"}' },
});

const chats: [string, Chat][] = [
  ["a question", {}],
  ["instructions", { messages: [{ role: "system", content: "Be brief." }, ...say(question)] }],
  [
    "a developer's instructions",
    { messages: [{ role: "developer", content: "Be brief." }, ...say(question)] },
  ],
  [
    "several turns",
    {
      messages: [
        ...say("The lock is blue."),
        { role: "assistant", content: "I see." },
        ...say("What colour is the lock?"),
      ],
    },
  ],
  ["a name", { messages: [{ role: "user", content: question, name: "ada" }] }],
  ["a stop", { stop: "Milan" }],
  ["several stops", { stop: ["Rome", "Milan"] }],
  ["a cap", { max_tokens: 2 }],
  ["the newer cap", { max_completion_tokens: 2 }],
  ["several choices", { n: 3 }],
  ["log probabilities", { messages: say(saying("logprobs")), logprobs: true, top_logprobs: 2 }],
  [
    "sampling",
    { seed: 7, temperature: 0.5, top_p: 0.9, presence_penalty: 0.1, frequency_penalty: 0.1 },
  ],
  ["a tool", { messages: say(depthQuestion), tools: [depthTool] }],
  [
    "a tool by name",
    {
      tools: [widthTool, depthTool],
      tool_choice: { type: "function", function: { name: "canal_depth" } },
    },
  ],
  ["no tool", { messages: say(depthQuestion), tools: [depthTool], tool_choice: "none" }],
  ["several tools", { messages: say(saying("parallel_tools")), tools: [depthTool, widthTool] }],
  [
    "one tool at a time",
    { messages: say(depthQuestion), tools: [depthTool, widthTool], parallel_tool_calls: false },
  ],
  [
    "results of tools",
    {
      messages: [
        ...say(depthQuestion),
        { role: "assistant", tool_calls: [call("call_a"), call("call_b", "canal_width")] },
        { role: "tool", tool_call_id: "call_a", content: depth },
        { role: "tool", tool_call_id: "call_b", content: "The canal is 12 metres wide." },
      ],
      tools: [depthTool, widthTool],
    },
  ],
  ["JSON", { messages: say("Say it as JSON."), response_format: { type: "json_object" } }],
  [
    "a schema",
    {
      response_format: {
        type: "json_schema",
        json_schema: { name: "canal", strict: true, schema: canal },
      },
    },
  ],
  [
    "a picture",
    {
      messages: [
        {
          role: "user",
          content: [
            { type: "text", text: "What does this picture say?" },
            { type: "image_url", image_url: { url: pictureUrl() } },
          ],
        },
      ],
    },
  ],
  ...["refusal", "length", "safety", "unicode", "empty", "cached", "citation", "long"].map(
    (feature): [string, Chat] => [`an answer with ${feature}`, { messages: say(saying(feature)) }],
  ),
  ["reasoning", { model: "o4-mini", reasoning_effort: "low" }],
];

const responses: [string, Respond][] = [
  ["a question", {}],
  ["instructions", { instructions: "Be brief." }],
  ["several turns", { input: [...say("The lock is blue."), ...say("What colour is the lock?")] }],
  ["a cap", { max_output_tokens: 16 }],
  ["metadata", { metadata: { purpose: "test" }, temperature: 0.5 }],
  ["a tool", { input: depthQuestion, tools: [respondTool(depthTool)] }],
  [
    "several tools",
    { input: saying("parallel_tools"), tools: [respondTool(depthTool), respondTool(widthTool)] },
  ],
  [
    "results of tools",
    {
      input: [
        ...say(depthQuestion),
        {
          type: "function_call",
          call_id: "call_a",
          name: "canal_depth",
          arguments: '{"canal":"Naviglio"}',
        },
        { type: "function_call_output", call_id: "call_a", output: depth },
      ],
      tools: [respondTool(depthTool)],
    },
  ],
  [
    "a schema",
    { text: { format: { type: "json_schema", name: "canal", strict: true, schema: canal } } },
  ],
  [
    "a picture",
    {
      input: [
        {
          role: "user",
          content: [
            { type: "input_text", text: "What does this picture say?" },
            { type: "input_image", image_url: pictureUrl(), detail: "auto" },
          ],
        },
      ],
    },
  ],
  [
    "a picture as result",
    {
      input: [
        ...say(depthQuestion),
        {
          type: "function_call",
          call_id: "call_a",
          name: "canal_depth",
          arguments: '{"canal":"Naviglio"}',
        },
        {
          type: "function_call_output",
          call_id: "call_a",
          output: [{ type: "input_image", image_url: pictureUrl(), detail: "auto" }],
        },
      ],
    },
  ],
  [
    "a tool by name",
    {
      tools: [respondTool(widthTool), respondTool(depthTool)],
      tool_choice: { type: "function", name: "canal_depth" },
    },
  ],
  ["no tool", { input: depthQuestion, tools: [respondTool(depthTool)], tool_choice: "none" }],
  [
    "log probabilities",
    { include: ["message.output_text.logprobs"], top_logprobs: 2, input: "What is a lock?" },
  ],
  ["sampling", { temperature: 0.5, top_p: 0.9 }],
  ["the end user", { safety_identifier: "a-user", prompt_cache_key: "canals" }],
  ["JSON", { input: "Say it as JSON.", text: { format: { type: "json_object" } } }],
  ["few words", { text: { verbosity: "low" } }],
  ["reasoning", { model: "o4-mini", reasoning: { effort: "low", summary: "auto" } }],
  ["hidden reasoning", { model: "o4-mini" }],
  [
    "encrypted reasoning",
    {
      model: "o4-mini",
      include: ["reasoning.encrypted_content"],
      reasoning: { summary: "detailed" },
    },
  ],
  ...["refusal", "length", "safety", "unicode", "cached", "citation", "long"].map(
    (feature): [string, Respond] => [`an answer with ${feature}`, { input: saying(feature) }],
  ),
];

function respondTool(tool: OpenAI.ChatCompletionTool): OpenAI.Responses.FunctionTool {
  if (tool.type !== "function") {
    throw new Error("only functions are tools of both wires");
  }
  const { name, description, parameters = { type: "object", properties: {} } } = tool.function;
  return { type: "function", name, description, parameters, strict: false };
}

describe("OpenAI's answers are the same through the gateway:", () => {
  let gateway: Gateway;
  let through: OpenAI;
  let direct: OpenAI;

  beforeAll(async () => {
    const started = await startForClients(providerKeys);
    gateway = started.gateway;
    const baseURL = `${gateway.baseUrl}/v1`;
    through = new OpenAI({ apiKey: started.key, baseURL, maxRetries: 0 });
    const fetch = gateway.fetchProvider as never;
    direct = new OpenAI({ apiKey: "sk-local", fetch, maxRetries: 0 });
  });
  afterAll(() => gateway.stop());

  const qualified = <T extends { model?: unknown }>(request: T): T => ({
    ...request,
    model: `openai/${request.model}`,
  });

  describe.each(chats)("a chat with %s", (_, changes) => {
    const request = { model, messages: say(question), ...changes };

    it("whole", async () => {
      const answer = await through.chat.completions.create(qualified(request));
      const expected = await direct.chat.completions.create(request);
      expect(normal(answer)).toEqual(normal(expected));
    });

    it("streamed", async () => {
      const streamed = { ...request, stream_options: { include_usage: true } };
      const finish = (client: OpenAI, body: typeof streamed) =>
        client.chat.completions.stream(body as never).finalChatCompletion();
      const answer = await finish(through, qualified(streamed));
      const expected = await finish(direct, streamed);
      expect(normal(answer)).toEqual(normal(expected));
    });
  });

  // The provider says its defaults, which the gateway does not know.
  const told = (answer: OpenAI.Responses.Response): unknown => ({
    ...answer,
    temperature: answer.temperature ?? 1,
    top_p: answer.top_p ?? 1,
    text: { verbosity: "medium", ...answer.text },
  });

  describe.each(responses)("a response with %s", (_, changes) => {
    const request = { model, input: question, store: false, ...changes };

    it("whole", async () => {
      const answer = await through.responses.create(qualified(request));
      const expected = await direct.responses.create(request);
      expect(normal(told(answer))).toEqual(normal(told(expected)));
    });

    it("streamed", async () => {
      const events = async (client: OpenAI, body: typeof request) => {
        const all = [];
        for await (const event of await client.responses.create({ ...body, stream: true })) {
          all.push(event.type);
        }
        return all;
      };
      const finish = (client: OpenAI, body: typeof request) =>
        client.responses.stream(body as never).finalResponse();
      const answer = await finish(through, qualified(request));
      const expected = await finish(direct, request);
      expect(normal(told(answer))).toEqual(normal(told(expected)));
      const kinds = new Set(await events(through, qualified(request)));
      expect(kinds).toEqual(new Set(await events(direct, request)));
    });
  });

  it("responses whose encrypted reasoning comes back", async () => {
    const request: OpenAI.Responses.ResponseCreateParamsNonStreaming = {
      model: "o4-mini",
      store: false,
      include: ["reasoning.encrypted_content"],
      input: question,
    };
    const second = async (client: OpenAI, body: typeof request) => {
      const first = await client.responses.create(body);
      expect(first.output[0]).toHaveProperty("encrypted_content");
      const input = [...say(question), ...first.output, ...say("What colour is the lock?")];
      return client.responses.create({ ...body, input: input as never });
    };
    const answer = await second(through, qualified(request));
    expect(normal(told(answer))).toEqual(normal(told(await second(direct, request))));
  });

  it.each([
    ["a text", { input: question }],
    ["texts", { input: [question, depthQuestion] }],
    ["dimensions", { input: question, dimensions: 64 }],
    ["numbers", { input: question, encoding_format: "float" as const }],
  ])("embeddings of %s", async (_, changes) => {
    const request = { model: "text-embedding-3-small", ...changes };
    const answer = await through.embeddings.create(qualified(request));
    expect(normal(answer)).toEqual(normal(await direct.embeddings.create(request)));
  });

  it.each([
    ["no messages", { messages: [] }],
    ["a temperature of 3", { temperature: 3 }],
    ["a cap of 0", { max_tokens: 0 }],
    ["an unknown role", { messages: [{ role: "nobody", content: "a" }] }],
    ["a tool without a name", { tools: [{ type: "function", function: {} }] }],
  ])("the refusal of %s", async (_, changes) => {
    const request = { model, messages: say(question), ...changes } as never;
    const answer = refusal(through.chat.completions.create(qualified(request)));
    const expected = refusal(direct.chat.completions.create(request));
    expect(await answer).toEqual(await expected);
  });

  it.each([
    ["an unknown role", { input: [{ role: "nobody", content: "a" }] }],
    ["a tool without a name", { tools: [{ type: "function" }] }],
    [
      "a result of no call",
      { input: [{ type: "function_call_output", call_id: "a", output: "" }] },
    ],
  ])("the refusal of a response with %s", async (_, changes) => {
    const request = { model, input: question, store: false, ...changes } as never;
    const answer = refusal(through.responses.create(qualified(request)));
    const expected = refusal(direct.responses.create(request));
    expect(await answer).toMatchObject({ status: ((await expected) as { status: number }).status });
  });
});
