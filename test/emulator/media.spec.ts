import { afterAll, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { SAMPLES } from "../../emulator/media/samples.js";
import type { Json } from "../../emulator/types.js";
import { ask, startEmulator } from "./harness.js";

const WHISPER = "@cf/openai/whisper-large-v3-turbo";
const NOVA = "@cf/deepgram/nova-3";
const AURA = "@cf/deepgram/aura-2-en";
const MELO = "@cf/myshell-ai/melotts";
const FLUX = "@cf/black-forest-labs/flux-1-schnell";
const VISION = "@cf/meta/llama-3.2-11b-vision-instruct";
const PNG = SAMPLES["/cat.png"]?.base64 ?? "";
const DATA_URL = `data:image/png;base64,${PNG}`;
const TEXT = "The bridge opens at noon. Boats wait below.";

let emulator: Awaited<ReturnType<typeof startEmulator>>;
beforeAll(async () => {
  emulator = await startEmulator();
});
beforeEach(() => emulator.clearFaults());
afterAll(() => emulator.stop());

async function speak(text: string, more: Json = {}): Promise<Buffer> {
  const response = await emulator.raw(AURA, { text, ...more });
  expect(response.status).toBe(200);
  return Buffer.from(await response.arrayBuffer());
}

function picture(url: string) {
  const content = [
    { type: "text", text: "What does it say?" },
    { type: "image_url", image_url: { url } },
  ];
  return { messages: [{ role: "user", content }] };
}

describe("speech", () => {
  it.each([
    ["linear16", "audio/wav", /^RIFF/u],
    ["mp3", "audio/mpeg", /^ID3/u],
    ["flac", "audio/flac", /^fLaC/u],
    ["opus", "audio/ogg", /^OggS/u],
  ])("comes as %s", async (encoding, type, beginning) => {
    const response = await emulator.raw(AURA, { text: "Hello", encoding });
    expect(response.headers.get("content-type")).toBe(type);
    expect(Buffer.from(await response.arrayBuffer()).toString("latin1")).toMatch(beginning);
  });

  it("is a WAV whose header tells the truth", async () => {
    const wav = await speak(TEXT, { encoding: "linear16", sample_rate: 16_000 });
    expect(wav.toString("latin1", 0, 4) + wav.toString("latin1", 8, 16)).toBe("RIFFWAVEfmt ");
    expect(wav.readUInt32LE(4)).toBe(wav.length - 8);
    expect(wav.readUInt32LE(24)).toBe(16_000);
    const data = wav.indexOf("data", 36, "latin1");
    expect(wav.readUInt32LE(data + 4)).toBe(wav.length - data - 8);
    expect(wav.subarray(data + 8).some((byte) => byte !== 0)).toBe(true);
  });

  it("comes in chunks, as base64 from MeloTTS, and not without a text", async () => {
    const response = await emulator.raw(AURA, { text: TEXT, encoding: "linear16" });
    let chunks = 0;
    for await (const _ of response.body ?? []) chunks += 1;
    expect(chunks).toBeGreaterThan(1);
    const { audio } = await emulator.run(MELO, { prompt: "Hola", lang: "es" });
    expect(Buffer.from(audio, "base64").toString("latin1", 0, 4)).toBe("RIFF");
    await expect(emulator.run(AURA, {})).rejects.toThrow(/5006.*'text'/u);
    await expect(emulator.run(AURA, { text: "x", encoding: "midi" })).rejects.toThrow(/midi/u);
  });
});

describe("transcription", () => {
  it.each(["linear16", "mp3"])("hears what was spoken as %s", async (encoding) => {
    const audio = (await speak(TEXT, { encoding })).toString("base64");
    const heard = await emulator.run(WHISPER, { audio });
    expect(heard).toMatchObject({ text: TEXT, word_count: 8, emulated: true });
    expect(heard.segments.map((segment: Json) => segment.text)).toEqual([
      "The bridge opens at noon.",
      "Boats wait below.",
    ]);
    expect(heard.segments.at(-1).end).toBe(heard.transcription_info.duration);
    expect(heard.vtt).toMatch(/^WEBVTT\n\n00:00:00\.000 --> 00:00:00\.\d{3}\nThe bridge/u);
  });

  it("knows how long a recording is from its header", async () => {
    const audio = (await speak(TEXT, { encoding: "linear16" })).toString("base64");
    const { transcription_info: info } = await emulator.run(WHISPER, { audio });
    expect(info.duration).toBeCloseTo(TEXT.length * 0.02, 2);
  });

  it("says how long it was when nothing is said", async () => {
    const wav = await speak("x", { encoding: "linear16" });
    const silent = Buffer.from(wav.toString("latin1").replace("ICMT", "XXXX"), "latin1");
    const { text } = await emulator.run(WHISPER, { audio: silent.toString("base64") });
    expect(text).toBe("A sound of 0.0 seconds.");
  });

  it("by Nova, from a body and its type", async () => {
    const body = (await speak(TEXT)).toString("base64");
    const { results, metadata } = await emulator.run(NOVA, {
      audio: { body, contentType: "audio/mpeg" },
    });
    expect(results.channels[0].alternatives[0]).toMatchObject({ transcript: TEXT });
    expect(results.channels[0].alternatives[0].words).toHaveLength(8);
    expect(metadata.duration).toBeGreaterThan(0);
  });

  it.each([{}, { audio: "!" }, { audio: btoa("this is no recording") }])(
    "refuses %j",
    async (inputs) => {
      await expect(emulator.run(WHISPER, inputs)).rejects.toThrow(/5006.*no recording/u);
    },
  );
});

describe("vision", () => {
  it.each([VISION, "@cf/google/gemma-4-26b-a4b-it"])("%s reads a picture", async (model) => {
    const answer = await emulator.run(model, picture(DATA_URL));
    const text = answer.response ?? answer.choices[0].message.content;
    expect(text).toBe("The picture is a PNG of 8 by 6 pixels. It reads: A cat on a wall");
  });

  it("takes the picture's bytes beside the messages", async () => {
    const image = [...Buffer.from(PNG, "base64")];
    for (const inputs of [ask("What is it?"), { prompt: "What is it?" }]) {
      const { response } = await emulator.run(VISION, { ...inputs, image });
      expect(response).toMatch(/PNG of 8 by 6/u);
    }
  });

  it.each([
    ["/cat.jpg", "a JPEG of 8 by 6"],
    ["/cat.webp", "a WebP of 8 by 6"],
    ["/cat.gif", "a GIF of 8 by 6"],
  ])("knows %s by its header", async (name, says) => {
    const { type, base64 } = SAMPLES[name] ?? { type: "", base64: "" };
    const { response } = await emulator.run(VISION, picture(`data:${type};base64,${base64}`));
    expect(response).toBe(`The picture is ${says} pixels.`);
  });

  it.each([
    "https://images.example/cat.png",
    "https://example.com/cat.png",
    "file:///etc/passwd",
    "data:image/png;base64,AAAA",
  ])("refuses %s", async (url) => {
    await expect(emulator.run(VISION, picture(url))).rejects.toThrow(/^5006: /u);
  });
});

describe("pictures", () => {
  it("are PNGs that follow from the prompt", async () => {
    const { image } = await emulator.run(FLUX, { prompt: "a canal", steps: 4 });
    expect((await emulator.run(FLUX, { prompt: "a canal", steps: 4 })).image).toBe(image);
    expect((await emulator.run(FLUX, { prompt: "a lock" })).image).not.toBe(image);
    const { response } = await emulator.run(VISION, picture(`data:image/png;base64,${image}`));
    expect(response).toBe("The picture is a PNG of 1024 by 1024 pixels. It reads: a canal");
  });

  it.each([{}, { prompt: "" }, { prompt: "x", steps: 9 }])(
    "are not drawn from %j",
    async (inputs) => {
      await expect(emulator.run(FLUX, inputs)).rejects.toThrow(/^5006: /u);
    },
  );
});
