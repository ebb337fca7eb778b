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
  ["a refusal", { input: saying("refusal") }],
  ["unicode", { input: saying("unicode") }],
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

  // The provider says its defaults, which the gateway does not know, and counts the prompt on another
  // wire than the one on which the gateway asks it.
  const counted = ({ usage, ...answer }: OpenAI.Responses.Response): unknown => ({
    ...answer,
    temperature: answer.temperature ?? 1,
    top_p: answer.top_p ?? 1,
    text: { verbosity: "medium", ...answer.text },
    output_tokens: usage?.output_tokens,
  });

  describe.each(responses)("a response with %s", (_, changes) => {
    const request = { model, input: question, store: false, ...changes };

    it("whole", async () => {
      const answer = await through.responses.create(qualified(request));
      const expected = await direct.responses.create(request);
      expect(normal(counted(answer))).toEqual(normal(counted(expected)));
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
      expect(normal(counted(answer))).toEqual(normal(counted(expected)));
      const kinds = new Set(await events(through, qualified(request)));
      expect(kinds).toEqual(new Set(await events(direct, request)));
    });
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
});
