// Stored responses over the real D1 and R2: small bodies are rows, large ones files.
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { type Gateway, startGateway } from "./harness";
import { createOrg } from "./support";

const model = "openai/gpt-4o-mini";

describe("stored responses", () => {
  let gateway: Gateway;
  let key: string;

  beforeAll(async () => {
    gateway = await startGateway({ workers: 2 });
    ({ key } = await createOrg(gateway));
  });

  afterAll(() => gateway.stop());

  const call = (method: string, path: string, body?: object, worker = 0) =>
    gateway.fetch(
      path,
      {
        method,
        headers: { authorization: `Bearer ${key}`, "content-type": "application/json" },
        ...(body && { body: JSON.stringify(body) }),
      },
      worker,
    );

  it.each([
    ["a row", 1_000],
    ["a file", 150_000],
  ])("keeps what fits %s, goes on with it in another worker, and removes it", async (_, size) => {
    const word = `The code word is heron-${size}.`;
    const padding = "Lorem ipsum dolor sit amet. ".repeat(Math.ceil(size / 28));
    const first = await call("POST", "/v1/responses", { model, input: `${padding}${word}` });
    expect(first.status).toBe(200);
    const { id, store } = (await first.json()) as { id: string; store: boolean };
    expect(store).toBe(true);

    const items = await call("GET", `/v1/responses/${id}/input_items`, undefined, 1);
    expect(await items.text()).toContain(word);
    const next = { model, input: "And now?", previous_response_id: id };
    const second = await call("POST", "/v1/responses", next, 1);
    expect(second.status).toBe(200);
    const asked = (await gateway.emulator.calls()).at(-1);
    expect(JSON.stringify(asked?.inputs)).toContain(word);

    expect((await call("DELETE", `/v1/responses/${id}`)).status).toBe(200);
    expect((await call("GET", `/v1/responses/${id}`, undefined, 1)).status).toBe(404);
  });
});
