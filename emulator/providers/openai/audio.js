// https://platform.openai.com/docs/api-reference/audio
import { badRequest } from "../../errors.js";
import { readSound } from "../../media/sound.js";
import { speak, speechResponse } from "../../media/speech.js";
import { hear, srt, vtt } from "../../media/transcription.js";
import { countTokens } from "../../text.js";

/** @import { CallOutcome, FaultRule, Json, Model } from "../../types.js" */

const FORMATS = ["json", "text", "srt", "verbose_json", "vtt"];
const VOICES = "alloy ash ballad cedar coral echo fable marin nova onyx sage shimmer verse".split(
  " ",
);
const SOUNDS = ["mp3", "opus", "aac", "flac", "wav", "pcm"];
const MOST_CHARACTERS = 4_096;

/** @param {Model} model @param {Json} inputs the form's fields @returns {Promise<Response>} */
export async function runOpenAiTranscription({ name }, inputs) {
  if (!(inputs.file instanceof File)) {
    throw badRequest("Missing required parameter: 'file'.", "file", "missing_required_parameter");
  }
  const format = inputs.response_format ?? "json";
  const onlyJson = name !== "whisper-1" && format !== "json" && format !== "text";
  if (!FORMATS.includes(format) || onlyJson) {
    throw badRequest(
      `response_format '${format}' is not compatible with model '${name}'.`,
      "response_format",
      "unsupported_value",
    );
  }
  const sound = readSound(new Uint8Array(await inputs.file.arrayBuffer()));
  if (!sound) {
    throw badRequest(
      "Invalid file format. Supported formats: ['flac', 'm4a', 'mp3', 'mp4', 'mpeg', 'mpga', " +
        "'oga', 'ogg', 'wav', 'webm']",
      "file",
    );
  }
  return written(hear(sound), format, name, inputs);
}

/**
 * @param {ReturnType<typeof hear>} heard
 * @param {string} format
 * @param {string} name
 * @param {Json} inputs
 */
function written({ text, duration, segments, words }, format, name, inputs) {
  switch (format) {
    case "text":
      return plain(`${text}\n`);
    case "srt":
      return plain(srt(segments));
    case "vtt":
      return plain(vtt(segments));
    case "verbose_json": {
      const wanted = [inputs["timestamp_granularities[]"] ?? "segment"].flat();
      return Response.json({
        task: "transcribe",
        language: inputs.language ?? "english",
        duration,
        text,
        ...(wanted.includes("word")
          ? { words: words.map(({ text: word, start, end }) => ({ word, start, end })) }
          : {}),
        ...(wanted.includes("segment") ? { segments: segments.map(segment) } : {}),
        usage: { type: "duration", seconds: Math.ceil(duration) },
      });
    }
    default:
      return Response.json({ text, usage: usage(name, duration, text) });
  }
}

/** @param {string} text */
function plain(text) {
  return new Response(text, { headers: { "content-type": "text/plain; charset=utf-8" } });
}

/** @param {{ start: number, end: number, text: string }} span @param {number} id */
function segment({ start, end, text }, id) {
  const scores = { temperature: 0, avg_logprob: -0.1, compression_ratio: 1, no_speech_prob: 0 };
  return { id, seek: 0, start, end, text, tokens: [id], ...scores };
}

/**
 * By the minute for whisper-1, by tokens for what came after it.
 * @param {string} name
 * @param {number} seconds
 * @param {string} text
 */
function usage(name, seconds, text) {
  if (name === "whisper-1") return { type: "duration", seconds: Math.ceil(seconds) };
  const [input, output] = [Math.ceil(seconds * 10), countTokens(text)];
  return {
    type: "tokens",
    input_tokens: input,
    input_token_details: { text_tokens: 0, audio_tokens: input },
    output_tokens: output,
    total_tokens: input + output,
  };
}

/**
 * @param {Json} inputs
 * @param {FaultRule} fault
 * @param {CallOutcome} outcome
 * @returns {Response}
 */
export function runOpenAiSpeech(
  { input, voice, response_format: given, speed = 1 },
  fault,
  outcome,
) {
  const format = given ?? "mp3";
  if (typeof input !== "string" || input === "") {
    throw badRequest("Missing required parameter: 'input'.", "input", "missing_required_parameter");
  }
  if (input.length > MOST_CHARACTERS) {
    throw badRequest(
      `Invalid 'input': string too long. Expected a string with maximum length ${MOST_CHARACTERS}, ` +
        `but got a string with length ${input.length} instead.`,
      "input",
      "string_above_max_length",
    );
  }
  if (!VOICES.includes(voice)) {
    throw badRequest(
      `Invalid value: '${voice}'. Supported values are: ${VOICES.map((name) => `'${name}'`).join(", ")}.`,
      "voice",
      "invalid_value",
    );
  }
  if (!SOUNDS.includes(format)) {
    throw badRequest(`Invalid value: '${format}'.`, "response_format", "invalid_value");
  }
  if (typeof speed !== "number" || speed < 0.25 || speed > 4) {
    throw badRequest("Invalid 'speed': expected a value from 0.25 to 4.", "speed");
  }
  return speechResponse(speak(input, format), format, fault, outcome);
}
