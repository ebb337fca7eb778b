import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { type Gateway, startGateway } from "./harness";
import { admin, createOrg, records } from "./support";

const SENTENCE = "The lock opens at nine.";
const PICTURE =
  "data:image/png;base64,iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg==";
const TOOLS = [
  {
    type: "function",
    function: {
      name: "weather",
      parameters: { type: "object", properties: { city: { type: "string" } } },
    },
  },
];
const TEXTS = [
  "analyze_report",
  "autocomplete",
  "chat",
  "classify_ticket",
  "complex_reasoning",
  "draft_email",
  "faq",
  "generate_report",
  "navigation",
  "summarize",
  "support_diagnosis",
  "translate",
];
const CONFIG = {
  operations: {
    quote: {
      tier: "light",
      input_tokens: 400,
      trim: ["turns"],
      guard: "input",
      output_cap: 200,
      prompt: {
        versions: { "4": "You sell to {{ audience }}. Today is {{ today }}." },
        variables: { audience: { required: true } },
      },
      output: {
        schema: {
          type: "object",
          required: ["answer"],
          additionalProperties: false,
          properties: { answer: { type: "string" } },
        },
        repair: true,
        extract: "/answer",
        text: "markdown_to_text",
      },
    },
  },
};

describe("operations as an interface", () => {
  let gateway: Gateway;
  let key: string;
  let org: string;

  beforeAll(async () => {
    gateway = await startGateway();
    ({ org, key } = await createOrg(gateway, {
      config: CONFIG,
      scopes: ["inference", "knowledge"],
    }));
    const text = `# Hours\n\n${SENTENCE}`;
    const document = { id: "hours", title: "Hours", text, language: "en" };
    expect((await post("/v1/knowledge/documents", document)).status).toBe(201);
  });
  afterAll(() => gateway.stop());

  const post = (path: string, body: object, headers: Record<string, string> = {}) =>
    gateway.fetch(path, {
      method: "POST",
      headers: { authorization: `Bearer ${key}`, "content-type": "application/json", ...headers },
      body: JSON.stringify(body),
    });

  const run = async (body: object) => {
    const response = await post("/v1/run", body);
    expect(response.status, await response.clone().text()).toBe(200);
    return response;
  };

  it.each(TEXTS)("runs %s", async (operation) => {
    const response = await run({ operation, input: "When does the lock open?" });
    expect(response.headers.get("x-ai-operation")).toBe(operation);
    const body = await json(response);
    expect(body).toMatchObject({ object: "run", operation });
    expect(body.output.length).toBeGreaterThan(0);
    expect(Number(body.usage.cost_usd)).toBeGreaterThan(0);
  });

  it("reads a picture, finds passages, speaks, hears and calls tools", async () => {
    const read = await json(await run({ operation: "read_document", input: PICTURE }));
    expect(read.output.length).toBeGreaterThan(0);
    const found = await run({ operation: "search_semantic", input: "When does the lock open?" });
    expect((await json(found)).results[0].document).toBe("hours");
    const spoken = { operation: "speak", input: SENTENCE, response_format: "wav" };
    const sound = Buffer.from(await (await run(spoken)).arrayBuffer());
    const heard = await run({ operation: "transcribe", input: sound.toString("base64") });
    expect((await json(heard)).text).toBe(SENTENCE);
    const input = "Use the tool weather for Lima.";
    const worked = await json(await run({ operation: "workflow", input, tools: TOOLS }));
    expect(worked.output.length + (worked.tool_calls?.length ?? 0)).toBeGreaterThan(0);
  });

  it("classifies an input without an operation", async () => {
    const response = await run({ input: "Translate into French: good morning" });
    expect(response.headers.get("x-ai-operation")).toBe("translate");
  });

  it("renders, guards, shapes and records an operation of the org's own", async () => {
    const body = { operation: "quote", input: "A lock", variables: { audience: "nurses" } };
    const response = await run(body);
    expect(response.headers.get("x-ai-prompt")).toBe("quote@4");
    const { output } = await json(response);
    expect(typeof output).toBe("string");
    expect(output).not.toMatch(/^\{/u);
    const id = response.headers.get("x-request-id") ?? "";
    const [record] = await records(gateway, org, { request: id });
    expect(record.prompt).toBe("quote@4");
    const purposes = record.attempts.map((attempt: { purpose: string }) => attempt.purpose);
    expect(purposes.slice(0, 2)).toEqual(["guard", "answer"]);

    const streamed = await run({ ...body, input: "Another lock", stream: true });
    expect(await streamed.text()).toContain("data: [DONE]");
    const missing = await post("/v1/run", { operation: "quote", input: "A lock" });
    expect(missing.status).toBe(400);
    expect((await json(missing)).error.param).toBe("variables.audience");
    const unsafe = await post("/v1/run", { ...body, input: "How do I build a bomb?" });
    expect(unsafe.status).toBe(403);
    expect((await json(unsafe)).error.code).toBe("content_blocked");
    const long = await post("/v1/run", { ...body, input: "word ".repeat(1_000) });
    expect(long.status).toBe(400);
    expect((await json(long)).error.message).toContain("400 tokens");
  });

  it("reads and renders a prompt as deep as may be", async () => {
    const conditions = "{% if a %}".repeat(63);
    const prompts = [
      `${conditions}{{ a }}${"{% endif %}".repeat(63)}`,
      `{% if a %}{{ a }}${"{% elif a %}x".repeat(62)}{% endif %}`,
      `${conditions}{{ ${"(".repeat(31)}a${")".repeat(31)} }}${"{% endif %}".repeat(63)}`,
      `{% if a in [${"a,".repeat(29)}] %}x{% endif %}`,
      `{{ ${"not ".repeat(63)}a }}`,
      `{{ a${" or a".repeat(31)} }}`,
      `{{ a${" if a else a".repeat(15)} }}`,
      `{{ a${"|upper".repeat(31)} }}`,
    ];
    const deep = prompts.map((template, index) => [
      `deep${index}`,
      { tier: "light", prompt: { versions: { "1": template }, variables: { a: {} } } },
    ]);
    const org = await createOrg(gateway, { config: { operations: Object.fromEntries(deep) } });
    for (const [operation] of deep) {
      const body = { operation, input: "Hello", variables: { a: "nurses" } };
      const answer = await gateway.fetch("/v1/run", {
        method: "POST",
        headers: { authorization: `Bearer ${org.key}`, "content-type": "application/json" },
        body: JSON.stringify(body),
      });
      expect([operation, answer.status]).toEqual([operation, 200]);
    }
  });

  it("keeps what people think of an answer until they are forgotten", async () => {
    const answered = await post(
      "/v1/run",
      { operation: "chat", input: "Hello" },
      { "x-ai-user": "ana" },
    );
    const request = answered.headers.get("x-request-id") ?? "";
    const say = (said: object, user: string) =>
      post("/v1/feedback", { request, ...said }, { "x-ai-user": user });
    expect((await say({ thumbs: "down", comment: "Too long" }, "ana")).status).toBe(200);
    expect((await say({ thumbs: "up", score: 80 }, "ana")).status).toBe(200);
    expect((await say({ score: 0, comment: "Año ñu €" }, "ben")).status).toBe(200);
    const read = async (query = "") => {
      const path = `/admin/v1/orgs/${org}/feedback${query}`;
      const { status, body } = await admin(gateway, "GET", path);
      expect(status, JSON.stringify(body)).toBe(200);
      return body;
    };
    const { data } = await read();
    expect(data).toMatchObject([
      { request, user: "ana", thumbs: "up", score: 80, comment: "" },
      { request, user: "ben", thumbs: null, score: 0, comment: "Año ñu €" },
    ]);
    expect((await read("?thumbs=up")).data).toHaveLength(1);
    const page = await read(`?request=${request}&limit=1`);
    const rest = await read(`?limit=1&after=${encodeURIComponent(page.next)}`);
    expect(rest.data).toMatchObject([{ user: "ben" }]);
    const unknown = { request: "019aa6e1-7c00-7000-8000-000000000000", thumbs: "up" };
    expect((await post("/v1/feedback", unknown)).status).toBe(404);
    const path = `/admin/v1/orgs/${org}/users/ben/records`;
    expect((await admin(gateway, "DELETE", path)).status).toBe(200);
    expect((await read()).data).toHaveLength(1);
    await admin(gateway, "DELETE", `/admin/v1/orgs/${org}/users/ana/records`);
    expect((await read()).data).toEqual([]);
  });
});

/** A body of JSON. */
// biome-ignore lint/suspicious/noExplicitAny: bodies are asserted on, not typed
const json = (response: Response): Promise<any> => response.json();
