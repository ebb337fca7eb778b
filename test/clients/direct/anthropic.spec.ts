import Anthropic from "@anthropic-ai/sdk";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { Gateway } from "../../edge/harness";
import {
  depth,
  depthDescription,
  depthQuestion,
  depthSchema,
  picture,
  providerKeys,
  question,
  saying,
  startForClients,
} from "../material";
import { normal, refusal } from "./normal";

type Ask = Partial<Anthropic.MessageCreateParamsNonStreaming>;

const model = "claude-sonnet-4-5";
const say = (content: Anthropic.MessageParam["content"]) => [{ role: "user" as const, content }];
const depthTool = { name: "canal_depth", description: depthDescription, input_schema: depthSchema };
const widthTool = {
  name: "canal_width",
  description: "The width of a canal in metres",
  input_schema: { type: "object" as const },
};
const tools = [depthTool, widthTool];
const image = {
  type: "image" as const,
  source: {
    type: "base64" as const,
    media_type: "image/png" as const,
    data: picture().toString("base64"),
  },
};
const uses = ["toolu_a", "toolu_b"].map((id) => ({
  type: "tool_use" as const,
  id,
  name: "canal_depth",
  input: { canal: "Naviglio" },
}));

const results = (...contents: Partial<Anthropic.ToolResultBlockParam>[]): Ask => ({
  messages: [
    ...say(depthQuestion),
    { role: "assistant", content: uses.slice(0, contents.length) },
    ...say(
      contents.map((content, at) => ({
        type: "tool_result" as const,
        tool_use_id: uses[at]?.id ?? "",
        ...content,
      })),
    ),
  ],
  tools,
});

const asks: [string, Ask][] = [
  ["a question", {}],
  ["instructions", { system: "Be brief." }],
  ["blocks of instructions", { system: [{ type: "text", text: "Be brief." }] }],
  [
    "several turns",
    {
      messages: [
        ...say("The lock is blue."),
        { role: "assistant", content: [{ type: "text", text: "I see." }] },
        ...say([{ type: "text", text: "What colour is the lock?" }]),
      ],
    },
  ],
  ["a stop sequence", { stop_sequences: ["Rome", "Milan"] }],
  ["a cap", { max_tokens: 2 }],
  ["sampling", { temperature: 0.5, top_k: 5 } as Ask],
  ["the end user", { metadata: { user_id: "a-user" } }],
  ["a tool", { messages: say(depthQuestion), tools: [depthTool] }],
  ["any tool", { tools, tool_choice: { type: "any" } }],
  ["a tool by name", { tools, tool_choice: { type: "tool", name: "canal_depth" } }],
  ["no tool", { messages: say(depthQuestion), tools, tool_choice: { type: "none" } }],
  ["several tools", { messages: say(saying("parallel_tools")), tools }],
  [
    "one tool at a time",
    {
      messages: say(depthQuestion),
      tools,
      tool_choice: { type: "auto", disable_parallel_tool_use: true },
    },
  ],
  ["the result of a tool", results({ content: depth })],
  ["results of tools", results({ content: depth }, { content: [{ type: "text", text: "Ten." }] })],
  ["an error of a tool", results({ content: "There is no canal.", is_error: true })],
  ["a picture as result", results({ content: [image] })],
  ["a picture", { messages: say([image, { type: "text", text: "What does this picture say?" }]) }],
  [
    "a document that is cited",
    {
      messages: say([
        {
          type: "document",
          source: { type: "text", media_type: "text/plain", data: depth },
          title: "Canals",
          citations: { enabled: true },
        },
        { type: "text", text: saying("citation") },
      ]),
    },
  ],
  [
    "a schema",
    {
      output_config: {
        format: {
          type: "json_schema",
          schema: {
            type: "object",
            properties: { name: { type: "string" } },
            required: ["name"],
            additionalProperties: false,
          },
        },
      },
    },
  ],
  ["thinking", { thinking: { type: "enabled", budget_tokens: 1024 } }],
  [
    "thinking and tools",
    { messages: say(depthQuestion), tools, thinking: { type: "enabled", budget_tokens: 1024 } },
  ],
  [
    "redacted thinking",
    { messages: say(saying("redacted")), thinking: { type: "enabled", budget_tokens: 1024 } },
  ],
  ...["refusal", "length", "unicode", "empty", "long"].map((feature): [string, Ask] => [
    `an answer with ${feature}`,
    { messages: say(saying(feature)) },
  ]),
];

describe("Anthropic's answers are the same through the gateway:", () => {
  let gateway: Gateway;
  let through: Anthropic;
  let direct: Anthropic;

  beforeAll(async () => {
    const started = await startForClients(providerKeys);
    gateway = started.gateway;
    const baseURL = gateway.baseUrl;
    through = new Anthropic({ apiKey: started.key, baseURL, maxRetries: 0 });
    const fetch = gateway.fetchProvider as never;
    direct = new Anthropic({ apiKey: "sk-ant-local", fetch, maxRetries: 0 });
  });
  afterAll(() => gateway.stop());

  describe.each(asks)("a message with %s", (_, changes) => {
    const request = { model, max_tokens: 2000, messages: say(question), ...changes };
    const qualified = { ...request, model: `anthropic/${model}` };

    it("whole", async () => {
      const answer = await through.messages.create(qualified);
      expect(normal(answer)).toEqual(normal(await direct.messages.create(request)));
    });

    it("streamed", async () => {
      const events = async (client: Anthropic, body: typeof request) => {
        const types: string[] = [];
        const stream = client.messages.stream(body);
        stream.on("streamEvent", ({ type }) => {
          if (types.at(-1) !== type) {
            types.push(type);
          }
        });
        return { answer: normal(await stream.finalMessage()), types };
      };
      expect(await events(through, qualified)).toEqual(await events(direct, request));
    });
  });

  it.each([
    ["no messages", { messages: [] }],
    ["a cap of 0", { max_tokens: 0 }],
    ["a temperature of 2", { temperature: 2 }],
    ["an unknown role", { messages: [{ role: "nobody", content: "a" }] }],
    ["the result of no call", { messages: say([{ type: "tool_result", tool_use_id: "toolu_x" }]) }],
    ["a tool without a schema", { tools: [{ name: "a" }] }],
  ])("the refusal of %s", async (_, changes) => {
    const request = { model, max_tokens: 100, messages: say(question), ...changes } as never;
    const answer = refusal(through.messages.create(request));
    expect(await answer).toEqual(await refusal(direct.messages.create(request)));
  });
});
