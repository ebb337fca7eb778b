import OpenAI, { toFile } from "openai";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { Gateway } from "../edge/harness";
import { openAiKey, pictureUrl, question, sound, startForClients } from "./material";

describe("the openai package beside conversations", () => {
  let gateway: Gateway;
  let client: OpenAI;

  beforeAll(async () => {
    const started = await startForClients(openAiKey);
    gateway = started.gateway;
    const baseURL = `${gateway.baseUrl}/v1`;
    client = new OpenAI({ apiKey: started.key, baseURL, maxRetries: 0 });
  });
  afterAll(() => gateway.stop());

  describe.each(["embed", "text-embedding-3-small"])("embeds with %s", (model) => {
    const input = ["A canal in Milan.", "The price of bread.", "Canals of Milan."];

    it("in order, and alike as numbers and as base64", async () => {
      // The package itself asks for base64 and decodes it unless told otherwise.
      const packed = await client.embeddings.create({ model, input });
      const plain = await client.embeddings.create({ model, input, encoding_format: "float" });
      expect(packed.data.map(({ index }) => index)).toEqual([0, 1, 2]);
      for (const [at, { embedding }] of plain.data.entries()) {
        const other = packed.data[at]?.embedding ?? [];
        expect(other).toHaveLength(embedding.length);
        expect(other[0]).toBeCloseTo(embedding[0] ?? 0, 5);
        expect(other.at(-1)).toBeCloseTo(embedding.at(-1) ?? 0, 5);
      }
      expect(packed.usage.prompt_tokens).toBeGreaterThan(0);
    });

    it("one text, and many", async () => {
      const one = await client.embeddings.create({ model, input: question });
      expect(one.data).toHaveLength(1);
      const texts = Array.from({ length: 150 }, (_, number) => `Lock number ${number}.`);
      const many = await client.embeddings.create({ model, input: texts });
      expect(many.data.map(({ index }) => index)).toEqual(texts.map((_, index) => index));
      const [again] = (await client.embeddings.create({ model, input: texts[149] ?? "" })).data;
      expect(many.data[149]?.embedding[0]).toBeCloseTo(again?.embedding[0] ?? 0, 5);
    });

    it("not what is no text", async () => {
      for (const bad of ["", [], [""], { text: "a" }, Array(2049).fill("a")]) {
        const refused = client.embeddings.create({ model, input: bad as never });
        await expect(refused, JSON.stringify(bad).slice(0, 20)).rejects.toMatchObject({
          status: 400,
          param: expect.stringMatching(/^input/),
        });
      }
    });
  });

  it("embeds in fewer dimensions only where the model can", async () => {
    const short = { model: "text-embedding-3-small", input: question, dimensions: 64 };
    expect((await client.embeddings.create(short)).data[0]?.embedding).toHaveLength(64);
    const refused = client.embeddings.create({ ...short, model: "embed" });
    await expect(refused).rejects.toMatchObject({ status: 400, param: "dimensions" });
  });

  const file = () => toFile(sound(), "a.wav", { type: "audio/wav" });

  it.each(["speech", "whisper-1"])("transcribes with %s, in all formats", async (model) => {
    const transcribe = async (response_format: "json" | "text" | "srt" | "vtt" | "verbose_json") =>
      client.audio.transcriptions.create({ model, file: await file(), response_format });
    expect(await transcribe("json")).toMatchObject({ text: expect.stringMatching(/\S/) });
    expect(await transcribe("text")).toMatch(/\S/);
    expect(await transcribe("srt")).toMatch(/^1\n00:00:00,000 --> 00:00:/);
    expect(await transcribe("vtt")).toMatch(/^WEBVTT\n\n/);
    const detailed = (await transcribe("verbose_json")) as OpenAI.Audio.TranscriptionVerbose;
    expect(Number(detailed.duration)).toBeCloseTo(1, 0);
    expect(detailed.segments?.length).toBeGreaterThan(0);
  });

  it("translates speech", async () => {
    const answer = await client.audio.translations.create({ model: "speech", file: await file() });
    expect(answer.text).toMatch(/\S/);
  });

  it("refuses what is no sound", async () => {
    const text = await toFile(Buffer.from("Not a sound."), "a.txt", { type: "text/plain" });
    const refused = client.audio.transcriptions.create({ model: "speech", file: text });
    await expect(refused).rejects.toBeInstanceOf(OpenAI.BadRequestError);
  });

  it.each([
    ["tts", "wav", "audio/wav", "RIFF"],
    ["tts", "mp3", "audio/mpeg", ""],
    ["tts-1", "mp3", "audio/mpeg", ""],
  ] as const)("speaks with %s as %s", async (model, response_format, type, start) => {
    const input = "The lock opens at noon.";
    const answer = await client.audio.speech.create({
      model,
      voice: "alloy",
      input,
      response_format,
    });
    expect(answer.headers.get("content-type")).toBe(type);
    const bytes = Buffer.from(await answer.arrayBuffer());
    expect(bytes.length).toBeGreaterThan(100);
    expect(bytes.toString("latin1")).toMatch(new RegExp(`^${start}`));
  });

  it("refuses to speak too much, or nothing", async () => {
    for (const input of ["", "a".repeat(4097)]) {
      const refused = client.audio.speech.create({ model: "tts", voice: "alloy", input });
      await expect(refused).rejects.toMatchObject({ status: 400, param: "input" });
    }
  });

  it("draws", async () => {
    const model = "@cf/black-forest-labs/flux-1-schnell";
    const prompt = "A lock on a canal.";
    const answer = await client.images.generate({ model, prompt, response_format: "b64_json" });
    const bytes = Buffer.from(answer.data?.[0]?.b64_json ?? "", "base64");
    expect(bytes.toString("latin1").slice(0, 4)).toMatch(/^(\x89PNG|\xff\xd8)/);
  });

  it.each([undefined, "omni-moderation-latest"])("moderates with %s", async (model) => {
    const input = ["A calm canal.", "Plan a murder with a knife."];
    const { results } = await client.moderations.create({ model, input });
    expect(results.map(({ flagged }) => flagged)).toEqual([false, true]);
    expect(results[1]?.categories.violence).toBe(true);
    expect(results[1]?.category_scores.violence).toBeGreaterThan(0.5);
  });

  it("moderates parts", async () => {
    const { results } = await client.moderations.create({
      model: "omni-moderation-latest",
      input: [
        { type: "text", text: "A calm canal." },
        { type: "image_url", image_url: { url: pictureUrl() } },
      ],
    });
    expect(results[0]?.flagged).toBe(false);
  });

  it("lists and retrieves the models", async () => {
    const ids = [];
    for await (const model of client.models.list()) {
      ids.push(model.id);
    }
    expect(ids).toEqual(expect.arrayContaining(["auto", "light", "@cf/openai/gpt-oss-120b"]));
    expect(await client.models.retrieve("light")).toMatchObject({ id: "light", object: "model" });
    const unknown = client.models.retrieve("gpt-99");
    await expect(unknown).rejects.toBeInstanceOf(OpenAI.NotFoundError);
  });
});
