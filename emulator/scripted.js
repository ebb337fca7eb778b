// An answer made to look the way its script asks.
import { countTokens } from "./text.js";

/** @import { Citation, Completion, Conversation, Medium, Say } from "./types.js" */

const REFUSAL = "I'm sorry, but I can't help with that.";
const REASONING = "First I read the question. Then I looked for what answers it.";

/** Each says how a completion changes; they apply in this order. @type {[Say, Change][]} */
const CHANGES = [
  ["reasoning", reason],
  ["redacted", reason],
  ["length", (completion) => ({ ...halved(completion), finish: "length" })],
  ["safety", (completion) => ({ ...halved(completion), finish: "safety" })],
  ["refusal", refuse],
  ["cached", cache],
  ["citation", cite],
];

/** @typedef {(completion: Completion, request: Conversation) => Completion} Change */

/** @param {Conversation} request @param {Completion} completion @returns {Completion} */
export function applyScript(request, completion) {
  const { says } = request.script;
  if (says.size === 0) return completion;
  return CHANGES.reduce(
    (changed, [say, change]) => (says.has(say) ? change(changed, request) : changed),
    completion,
  );
}

/** @type {Change} */
function reason(completion) {
  if (completion.reasoning !== "") return completion;
  return withTokens({ ...completion, reasoning: REASONING });
}

/** @type {Change} */
function refuse(completion) {
  const silent = { ...completion, text: "", calls: [], citations: [], refusal: REFUSAL };
  delete silent.value;
  return withTokens({ ...silent, finish: "refusal" });
}

/** Half of the prompt, rounded down. @type {Change} */
function cache(completion) {
  return { ...completion, cachedTokens: Math.floor(completion.promptTokens / 2) };
}

/**
 * Cites the document the answer is quoted from, else a page of the web.
 * @type {Change}
 */
function cite(completion, { turns }) {
  const { text } = completion;
  const document = turns
    .flatMap(({ media }) => media)
    .find((medium) => medium.kind === "document" && text !== "" && medium.text.includes(text));
  const citation = { start: 0, end: text.length, cited: text, ...sourceOf(document) };
  return { ...completion, citations: text === "" ? [] : [citation] };
}

/** @param {Medium | undefined} document @returns {Pick<Citation, "title" | "url">} */
function sourceOf(document) {
  if (document) return { title: document.title ?? "", url: "" };
  return { title: "An example", url: "https://example.com/source" };
}

/** The first half of the text, cut between characters. @param {Completion} completion */
function halved(completion) {
  const characters = [...completion.text];
  const text = characters.slice(0, Math.ceil(characters.length / 2)).join("");
  const cut = { ...completion, text, calls: [] };
  delete cut.value;
  return withTokens(cut);
}

/** @param {Completion} completion @returns {Completion} */
function withTokens(completion) {
  const { text, reasoning, refusal, calls } = completion;
  const written = calls.map(({ name, arguments: value }) => `${name}${JSON.stringify(value)}`);
  const reasoningTokens = countTokens(reasoning);
  const completionTokens = reasoningTokens + countTokens(text + refusal + written.join(""));
  return { ...completion, reasoningTokens, completionTokens };
}
