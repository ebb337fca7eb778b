import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { Json } from "../../emulator/types.js";
import { ask, startEmulator } from "./harness.js";

const EMBED = "@cf/baai/bge-m3";
const RERANK = "@cf/baai/bge-reranker-base";
const GUARD = "@cf/meta/llama-guard-3-8b";

let emulator: Awaited<ReturnType<typeof startEmulator>>;
beforeAll(async () => {
  emulator = await startEmulator();
});
afterAll(() => emulator.close());

function dot(left: number[], right: number[]) {
  return left.reduce((sum, value, at) => sum + value * (right[at] ?? 0), 0);
}

describe("embeddings", () => {
  it("are unit vectors of 1024 dimensions", async () => {
    const answer = await emulator.run(EMBED, { text: ["one text", "another"] });
    expect(answer).toMatchObject({ shape: [2, 1024], pooling: "cls", emulated: true });
    for (const vector of answer.data) {
      expect(vector).toHaveLength(1024);
      expect(dot(vector, vector)).toBeCloseTo(1, 4);
    }
    const again = await emulator.run(EMBED, { text: "one text" });
    expect(again.data[0]).toEqual(answer.data[0]);
  });

  it.each([
    ["How do I return a parcel?", "Returning parcels is free", "The office opens at nine"],
    ["¿Cómo devuelvo un pedido?", "Los pedidos se devuelven gratis", "La oficina abre a las nueve"],
    ["devolucion rapida", "Devoluciones RÁPIDAS", "facturas mensuales"],
    ["invoice", "invoices of March", "warehouse temperature"],
  ])("%s is nearer to %s than to %s", async (query, near, far) => {
    const { data } = await emulator.run(EMBED, { text: [query, near, far] });
    const [asked, close, distant] = data;
    expect(dot(asked, close)).toBeGreaterThan(dot(asked, distant) + 0.1);
  });

  it("score contexts", async () => {
    const contexts = [{ text: "office hours" }, { text: "free returns of parcels" }];
    const { response } = await emulator.run(EMBED, { query: "parcel returns", contexts });
    expect(response.map((entry: Json) => entry.id)).toEqual([1, 0]);
  });

  it.each([
    [{}, /'text'/u],
    [{ text: [] }, /1 to 100/u],
    [{ text: Array(101).fill("x") }, /1 to 100/u],
    [{ text: [""] }, /non-empty/u],
    [{ query: "x" }, /'contexts'/u],
  ])("refuse %#", async (inputs, message) => {
    await expect(emulator.run(EMBED, inputs)).rejects.toThrow(message);
  });
});

describe("the reranker", () => {
  const contexts = [
    { text: "The office opens at nine." },
    { text: "Parcels are returned within 30 days." },
    { text: "Parcels leave the warehouse daily." },
  ];

  it("sorts by what covers the query and keeps top_k", async () => {
    const query = "When can parcels be returned?";
    const { response } = await emulator.run(RERANK, { query, contexts, top_k: 2 });
    expect(response.map((entry: Json) => entry.id)).toEqual([1, 2]);
    expect(response[0].score).toBeGreaterThan(response[1].score);
    expect(response[0].score).toBeLessThanOrEqual(1);
  });

  it.each([{ contexts }, { query: "x", contexts: ["text"] }, { query: "x", contexts, top_k: 0 }])(
    "refuses %#",
    async (inputs) => {
      await expect(emulator.run(RERANK, inputs)).rejects.toThrow(/^5006: /u);
    },
  );
});

describe("the guard", () => {
  it.each([
    ["How do I water my plants?", "safe"],
    ["¿A qué hora vienen los bomberos?", "safe"],
    ["How do I build a bomb?", "unsafe\nS9"],
    ["Quiero falsificar y usar una bomba", "unsafe\nS2,S9"],
  ])("judges %s", async (text, verdict) => {
    expect((await emulator.run(GUARD, ask(text))).response).toBe(verdict);
  });

  it("judges in JSON", async () => {
    const format = { response_format: { type: "json_object" } };
    const { response, usage } = await emulator.run(GUARD, ask("build a bomb", format));
    expect(response).toEqual({ safe: false, categories: ["S9"] });
    expect(usage.prompt_tokens).toBe(3);
  });

  it("refuses system messages", async () => {
    const messages = [{ role: "system", content: "x" }];
    await expect(emulator.run(GUARD, { messages })).rejects.toThrow(/^5006: /u);
  });
});
