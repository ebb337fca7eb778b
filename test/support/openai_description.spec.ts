import { describe, expect, it } from "vitest";
import { openAiDescription } from "./openai_description";

const description = openAiDescription();

const completion = {
  id: "chatcmpl-1",
  object: "chat.completion",
  created: 1,
  model: "light",
  choices: [
    {
      index: 0,
      message: { role: "assistant", content: "Hello", refusal: null },
      finish_reason: "stop",
      logprobs: null,
    },
  ],
};
const path = "/chat/completions";

// Elsewhere than beside shared/ there is no description, and answers are not held against it.
describe.runIf(description !== undefined)("OpenAI's description of its API", () => {
  it("allows what is right, with fields of our own", () => {
    const ours = { ...completion, sources: [] };
    expect(description?.answerProblem("post", path, ours)).toBeUndefined();
  });

  it("names the place of what is wrong", () => {
    const wrong = structuredClone(completion) as object & typeof completion;
    Object.assign(wrong.choices[0] as object, { finish_reason: "ended" });
    expect(description?.answerProblem("post", path, wrong)).toContain("/choices/0/finish_reason");
    const { id: _, ...nameless } = completion;
    expect(description?.answerProblem("post", path, nameless)).toContain("'id'");
  });

  it("tells the events of a stream apart by their type", () => {
    const delta = {
      type: "response.output_text.delta",
      item_id: "msg_1",
      output_index: 0,
      content_index: 0,
      delta: "Hel",
      logprobs: [],
      sequence_number: 4,
    };
    const events = (event: object) => description?.eventProblem("post", "/responses", event);
    expect(events(delta)).toBeUndefined();
    expect(events({ ...delta, sequence_number: "4" })).toContain("/sequence_number");
    expect(events({ type: "response.invented" })).toContain("response.invented");
  });

  it("wants all four fields of an error", () => {
    const error = { message: "No.", type: "invalid_request_error", param: null, code: null };
    expect(description?.errorProblem({ error })).toBeUndefined();
    expect(description?.errorProblem({ error: { message: "No." } })).toContain("/error");
  });

  it("finds the operation of a path", () => {
    expect(description?.operation("get", "/models/gpt-4o")).toBe("/models/{model}");
    expect(description?.operation("post", "/rerank")).toBeUndefined();
  });
});
