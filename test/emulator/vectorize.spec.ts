import { afterAll, beforeAll, beforeEach, describe, expect, it } from "vitest";
import type { QueryOptions } from "../../emulator/types.js";
import { startEmulator } from "./harness.js";

let emulator: Awaited<ReturnType<typeof startEmulator>>;
beforeAll(async () => {
  emulator = await startEmulator();
});
afterAll(() => emulator.close());

/** A unit vector at `degrees` in the plane of the first two dimensions. */
function at(degrees: number, dimensions = 1024) {
  const angle = (degrees * Math.PI) / 180;
  const vector = new Array<number>(dimensions).fill(0);
  vector[0] = Math.cos(angle);
  vector[1] = Math.sin(angle);
  return vector;
}

const VECTORS = [
  {
    id: "a",
    values: at(0),
    namespace: "one",
    metadata: { collection: "faq", year: 2020, document: 1 },
  },
  { id: "b", values: at(30), namespace: "one", metadata: { collection: "legal", document: 2 } },
  { id: "c", values: at(60), namespace: "two", metadata: { collection: "faq", document: 3 } },
  { id: "d", values: at(90), metadata: { language: "es" } },
];

beforeEach(async () => {
  await emulator.deleteByIds(["a", "b", "c", "d", "e"]);
  await emulator.upsert(VECTORS);
});

async function idsOf(options: QueryOptions) {
  const { matches, count } = await emulator.query(at(0), { topK: 10, ...options });
  expect(count).toBe(matches.length);
  return matches.map((match) => match.id);
}

describe("queries", () => {
  it("score by cosine, best first", async () => {
    const { matches } = await emulator.query(at(0).map((value) => value * 7));
    expect(matches.map((match) => match.id)).toEqual(["a", "b", "c", "d"]);
    expect(matches[1]?.score).toBeCloseTo(Math.cos(Math.PI / 6), 5);
    expect(matches[0]).toEqual({ id: "a", score: expect.closeTo(1, 5), namespace: "one" });
    expect(matches[3]).not.toHaveProperty("namespace");
  });

  it("by id", async () => {
    const { matches } = await emulator.queryById("c", { topK: 1 });
    expect(matches[0]).toMatchObject({ id: "c", score: expect.closeTo(1, 5) });
    await expect(emulator.queryById("nobody")).rejects.toThrow(/VECTOR_QUERY_ERROR.*not found/u);
  });

  it("take five unless told", async () => {
    const more = Array.from({ length: 4 }, (_, n) => ({ id: `m${n}`, values: at(n) }));
    await emulator.upsert(more);
    expect((await emulator.query(at(0))).count).toBe(5);
    await emulator.deleteByIds(more.map(({ id }) => id));
  });

  it.each<[QueryOptions, string[]]>([
    [{ namespace: "one" }, ["a", "b"]],
    [{ namespace: "nobody's" }, []],
    [{ filter: { collection: "faq" } }, ["a", "c"]],
    [{ namespace: "one", filter: { collection: "faq" } }, ["a"]],
    [{ filter: { collection: { $eq: "legal" } } }, ["b"]],
    [{ filter: { collection: { $ne: "faq" } } }, ["b", "d"]],
    [{ filter: { document: { $lt: 2 } } }, ["a"]],
    [{ filter: { document: { $lte: 2 } } }, ["a", "b"]],
    [{ filter: { document: { $gt: 2 } } }, ["c"]],
    [{ filter: { document: { $gte: 2, $lt: 3 } } }, ["b"]],
    [{ filter: { document: { $in: [1, 3] } } }, ["a", "c"]],
    [{ filter: { document: { $nin: [1, 3] } } }, ["b", "d"]],
    [{ filter: { collection: "faq", document: 3 } }, ["c"]],
    // No metadata index: matches nothing.
    [{ filter: { year: 2020 } }, []],
  ])("%j finds %j", async (options, ids) => {
    expect(await idsOf(options)).toEqual(ids);
  });

  it("return values and metadata as asked", async () => {
    const long = "x".repeat(100);
    const metadata = { collection: long, secret: 1 };
    await emulator.upsert([{ id: "e", values: at(0), namespace: "three", metadata }]);
    const match = async (options: QueryOptions) =>
      (await emulator.query(at(0), { namespace: "three", ...options })).matches[0];
    expect(await match({})).not.toHaveProperty("metadata");
    expect(await match({})).not.toHaveProperty("values");
    expect((await match({ returnMetadata: "all" }))?.metadata).toEqual(metadata);
    expect((await match({ returnMetadata: true }))?.metadata).toEqual(metadata);
    const indexed = { collection: long.slice(0, 64) };
    expect((await match({ returnMetadata: "indexed" }))?.metadata).toEqual(indexed);
    expect((await match({ returnValues: true }))?.values).toHaveLength(1024);
  });

  it.each<[unknown, object, RegExp]>([
    [
      at(0, 768),
      {},
      /\(code = 40006\): invalid query vector, expected 1024 .* got 768 dimensions/u,
    ],
    [at(0), { topK: 101 }, /\(code = 40025\): max top K is 100, but got 101/u],
    [at(0), { topK: 0 }, /40025/u],
    [at(0), { topK: 51, returnMetadata: "all" }, /40025.*max top K is 50, but got 51/u],
    [at(0), { topK: 51, returnValues: true }, /40025/u],
    [at(0), { returnMetadata: "some" }, /Invalid returnMetadata option/u],
    [at(0), { filter: {} }, /non-empty object/u],
    [at(0), { filter: { collection: { $like: "x" } } }, /unknown filter operator/u],
    [at(0), { filter: { collection: { $in: "x" } } }, /invalid operand/u],
    [at(0), { filter: { collection: "x".repeat(2_048) } }, /less than 2048 bytes/u],
  ])("refuse %#", async (vector, options, message) => {
    await expect(emulator.query(vector, options)).rejects.toThrow(message);
  });

  it("allow 100 without contents", async () => {
    expect(await idsOf({ topK: 100, returnMetadata: "indexed" })).toHaveLength(4);
  });
});

