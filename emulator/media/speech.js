// Text to speech without a model: a tone as long as the text, whose file carries the text as
// comment so that media/transcription.js can hear it again.
import { workersAiError } from "../errors.js";
import { eventStream } from "../stream.js";
import { toBase64 } from "./bytes.js";
import { id3Tag, writeWav } from "./sound.js";

/** @import { CallOutcome, FaultRule, Json, Model } from "../types.js" */

const SECONDS_A_CHARACTER = 0.02;
const RATE = 24_000;
const PITCH = 220;
const LOUDNESS = 3_000;
const CHUNK = 16 * 1_024;
const MOST_CHARACTERS = 2_000;
/** A silent frame of MPEG-1 layer 3: 32 kbit/s, 44.1 kHz, mono. */
const MP3_FRAME = { bytes: 104, seconds: 1_152 / 44_100 };

/** First bytes of formats that are written but not playable, so that they are told apart. */
const MAGIC = { opus: "OggS", flac: "fLaC", aac: "\xff\xf1", mulaw: "", alaw: "" };

/** @type {Record<string, string>} */
const TYPES = {
  mp3: "audio/mpeg",
  opus: "audio/ogg",
  aac: "audio/aac",
  flac: "audio/flac",
  wav: "audio/wav",
  pcm: "audio/pcm",
  linear16: "audio/wav",
  mulaw: "audio/basic",
  alaw: "audio/basic",
};

/**
 * Aura and MeloTTS over the binding.
 * https://developers.cloudflare.com/workers-ai/models/aura-1/
 * https://developers.cloudflare.com/workers-ai/models/melotts/
 * @param {Model} model
 * @param {Json} inputs
 * @param {FaultRule} fault
 * @param {CallOutcome} outcome
 * @returns {Response}
 */
export function runSpeech({ id }, inputs, fault, outcome) {
  const melo = id.includes("melotts");
  const text = melo ? inputs.prompt : inputs.text;
  if (typeof text !== "string" || text === "" || text.length > MOST_CHARACTERS) {
    const field = melo ? "prompt" : "text";
    throw workersAiError(5006, `Error: required properties at '/' are '${field}'`);
  }
  if (melo) return Response.json({ audio: toBase64(speak(text, "wav")), emulated: true });
  const encoding = inputs.encoding ?? "mp3";
  if (!(encoding in TYPES)) throw workersAiError(5006, `Error: '/encoding' ${encoding} is unknown`);
  const raw = encoding === "linear16" && inputs.container === "none";
  const rate = Number(inputs.sample_rate ?? RATE);
  return speechResponse(
    speak(text, raw ? "pcm" : encoding, rate),
    raw ? "pcm" : encoding,
    fault,
    outcome,
  );
}

/**
 * @param {Uint8Array} bytes
 * @param {string} format
 * @param {FaultRule} fault
 * @param {CallOutcome} outcome
 */
export function speechResponse(bytes, format, fault, outcome) {
  return new Response(eventStream(chunksOf(bytes), fault, outcome), {
    headers: { "content-type": TYPES[format] ?? "application/octet-stream" },
  });
}

/** @param {Uint8Array} bytes */
function* chunksOf(bytes) {
  for (let at = 0; at < bytes.length; at += CHUNK) yield bytes.slice(at, at + CHUNK);
}

/**
 * @param {string} text
 * @param {string} format
 * @param {number} [rate] samples a second
 * @returns {Uint8Array}
 */
export function speak(text, format, rate = RATE) {
  const seconds = text.length * SECONDS_A_CHARACTER;
  switch (format) {
    case "wav":
    case "linear16":
      return writeWav(tone(seconds, rate), rate, text);
    case "pcm":
      return new Uint8Array(tone(seconds, rate).buffer);
    case "mp3":
      return Buffer.concat([id3Tag(text), silentMp3(seconds)]);
    default: {
      const magic = MAGIC[/** @type {keyof typeof MAGIC} */ (format)] ?? "";
      return Buffer.concat([
        Buffer.from(magic, "latin1"),
        Buffer.alloc(Math.ceil(seconds * 4_000)),
      ]);
    }
  }
}

/** @param {number} seconds @param {number} rate */
function tone(seconds, rate) {
  const turn = (2 * Math.PI * PITCH) / rate;
  return Int16Array.from({ length: Math.ceil(seconds * rate) }, (_, at) =>
    Math.round(Math.sin(at * turn) * LOUDNESS),
  );
}

/** @param {number} seconds */
function silentMp3(seconds) {
  const frame = Buffer.alloc(MP3_FRAME.bytes);
  frame.set([0xff, 0xfb, 0x10, 0xc4]);
  return Buffer.concat(Array.from({ length: Math.ceil(seconds / MP3_FRAME.seconds) }, () => frame));
}
