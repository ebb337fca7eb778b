// The providers reached over HTTP: where each lives, how it authenticates, and how it speaks.
/** @import { ErrorStyle, Model } from "../types.js" */

/**
 * @typedef {object} Provider
 * @property {string} slug
 * @property {string} prefix first segment of the emulator's own path for it
 * @property {RegExp} host
 * @property {string} base what every path begins with
 * @property {"openai" | "anthropic" | "gemini"} family
 * @property {ErrorStyle} errors
 * @property {"bearer" | "api-key" | "x-api-key" | "x-goog-api-key"} key
 * @property {RegExp} models names it knows
 * @property {Model["flavour"]} [flavour]
 * @property {[RegExp, Model["reasoning"]]} [thinks] models that show their reasoning, and where
 */

const ANY = /^(?!.*(?:nothing|unknown|no-such))./u;
const OPENAI_MODELS = new RegExp(
  "^(?:gpt-(?:3\\.5|4|4o|4\\.1|4\\.5|5|oss|image)(?:[.-].*)?|chatgpt-.+|o[134](?:-.+)?|codex-.+|" +
    "text-embedding-(?:3-small|3-large|ada-002)|whisper-1|tts-1(?:-hd)?|dall-e-[23]|" +
    "(?:omni|text)-moderation-.+)$",
  "u",
);

/**
 * @param {string} slug
 * @param {string} host
 * @param {string} base
 * @param {Partial<Provider>} [own]
 * @returns {Provider}
 */
function compatible(slug, host, base, own = {}) {
  return {
    slug,
    prefix: slug,
    host: new RegExp(`^${host.replaceAll(".", "\\.")}$`, "u"),
    base,
    family: "openai",
    errors: "openai",
    key: "bearer",
    models: ANY,
    ...own,
  };
}

/** @type {Provider[]} */
const PROVIDERS = [
  compatible("openai", "api.openai.com", "/v1", { models: OPENAI_MODELS }),
  compatible("azure-openai", "", "/openai", {
    prefix: "azure",
    host: /\.openai\.azure\.com$/u,
    errors: "azure",
    key: "api-key",
    flavour: "azure",
  }),
  compatible("anthropic", "api.anthropic.com", "/v1", {
    family: "anthropic",
    errors: "anthropic",
    key: "x-api-key",
    models: /^claude-(?!nothing)/u,
  }),
  compatible("google", "generativelanguage.googleapis.com", "/v1beta", {
    family: "gemini",
    errors: "google",
    key: "x-goog-api-key",
    models: /^(?:gemini-(?!nothing)|gemma-|text-embedding-|embedding-)/u,
  }),
  compatible("groq", "api.groq.com", "/openai/v1", {
    flavour: "groq",
    thinks: [/gpt-oss|qwen3|deepseek-r1/u, "reasoning"],
  }),
  compatible("mistral", "api.mistral.ai", "/v1", {
    errors: "mistral",
    flavour: "mistral",
    thinks: [/^magistral/u, "thinking_parts"],
  }),
  compatible("deepseek", "api.deepseek.com", "", {
    flavour: "deepseek",
    models: /^deepseek-(?:chat|reasoner|v\d.*)$/u,
    thinks: [/reasoner/u, "reasoning_content"],
  }),
  compatible("xai", "api.x.ai", "/v1", {
    errors: "xai",
    models: /^grok-(?!nothing)/u,
    thinks: [/^grok-3-mini/u, "reasoning_content"],
  }),
  compatible("openrouter", "openrouter.ai", "/api/v1", {
    errors: "numbered",
    flavour: "openrouter",
    thinks: [/thinking|r1|gpt-oss|gpt-5|o\d/u, "reasoning"],
  }),
  compatible("together", "api.together.xyz", "/v1"),
  compatible("fireworks", "api.fireworks.ai", "/inference/v1", {
    thinks: [/gpt-oss|r1|qwen3/u, "reasoning_content"],
  }),
  compatible("cerebras", "api.cerebras.ai", "/v1", {
    errors: "flat",
    thinks: [/gpt-oss|qwen-3|glm/u, "reasoning"],
  }),
  compatible("huggingface", "router.huggingface.co", "/v1"),
];

/**
 * Which provider a URL is of: by its host, or, at the emulator's own address, by the first segment
 * of its path (`/groq/openai/v1/…`).
 * @param {URL} url
 * @returns {{ provider: Provider, path: string } | undefined} the path without the base; empty when
 *   it does not begin with it
 */
export function locate({ hostname, pathname }) {
  const provider = PROVIDERS.find(({ host }) => host.test(hostname));
  if (provider) return { provider, path: below(provider, pathname) };
  const [, segment = ""] = pathname.split("/");
  const own = PROVIDERS.find(({ prefix }) => prefix === segment);
  return own && { provider: own, path: below(own, pathname.slice(segment.length + 1)) };
}

/**
 * DeepSeek takes its paths with and without `/v1`.
 * @param {Provider} provider
 * @param {string} pathname
 */
function below({ slug, base }, pathname) {
  const path = slug === "deepseek" ? pathname.replace(/^\/v1\//u, "/") : pathname;
  return path.startsWith(`${base}/`) ? path.slice(base.length) : "";
}
