// Speech to text without a model: what the recording's comment says, else how long it lasts.
import { workersAiError } from "../errors.js";
import { sentences } from "../text.js";
import { fromBase64 } from "./bytes.js";
import { readSound } from "./sound.js";

/** @import { Json, Model } from "../types.js" */
/** @import { Sound } from "./sound.js" */

/** @typedef {{ start: number, end: number, text: string }} Span seconds */

/**
 * Whisper and Nova over the binding.
 * https://developers.cloudflare.com/workers-ai/models/whisper-large-v3-turbo/
 * https://developers.cloudflare.com/workers-ai/models/nova-3/
 * @param {Model} model
 * @param {Json} inputs
 * @returns {Promise<Response>}
 */
export async function runTranscription({ id }, inputs) {
  const bytes = await readAudio(inputs.audio);
  const sound = bytes && readSound(bytes);
  if (!sound) throw workersAiError(5006, "Error: '/audio' is no recording this model can decode");
  const heard = hear(sound);
  if (id.includes("nova")) return Response.json(novaAnswer(heard));
  return Response.json(whisperAnswer(heard, String(inputs.language ?? "en")));
}

/**
 * Base64, bytes, or `{body, contentType}`.
 * @param {any} audio
 * @returns {Promise<Uint8Array | undefined>}
 */
async function readAudio(audio) {
  if (typeof audio === "string") return fromBase64(audio);
  if (Array.isArray(audio)) return Uint8Array.from(audio);
  const body = audio?.body ?? audio;
  if (typeof body === "string") return fromBase64(body);
  if (ArrayBuffer.isView(body))
    return new Uint8Array(body.buffer, body.byteOffset, body.byteLength);
  if (!(body instanceof ReadableStream || body instanceof ArrayBuffer)) return undefined;
  return new Uint8Array(await new Response(body).arrayBuffer());
}

/**
 * The text of a recording, its spans and its words, all in time with how long it lasts.
 * @param {Sound} sound
 */
export function hear({ text: said, seconds }) {
  const duration = rounded(seconds);
  const text = said === "" ? `A sound of ${seconds.toFixed(1)} seconds.` : said;
  const segments = timed(sentences(text), duration);
  const words = timed(text.match(/\S+/gu) ?? [], duration);
  return { text, duration, segments, words };
}

/**
 * Shares the time out by length.
 * @param {string[]} parts
 * @param {number} duration
 * @returns {Span[]}
 */
function timed(parts, duration) {
  const total = parts.reduce((sum, part) => sum + part.length, 0) || 1;
  let before = 0;
  return parts.map((text) => {
    const start = rounded((before / total) * duration);
    before += text.length;
    return { start, end: rounded((before / total) * duration), text };
  });
}

/** Milliseconds. @param {number} seconds */
function rounded(seconds) {
  return Math.round(seconds * 1_000) / 1_000;
}

/** @param {ReturnType<typeof hear>} heard @param {string} language */
function whisperAnswer({ text, duration, segments, words }, language) {
  return {
    transcription_info: {
      language,
      language_probability: 1,
      duration,
      duration_after_vad: duration,
    },
    text,
    word_count: words.length,
    segments: segments.map((segment) => ({
      ...segment,
      temperature: 0,
      avg_logprob: -0.1,
      compression_ratio: 1,
      no_speech_prob: 0,
      words: words
        .filter(({ start }) => start >= segment.start && start < segment.end)
        .map(({ text: word, start, end }) => ({ word, start, end })),
    })),
    vtt: vtt(segments),
    emulated: true,
  };
}

/** @param {ReturnType<typeof hear>} heard */
function novaAnswer({ text, duration, words }) {
  const alternative = {
    transcript: text,
    confidence: 1,
    words: words.map(({ text: word, start, end }) => ({
      word: word.toLowerCase().replace(/[^\p{L}\p{N}]/gu, ""),
      punctuated_word: word,
      start,
      end,
      confidence: 1,
    })),
  };
  return {
    metadata: { duration, channels: 1 },
    results: { channels: [{ alternatives: [alternative] }] },
    emulated: true,
  };
}

/** WebVTT. @param {Span[]} segments */
export function vtt(segments) {
  const cues = segments.map(
    ({ start, end, text }) => `${clock(start, ".")} --> ${clock(end, ".")}\n${text}\n`,
  );
  return `WEBVTT\n\n${cues.join("\n")}`;
}

/** SubRip. @param {Span[]} segments */
export function srt(segments) {
  const cues = segments.map(
    ({ start, end, text }, at) =>
      `${at + 1}\n${clock(start, ",")} --> ${clock(end, ",")}\n${text}\n`,
  );
  return `${cues.join("\n")}\n`;
}

/** `00:00:01.500`. @param {number} seconds @param {string} point */
function clock(seconds, point) {
  const time = new Date(Math.round(seconds * 1_000)).toISOString().slice(11, 23);
  return time.replace(".", point);
}
