// Llama Guard 3 without a model: a word list per hazard category.
import { promptTokens } from "./chat.js";
import { workersAiError } from "./errors.js";
import { countTokens, fold } from "./text.js";
import { readRole } from "./wires/messages.js";
import { readContent } from "./wires/openai/content.js";

/** @import { Json, Turn } from "./types.js" */

/**
 * Categories of Llama Guard 3 to words that stand for them: folded, whole words, `*` for any ending
 * and `-` for the space between two words.
 */
const HAZARDS = {
  S1: "murder* massacre* terroris* kidnap* asesin* masacr* secuestr* sequestr*",
  S2: "launder* counterfeit* steal shoplift* phishing ransomware malware blanqueo falsificar robar",
  S3: "rape rapist violar-a estupr*",
  S4: "child-porn csam pornografia-infantil",
  S5: "defame difamar",
  S6: "overdose-on sobredosis-de",
  S7: "doxx* home-address-of domicilio-particular-de",
  S8: "pirated-copy keygen copia-pirata",
  S9: "bomb bombs explosive* explosivo* nerve-agent sarin anthrax u[nm]a-bomba armas-quimicas",
  S10: "subhuman inferior-race raza-inferior raca-inferior",
  S11: "suicid* kill-myself self-harm matarme autolesion* me-matar",
  S12: "porn pornograph* pornograf* erotic*",
  S13: "election-was-rigged fraude-electoral",
  S14: "fork-bomb sandbox-escape reverse-shell",
};

/** @type {[string, RegExp][]} */
const PATTERNS = Object.entries(HAZARDS).map(([category, list]) => {
  const words = list.split(" ").map((word) => word.replaceAll("-", "[\\s-]+").replace("*", "\\w*"));
  return [category, new RegExp(`\\b(?:${words.join("|")})\\b`, "u")];
});

/**
 * Judges the last message.
 * https://developers.cloudflare.com/workers-ai/models/llama-guard-3-8b/
 * @param {Json} inputs `{messages, response_format?}`
 * @returns {Json} `{response: "safe" | "unsafe\nS9", usage}`, or an object in JSON mode
 */
export function runGuard({ messages, response_format: format }) {
  const turns = readTurns(messages);
  const categories = hazardsIn(turns.at(-1)?.text ?? "");
  const safe = categories.length === 0;
  const verdict = safe ? "safe" : `unsafe\n${categories.join(",")}`;
  const prompt = promptTokens(turns);
  const completion = countTokens(verdict);
  return {
    response: format?.type === "json_object" ? { safe, categories } : verdict,
    usage: {
      prompt_tokens: prompt,
      completion_tokens: completion,
      total_tokens: prompt + completion,
    },
    emulated: true,
  };
}

/** The categories a text falls under. @param {string} text @returns {string[]} */
export function hazardsIn(text) {
  const folded = fold(text);
  return PATTERNS.filter(([, pattern]) => pattern.test(folded)).map(([name]) => name);
}

/** @param {unknown} messages @returns {Turn[]} */
function readTurns(messages) {
  if (!Array.isArray(messages) || messages.length === 0) {
    throw workersAiError(5006, "Error: required properties at '/' are 'messages'");
  }
  return messages.map((message, index) => {
    const role = readRole(message?.role);
    if ((role !== "user" && role !== "assistant") || typeof message.content !== "string") {
      throw workersAiError(5006, `Error: Type mismatch of '/messages/${index}'`);
    }
    return { role, ...readContent(message.content, `/messages/${index}/content`) };
  });
}
