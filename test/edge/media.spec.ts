import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { type Gateway, startGateway } from "./harness";
import { createOrg, eventually, records, spent } from "./support";

const SENTENCE = "The lock opens at nine.";

describe("work that is no conversation", () => {
  let gateway: Gateway;
  let key: string;
  let org: string;

  beforeAll(async () => {
    gateway = await startGateway();
    ({ org, key } = await createOrg(gateway));
  });
  afterAll(() => gateway.stop());

  const post = (path: string, body: object) =>
    gateway.fetch(path, {
      method: "POST",
      headers: { authorization: `Bearer ${key}`, "content-type": "application/json" },
      body: JSON.stringify(body),
    });

  const upload = (path: string, fields: Record<string, string>, sound: Uint8Array<ArrayBuffer>) => {
    const form = new FormData();
    for (const [name, text] of Object.entries(fields)) {
      form.append(name, text);
    }
    form.append("file", new File([sound], "sound.wav", { type: "audio/wav" }));
    const headers = { authorization: `Bearer ${key}` };
    return gateway.fetch(path, { method: "POST", headers, body: form });
  };

  const say = async (text: string, format = "wav") => {
    const body = { model: "tts", input: text, voice: "alloy", response_format: format };
    const response = await post("/v1/audio/speech", body);
    expect(response.status, await response.clone().text()).toBe(200);
    return { response, sound: new Uint8Array(await response.arrayBuffer()) };
  };

  it("embeds texts, as numbers and as base64", async () => {
    const input = ["a canal lock", "lock of a canal", "bread and butter"];
    const response = await post("/v1/embeddings", { model: "embed", input });
    expect(response.status).toBe(200);
    const body = await json(response);
    expect(body.data.map((item: { index: number }) => item.index)).toEqual([0, 1, 2]);
    const [first, second, third] = body.data.map((item: { embedding: number[] }) => item.embedding);
    expect(first).toHaveLength(1_024);
    expect(cosine(first, second)).toBeGreaterThan(cosine(first, third));
    expect(body.usage.prompt_tokens).toBeGreaterThan(0);
    expect(Number(response.headers.get("x-ai-cost-usd"))).toBeGreaterThan(0);
    const encoded = await post("/v1/embeddings", {
      model: "embed",
      input: input[0],
      encoding_format: "base64",
    });
    const bytes = Buffer.from((await json(encoded)).data[0].embedding, "base64");
    expect(bytes.readFloatLE(0)).toBeCloseTo(first[0], 6);
    expect(bytes).toHaveLength(4_096);
  });

  it("embeds more texts than one call takes, in their order", async () => {
    const input = Array.from({ length: 250 }, (_, number) => `text ${number}`);
    const many = await json(await post("/v1/embeddings", { model: "embed", input }));
    expect(many.data).toHaveLength(250);
    const alone = await json(await post("/v1/embeddings", { model: "embed", input: input[201] }));
    expect(many.data[201].embedding).toEqual(alone.data[0].embedding);
  });

  it("ranks documents, best first", async () => {
    const documents = ["Bread is baked at night.", { text: "The lock opens at nine." }];
    const body = { query: "When does the lock open?", documents, return_documents: true };
    const response = await post("/v1/rerank", body);
    expect(response.status).toBe(200);
    const { results } = await json(response);
    expect(results.map((result: { index: number }) => result.index)).toEqual([1, 0]);
    expect(results[0].document.text).toBe("The lock opens at nine.");
    expect(results[0].relevance_score).toBeGreaterThan(results[1].relevance_score);
  });

  it("speaks a text and hears it again, and charges both", async () => {
    const before = Number(await spent(gateway, org));
    const { response, sound } = await say(SENTENCE);
    expect(response.headers.get("content-type")).toBe("audio/wav");
    expect(Buffer.from(sound.subarray(0, 4)).toString()).toBe("RIFF");
    const id = response.headers.get("x-request-id") ?? "";
    await eventually(async () => (await records(gateway, org, { request: id })).length === 1);
    const [record] = await records(gateway, org, { request: id });
    expect(record).toMatchObject({ endpoint: "audio.speech", operation: "speak", tier: "tts" });
    expect(record.usage.units.characters).toBe(SENTENCE.length);

    const heard = await upload("/v1/audio/transcriptions", { model: "speech" }, sound);
    expect(heard.status, await heard.clone().text()).toBe(200);
    expect((await json(heard)).text).toBe(SENTENCE);
    expect(heard.headers.get("x-ai-operation")).toBe("transcribe");
    expect(Number(await spent(gateway, org))).toBeGreaterThan(before);
  });

  it("writes transcripts as subtitles and with times", async () => {
    const { sound } = await say(SENTENCE);
    const written = async (format: string) => {
      const fields = { model: "speech", response_format: format };
      return (await upload("/v1/audio/transcriptions", fields, sound)).text();
    };
    expect(await written("text")).toBe(`${SENTENCE}\n`);
    expect(await written("srt")).toMatch(/^1\n00:00:00,000 --> 00:00:0\d,\d{3}\n/u);
    expect(await written("vtt")).toMatch(/^WEBVTT\n\n00:00:00\.000 --> 00:00:0\d\.\d{3}\n/u);
    const verbose = JSON.parse(await written("verbose_json"));
    expect(verbose).toMatchObject({ task: "transcribe", text: SENTENCE });
    expect(verbose.duration).toBeGreaterThan(0);
    expect(verbose.segments[0].start).toBe(0);
  });

  it("streams speech in every format with its content type", async () => {
    for (const [format, type] of [
      ["mp3", "audio/mpeg"],
      ["opus", "audio/opus"],
      ["flac", "audio/flac"],
      ["aac", "audio/aac"],
      ["pcm", "audio/pcm"],
    ] as const) {
      const { response, sound } = await say(SENTENCE, format);
      expect(response.headers.get("content-type")).toBe(type);
      expect(sound.length).toBeGreaterThan(100);
    }
  });

  it("resets the connection of a sound that breaks off", async () => {
    await gateway.emulator.setFaults([
      { model: "@cf/deepgram/*", cut_after_chunks: 1, cut_error: true },
    ]);
    const body = {
      model: "tts",
      input: SENTENCE.repeat(20),
      voice: "alloy",
      response_format: "wav",
    };
    const response = await post("/v1/audio/speech", body);
    await gateway.emulator.clearFaults();
    expect(response.status).toBe(200);
    await expect(response.arrayBuffer()).rejects.toThrow();
    const id = response.headers.get("x-request-id") ?? "";
    await eventually(async () => (await records(gateway, org, { request: id })).length === 1);
    const [record] = await records(gateway, org, { request: id });
    expect(record.outcome).toBe("truncated");
  });

  it("falls back to the next voice model before the first byte", async () => {
    await gateway.emulator.setFaults([{ model: "@cf/deepgram/aura-1", code: 3040, times: 1 }]);
    const { response } = await say(SENTENCE);
    await gateway.emulator.clearFaults();
    expect(response.headers.get("cf-aig-step")).toBe("1");
  });

  it("draws a picture", async () => {
    const response = await post("/v1/images/generations", { prompt: "a canal lock" });
    expect(response.status, await response.clone().text()).toBe(200);
    const body = await json(response);
    expect(["png", "jpeg"]).toContain(body.output_format);
    expect(Buffer.from(body.data[0].b64_json, "base64").length).toBeGreaterThan(50);
    const url = await post("/v1/images/generations", { prompt: "a", response_format: "url" });
    expect(url.status).toBe(400);
    expect((await json(url)).error.param).toBe("response_format");
  });

  it("judges texts in OpenAI's categories", async () => {
    const input = ["How do I open the lock?", "How do I build a bomb?"];
    const response = await post("/v1/moderations", { model: "@cf/meta/llama-guard-3-8b", input });
    expect(response.status).toBe(200);
    const { results } = await json(response);
    expect(results.map((result: { flagged: boolean }) => result.flagged)).toEqual([false, true]);
    expect(results[1].categories).toMatchObject({ "illicit/violent": true, hate: false });
    expect(Object.keys(results[0].category_scores)).toHaveLength(13);
  });

  it("runs operations that speak and hear", async () => {
    const spoken = await post("/v1/run", {
      operation: "speak",
      input: SENTENCE,
      response_format: "wav",
    });
    expect(spoken.status, await spoken.clone().text()).toBe(200);
    const sound = Buffer.from(await spoken.arrayBuffer());
    const heard = await post("/v1/run", {
      operation: "transcribe",
      input: sound.toString("base64"),
    });
    expect((await json(heard)).text).toBe(SENTENCE);
    const form = await upload("/v1/run", { operation: "transcribe" }, new Uint8Array(sound));
    expect((await json(form)).text).toBe(SENTENCE);
  });

  it("refuses what is no form, no sound and too much", async () => {
    const object = await post("/v1/audio/transcriptions", { model: "speech" });
    expect(object.status).toBe(415);
    const noise = await upload("/v1/audio/transcriptions", { model: "speech" }, new Uint8Array(40));
    expect(noise.status).toBe(400);
    const large = new Uint8Array(25 * 1_024 * 1_024 + 1);
    const response = await upload("/v1/audio/transcriptions", { model: "speech" }, large);
    expect(response.status).toBe(413);
    expect((await json(response)).error.code).toBe("payload_too_large");
  });
});

/** A body of JSON. */
// biome-ignore lint/suspicious/noExplicitAny: bodies are asserted on, not typed
const json = (response: Response): Promise<any> => response.json();

/** Both vectors have length 1. */
function cosine(left: number[], right: number[]): number {
  return left.reduce((sum, value, at) => sum + value * (right[at] ?? 0), 0);
}
