// The models the binding reaches and how each of them speaks. Models over HTTP: providers/hosts.js.
import { ServiceError, workersAiError } from "./errors.js";
import { isReasoner, openAiTask } from "./providers/openai_models.js";

/** @import { ErrorStyle, Model } from "./types.js" */

/** @typedef {Omit<Model, "id" | "name" | "errors">} Traits */

/** @type {Pick<Traits, "task" | "wire" | "defaultMaxTokens">} */
const NATIVE = { task: "chat", wire: "native", defaultMaxTokens: 256 };
/** @type {Pick<Traits, "task" | "wire" | "defaultMaxTokens">} */
const COMPLETIONS = { task: "chat", wire: "workers_ai", defaultMaxTokens: 2_048 };
/** @type {Pick<Traits, "wire" | "defaultMaxTokens">} */
const NO_CHAT = { wire: "native", defaultMaxTokens: 0 };
/** @type {Traits} */
const SPEECH = { ...NO_CHAT, task: "speech", window: 2_000 };
/** @type {Traits} */
const TRANSCRIPTION = { ...NO_CHAT, task: "transcription", window: 0 };

/** @type {Record<string, Traits>} */
const WORKERS_AI = {
  "@cf/meta/llama-3.1-8b-instruct-fast": { ...NATIVE, window: 128_000 },
  "@cf/meta/llama-3.1-8b-instruct-fp8": { ...NATIVE, window: 32_000 },
  "@cf/meta/llama-3.2-11b-vision-instruct": { ...NATIVE, window: 128_000 },
  "@cf/meta/llama-3.3-70b-instruct-fp8-fast": { ...NATIVE, window: 24_000 },
  "@cf/deepseek-ai/deepseek-r1-distill-qwen-32b": {
    ...NATIVE,
    window: 80_000,
    reasoning: "think_tags",
  },
  "@cf/qwen/qwen3-30b-a3b-fp8": { ...COMPLETIONS, window: 32_768, reasoning: "reasoning_content" },
  "@cf/openai/gpt-oss-120b": { ...COMPLETIONS, window: 128_000, reasoning: "reasoning_content" },
  "@cf/openai/gpt-oss-20b": { ...COMPLETIONS, window: 128_000, reasoning: "reasoning_content" },
  "@cf/zai-org/glm-4.7-flash": { ...COMPLETIONS, window: 131_072, reasoning: "reasoning_content" },
  "@cf/google/gemma-4-26b-a4b-it": { ...COMPLETIONS, window: 131_072, reasoning: "reasoning" },
  "@cf/baai/bge-m3": { ...NO_CHAT, task: "embeddings", window: 60_000 },
  "@cf/baai/bge-reranker-base": { ...NO_CHAT, task: "rerank", window: 512 },
  "@cf/cloudflare/clef-flash": { ...NO_CHAT, task: "decision", window: 65_536 },
  "@cf/meta/llama-guard-3-8b": { ...NO_CHAT, task: "guard", window: 131_072 },
  "@cf/openai/whisper": TRANSCRIPTION,
  "@cf/openai/whisper-large-v3-turbo": TRANSCRIPTION,
  "@cf/deepgram/nova-3": TRANSCRIPTION,
  "@cf/deepgram/aura-1": SPEECH,
  "@cf/deepgram/aura-2-en": SPEECH,
  "@cf/deepgram/aura-2-es": SPEECH,
  "@cf/myshell-ai/melotts": SPEECH,
  "@cf/black-forest-labs/flux-1-schnell": { ...NO_CHAT, task: "image", window: 2_048 },
};

/** Retired 2026-05-30; `-fast` and `-fp8` variants stay. */
const DEPRECATED = new Set([
  "@cf/meta/llama-3.1-8b-instruct",
  "@cf/meta/llama-3.1-8b-instruct-awq",
  "@cf/meta/llama-3.1-70b-instruct",
  "@cf/meta/llama-3-8b-instruct",
  "@cf/mistral/mistral-7b-instruct-v0.1",
  "@cf/mistral/mistral-7b-instruct-v0.2",
  "@cf/google/gemma-3-12b-it",
  "@cf/facebook/bart-large-cnn",
]);

/**
 * Third-party models reached through the same binding; any name of the family is taken.
 * @type {{ prefix: string, names: RegExp, traits: Omit<Traits, "task"> }[]}
 */
const THIRD_PARTIES = [
  {
    prefix: "openai/",
    names: /^(?:gpt-|chatgpt-|o\d|text-embedding-|tts-|whisper-|dall-e-|omni-moderation-)/u,
    traits: { wire: "openai", window: 128_000, defaultMaxTokens: 4_096 },
  },
  {
    prefix: "anthropic/",
    names: /^claude-/u,
    traits: { wire: "anthropic", window: 200_000, defaultMaxTokens: 4_096, reasoning: "hidden" },
  },
  {
    prefix: "google/",
    names: /^gemini-/u,
    traits: { wire: "openai", window: 1_048_576, defaultMaxTokens: 4_096 },
  },
];

/** The form a model's errors take, known or not. @param {string} id @returns {ErrorStyle} */
export function errorStyleOf(id) {
  if (id.startsWith("@")) return "workers_ai";
  return id.startsWith("anthropic/") ? "anthropic" : "openai";
}

/**
 * @param {string} id
 * @returns {Model}
 * @throws {ServiceError} the model is unknown or retired
 */
export function findModel(id) {
  const traits = WORKERS_AI[id];
  if (traits) return { id, name: id, errors: "workers_ai", ...traits };
  if (DEPRECATED.has(id)) {
    throw workersAiError(
      5028,
      "This model was deprecated on 2026-05-30. Please use an alternative model.",
    );
  }
  return findThirdParty(id);
}

/** @param {string} id @returns {Model} */
function findThirdParty(id) {
  const party = THIRD_PARTIES.find(({ prefix }) => id.startsWith(prefix));
  if (!party) {
    if (id.startsWith("@")) throw workersAiError(5007, `No such model ${id} or task`);
    throw workersAiError(7003, `Model not found: ${id}`);
  }
  const name = id.slice(party.prefix.length);
  const { traits } = party;
  if (!party.names.test(name)) {
    throw traits.wire === "anthropic"
      ? new ServiceError(404, undefined, `model: ${name}`)
      : new ServiceError(
          404,
          undefined,
          `The model \`${name}\` does not exist or you do not have access to it.`,
        );
  }
  const task = party.prefix === "openai/" ? openAiTask(name) : "chat";
  const thinks = party.prefix === "openai/" && isReasoner(name);
  return {
    id,
    name,
    task,
    errors: errorStyleOf(id),
    ...traits,
    ...(thinks ? { reasoning: "hidden" } : {}),
  };
}
