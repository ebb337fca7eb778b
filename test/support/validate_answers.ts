// Loaded before each file of tests that talks to the built Worker: whatever `fetch` brings from a path
// of OpenAI's wire is held against OpenAI's description, by no doing of the test, which fails if an
// answer of its is not as described. Fields of our own are allowed, as the description allows them.
import { afterEach, expect } from "vitest";
import { type Description, openAiDescription } from "./openai_description";

/** Before OpenAI's path: ours, a provider's own path, or Cloudflare's gateway. */
const prefix = /^(?:\/v1\/[^/]+\/[^/]+)?(?:\/(?:openai|compat))?(?:\/v1)?(?=\/)/u;

const operations =
  /^\/(?:chat\/completions|completions|embeddings|moderations|audio\/|images\/|responses|models)/u;

let problems: string[] = [];

const description = openAiDescription();
if (description !== undefined) {
  globalThis.fetch = validated(globalThis.fetch, description);
  afterEach(() => {
    const found = problems.join("\n");
    problems = [];
    expect(found, "answers that OpenAI's description does not allow").toBe("");
  });
}

function validated(fetch: typeof globalThis.fetch, description: Description): typeof fetch {
  return async (input, init) => {
    const request = new Request(input, { ...init, body: undefined, duplex: undefined } as never);
    const response = await fetch(input, init);
    const path = operationPath(new URL(request.url));
    if (path === undefined || request.headers.has("anthropic-version")) {
      return response;
    }
    return checked(response, request.method.toLowerCase(), path, description);
  };
}

/** The path as OpenAI's description has it, of a URL that is of its wire. */
function operationPath({ pathname }: URL): string | undefined {
  const path = pathname.replace(prefix, "");
  return operations.test(path) ? path : undefined;
}

async function checked(
  response: Response,
  method: string,
  path: string,
  description: Description,
): Promise<Response> {
  const template = description.operation(method, path);
  const type = response.headers.get("content-type") ?? "";
  if (template === undefined && response.ok) {
    return response;
  }
  const report = (problem: string | undefined, instance: unknown) => {
    if (problem !== undefined) {
      const shown = JSON.stringify(instance)?.slice(0, 600);
      problems.push(`${method} ${path} ${response.status}: ${problem}: ${shown}`);
    }
  };
  if (type.startsWith("text/event-stream") && response.body !== null) {
    const check = (event: unknown) =>
      report(description.eventProblem(method, template ?? path, event), event);
    return replaced(response, response.body.pipeThrough(eventReader(check)));
  }
  if (type.startsWith("application/json")) {
    const text = await response.text();
    const body = JSON.parse(text);
    const problem = response.ok
      ? description.answerProblem(method, template ?? path, body)
      : description.errorProblem(body);
    report(problem, body);
    return replaced(response, text);
  }
  return response;
}

function replaced(response: Response, body: BodyInit): Response {
  const { status, statusText, headers, url } = response;
  const copy = new Response(body, { status, statusText, headers });
  return Object.defineProperty(copy, "url", { value: url });
}

/** Passes a stream on as it comes and hands over what each whole event carries. */
function eventReader(onEvent: (event: unknown) => void) {
  const decoder = new TextDecoder();
  let rest = "";
  return new TransformStream<Uint8Array, Uint8Array>({
    transform(bytes, controller) {
      const events = (rest + decoder.decode(bytes, { stream: true })).split("\n\n");
      rest = events.pop() ?? "";
      for (const event of events) {
        const line = event.split("\n").find((line) => line.startsWith("data:"));
        if (line !== undefined && line !== "data: [DONE]") {
          onEvent(JSON.parse(line.slice("data:".length)));
        }
      }
      controller.enqueue(bytes);
    },
  });
}
