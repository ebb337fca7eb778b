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
import { normal } from "./normal";

const model = "gemini-2.5-flash";
const user = (...parts: object[]) => ({ role: "user", parts });
const say = (text: string) => ({ contents: [user({ text })] });
const declarations = [
  { name: "canal_depth", description: depthDescription, parameters: depthSchema },
  { name: "canal_width", description: "The width of a canal in metres", parameters: depthSchema },
];
const tools = [{ functionDeclarations: declarations }];
const inlineData = { mimeType: "image/png", data: picture().toString("base64") };
const canal = { type: "OBJECT", properties: { name: { type: "STRING" } }, required: ["name"] };

const requests: [string, object][] = [
  ["a question", say(question)],
  ["instructions", { ...say(question), systemInstruction: { parts: [{ text: "Be brief." }] } }],
  [
    "several turns",
    {
      contents: [
        user({ text: "The lock is blue." }),
        { role: "model", parts: [{ text: "I see." }] },
        user({ text: "What colour is the lock?" }),
      ],
    },
  ],
  ["stops", { ...say(question), generationConfig: { stopSequences: ["Milan"] } }],
  ["a cap", { ...say(question), generationConfig: { maxOutputTokens: 2 } }],
  [
    "sampling",
    { ...say(question), generationConfig: { temperature: 0.5, topP: 0.9, topK: 5, seed: 7 } },
  ],
  ["a tool", { ...say(depthQuestion), tools }],
  [
    "a tool by name",
    {
      ...say(question),
      tools,
      toolConfig: { functionCallingConfig: { mode: "ANY", allowedFunctionNames: ["canal_depth"] } },
    },
  ],
  [
    "no tool",
    { ...say(depthQuestion), tools, toolConfig: { functionCallingConfig: { mode: "NONE" } } },
  ],
  ["several tools", { ...say(saying("parallel_tools")), tools }],
  [
    "the result of a tool",
    {
      contents: [
        user({ text: depthQuestion }),
        {
          role: "model",
          parts: [{ functionCall: { name: "canal_depth", args: { canal: "Naviglio" } } }],
        },
        user({ functionResponse: { name: "canal_depth", response: { result: depth } } }),
      ],
      tools,
    },
  ],
  [
    "JSON",
    { ...say("Say it as JSON."), generationConfig: { responseMimeType: "application/json" } },
  ],
  [
    "a schema",
    {
      ...say(question),
      generationConfig: { responseMimeType: "application/json", responseSchema: canal },
    },
  ],
  ["a picture", { contents: [user({ inlineData }, { text: "What does this picture say?" })] }],
  [
    "thoughts",
    {
      ...say(saying("reasoning")),
      generationConfig: { thinkingConfig: { includeThoughts: true, thinkingBudget: 1024 } },
    },
  ],
  ...["length", "safety", "blocked", "unicode", "empty", "cached", "long"].map(
    (feature): [string, object] => [`an answer with ${feature}`, say(saying(feature))],
  ),
];

/** A part of a streamed answer. */
type Chunk = {
  candidates?: { content?: { parts?: { text?: string; thought?: boolean }[] } }[];
};

describe("Gemini's answers are the same through the gateway:", () => {
  let gateway: Gateway;
  let key: string;

  beforeAll(async () => {
    ({ gateway, key } = await startForClients(providerKeys));
  });
  afterAll(() => gateway.stop());

  const init = (apiKey: string, body: object) => ({
    method: "POST",
    headers: { "x-goog-api-key": apiKey, "content-type": "application/json" },
    body: JSON.stringify(body),
  });
  const host = "https://generativelanguage.googleapis.com";
  const through = (name: string, method: string, body: object) =>
    gateway.fetch(`/v1beta/models/${name}:${method}`, init(key, body));
  const direct = (name: string, method: string, body: object) =>
    gateway.fetchProvider(`${host}/v1beta/models/${name}:${method}`, init("local-key", body));

  describe.each(requests)("content with %s", (_, body) => {
    it("whole", async () => {
      const answer = await through(model, "generateContent", body);
      const expected = await direct(model, "generateContent", body);
      expect(answer.status).toBe(expected.status);
      const wanted = counted(body, await expected.json());
      expect(counted(body, await answer.json())).toEqual(wanted);
    });

    it("streamed", async () => {
      const method = "streamGenerateContent?alt=sse";
      const answer = await assembled(await through(model, method, body));
      const expected = await assembled(await direct(model, method, body));
      expect(counted(body, answer)).toEqual(counted(body, expected));
    });
  });

  it("counts of tokens", async () => {
    const answer = await through(model, "countTokens", say(question));
    const expected = await direct(model, "countTokens", say(question));
    expect(await answer.json()).toMatchObject({
      totalTokens: ((await expected.json()) as { totalTokens: number }).totalTokens,
    });
  });

  it.each([
    ["no contents", model, { contents: [] }],
    ["an unknown role", model, { contents: [{ role: "nobody", parts: [{ text: "a" }] }] }],
    ["a temperature of 3", model, { ...say("a"), generationConfig: { temperature: 3 } }],
    ["an unknown model", "gemini-nothing", say("a")],
  ])("the refusal of %s", async (_, name, body) => {
    const answer = await through(name, "generateContent", body);
    const expected = await direct(name, "generateContent", body);
    expect(answer.status).toBe(expected.status);
    const { error } = (await answer.json()) as { error: object };
    const { error: wanted } = (await expected.json()) as { error: { status: string } };
    expect(error).toMatchObject({ code: answer.status, status: wanted.status });
  });
});

/**
 * Tokens are counted together, not by what they are tokens of. Schemas are written in another of Gemini's
 * two ways, which the emulator counts as so many bytes.
 */
function counted(body: object, answer: unknown) {
  const { usageMetadata, ...rest } = answer as { usageMetadata: Record<string, unknown> };
  const { promptTokensDetails: _, ...usage } = usageMetadata;
  if (/"(?:tools|responseSchema)"/u.test(JSON.stringify(body))) {
    delete usage.promptTokenCount;
    delete usage.totalTokenCount;
  }
  return normal({ ...rest, usage });
}

/** A stream as one answer: texts joined, all else as the last chunk that has it says. */
async function assembled(response: Response) {
  const chunks = (await response.text())
    .split(/\r?\n\r?\n/u)
    .filter((event) => event.startsWith("data: "))
    .map((event) => JSON.parse(event.slice(6)) as Chunk);
  const parts = chunks.flatMap((chunk) => chunk.candidates?.[0]?.content?.parts ?? []);
  const texts = (thought: boolean) =>
    parts.map((part) => ((part.thought ?? false) === thought ? (part.text ?? "") : "")).join("");
  const others = parts.filter((part) => part.text === undefined);
  const last = Object.assign({}, ...chunks.map(({ candidates: _, ...rest }) => rest));
  const candidate = Object.assign(
    {},
    ...chunks.map(({ candidates: [{ content: _, ...rest } = {}] = [] }) => rest),
  );
  const { status } = response;
  return { status, text: texts(false), thoughts: texts(true), others, ...last, candidate };
}