describe("mutations", () => {
  it("insert leaves what is there, upsert replaces it whole", async () => {
    const { mutationId } = await emulator.insert([{ id: "a", values: at(90) }]);
    expect(mutationId).toMatch(/^[0-9a-f-]{36}$/u);
    expect((await emulator.getByIds(["a"]))[0]).toMatchObject({ namespace: "one" });
    await emulator.upsert([{ id: "a", values: at(90) }]);
    const [replaced] = await emulator.getByIds(["a"]);
    expect(Object.keys(replaced ?? {})).toEqual(["id", "values"]);
    expect(replaced?.values[1]).toBe(1);
  });

  it("get by ids, in order, leaving out the unknown", async () => {
    const found = await emulator.getByIds(["c", "nobody", "a"]);
    expect(found.map((vector) => vector.id)).toEqual(["c", "a"]);
    expect(found[0]?.metadata).toEqual({ collection: "faq", document: 3 });
  });

  it("delete", async () => {
    await emulator.deleteByIds(["a", "nobody"]);
    expect(await idsOf({})).toEqual(["b", "c", "d"]);
  });

  it("describe counts and names the last mutation", async () => {
    const { mutationId } = await emulator.upsert([{ id: "e", values: at(1) }]);
    const info = await emulator.describe();
    expect(info).toMatchObject({
      vectorCount: 5,
      dimensions: 1024,
      processedUpToMutation: mutationId,
    });
    expect(Date.now() - Date.parse(info.processedUpToDatetime)).toBeLessThan(60_000);
  });

  it.each<[unknown, RegExp]>([
    [[{ id: "x", values: at(0, 3) }], /40012\): invalid vector for id="x", expected 1024/u],
    [[{ id: "é".repeat(33), values: at(0) }], /40008\): id too long; max is 64 bytes, got 66/u],
    [[{ id: "x", values: at(0), metadata: { t: "x".repeat(10_240) } }], /40016\): oversized/u],
    [[{ id: "x", values: at(0), namespace: "n".repeat(65) }], /namespace too long/u],
    [[{ id: "x", values: ["a"] }], /40023/u],
    [[{ values: at(0) }], /40023/u],
    [[], /40023/u],
    ["vectors", /40023/u],
    [Array.from({ length: 1_001 }, () => ({ id: "x", values: [1] })), /max batch is 1000/u],
  ])("refuse %#", async (vectors, message) => {
    await expect(emulator.upsert(vectors)).rejects.toThrow(message);
  });

  it("take a thousand at once", async () => {
    const batch = Array.from({ length: 1_000 }, (_, n) => ({ id: `n${n}`, values: at(n) }));
    await emulator.upsert(batch);
    expect((await emulator.describe()).vectorCount).toBe(VECTORS.length + 1_000);
    for (let from = 0; from < 1_000; from += 100) {
      await emulator.deleteByIds(batch.slice(from, from + 100).map(({ id }) => id));
    }
    expect((await emulator.describe()).vectorCount).toBe(VECTORS.length);
  });

  it("are all or nothing", async () => {
    const batch = [
      { id: "e", values: at(0) },
      { id: "x", values: [1] },
    ];
    await expect(emulator.insert(batch)).rejects.toThrow(/VECTOR_INSERT_ERROR \(code = 40012\)/u);
    expect(await emulator.getByIds(["e"])).toEqual([]);
  });

  it("limit ids", async () => {
    const ids = (count: number) => Array.from({ length: count }, (_, n) => `i${n}`);
    await expect(emulator.getByIds(ids(21))).rejects.toThrow(
      "VECTOR_GET_ERROR (code = 40007): too many ids in payload; max id count is 20, got 21",
    );
    await expect(emulator.deleteByIds(ids(101))).rejects.toThrow(/max id count is 100, got 101/u);
  });
});

describe("what tests need", () => {
  it("survives the object's eviction", async () => {
    await emulator.evictVectors();
    expect(await idsOf({})).toEqual(["a", "b", "c", "d"]);
  });

  it("fails as told and records operations without their floats", async () => {
    await emulator.clearCalls();
    await emulator.setFaults([
      { model: "vectorize.query", status: 429, times: 1 },
      { model: "vectorize", message: "gone", times: 1 },
    ]);
    await expect(emulator.query(at(0))).rejects.toThrow(
      "VECTOR_QUERY_ERROR (code = 40041): Too Many Requests",
    );
    await expect(emulator.upsert(VECTORS)).rejects.toThrow("VECTOR_UPSERT_ERROR: gone");
    await emulator.upsert(VECTORS.slice(0, 1));
    const calls = await emulator.calls({ model: "vectorize" });
    expect(calls.map((call) => call.outcome.status)).toEqual([429, 400, 200]);
    const { values, ...rest } = VECTORS[0] ?? { values: [] };
    expect(calls[2]?.inputs).toEqual([{ ...rest, dimensions: values.length }]);
  });
});
