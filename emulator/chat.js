// Text generation without a model: quotes the sentences of its context that answer the question,
// and says what it was asked when there are none.

import { quote, splitQuestion } from "./quote.js";
import { instanceOf } from "./schema.js";
import { scriptedText } from "./script.js";
import { applyScript } from "./scripted.js";
import { countTokens, sentences, truncateUtf8 } from "./text.js";
import { callTools } from "./tools.js";
import { windowError } from "./window.js";

/** @import { Asked, Completion, Conversation, Json, Model, ToolCall, Turn } from "./types.js" */

const MAX_SENTENCE_CHARACTERS = 600;
/** Sentences that address the model, not the reader. */
const INSTRUCTION = new RegExp(
  "^(?:you (?:are|must|should|will)|(?:always )?(?:answer|reply|respond|cite)|use only|only use|" +
    "eres|responde|cita|usa (?:solo|sólo|únicamente)|você é)\\b",
  "iu",
);
const IMAGE_TOKENS = 85;
const PREAMBLE = "Let me look that up.";

/**
 * Prompt tokens of a request: its text, media, and its tools and schema as JSON.
 * @param {Turn[]} turns
 * @param {unknown[]} extras
 */
export function promptTokens(turns, ...extras) {
  const text = turns.reduce((sum, turn) => sum + turnTokens(turn), 0);
  const json = extras.filter((extra) => extra !== undefined).map((extra) => JSON.stringify(extra));
  return text + json.reduce((sum, extra) => sum + countTokens(extra), 0);
}

/** @param {Turn} turn */
function turnTokens({ text, media }) {
  const tokens = media.map((seen) =>
    seen.kind === "image" ? IMAGE_TOKENS : countTokens(seen.text || seen.says),
  );
  return tokens.reduce((sum, count) => sum + count, countTokens(text));
}

/**
 * @param {Model} model
 * @param {Asked} request
 * @throws {Error} when prompt and output cap do not fit the window
 */
export function checkWindow(model, { promptTokens: prompt, maxTokens }) {
  const total = prompt + maxTokens;
  if (total <= model.window) return;
  throw windowError(model, prompt, total);
}

/** @param {Model} model @param {Conversation} request @returns {Completion} */
export function complete(model, request) {
  return applyScript(request, answer(model, request));
}

/** @param {Model} model @param {Conversation} request @returns {Completion} */
function answer(model, request) {
  const { last, question, passages, seen } = readTurns(request.turns);
  const scripted = scriptedText(request.script);
  const answered = last?.role === "tool" && request.choice.mode !== "required";
  const calls = answered || scripted !== undefined ? [] : callTools(request, question);
  if (calls.length > 0) return callCompletion(model, request, calls);
  const text =
    scripted ??
    (last?.role === "tool" && seen === ""
      ? fromTool(last.text, question)
      : seen || fromContext(passages, question));
  if (request.schema) return schemaCompletion(model, request, question, text);
  return textCompletion(model, request, text, passages.length);
}

/**
 * Finds the question, everything it can be answered from, and what is said of the pictures and
 * recordings that came last.
 * @param {Turn[]} turns
 */
function readTurns(turns) {
  const last = turns.at(-1);
  const user = turns.findLast((turn) => turn.role === "user");
  const { question, rest } = splitQuestion(user?.text ?? "");
  const context = turns.filter((turn) => turn !== user && turn.role !== "assistant");
  const documents = turns.flatMap(({ media }) => media.map(({ text }) => text));
  const passages = [...context.map((turn) => turn.text), rest, ...documents]
    .flatMap(sentences)
    .filter((sentence) => !sentence.endsWith("?") && !INSTRUCTION.test(sentence))
    .map((sentence) => sentence.slice(0, MAX_SENTENCE_CHARACTERS));
  const shown = last?.media.filter(({ kind, text }) => kind !== "document" || text === "") ?? [];
  return { last, question, passages, seen: shown.map(({ says }) => says).join(" ") };
}

/** @param {string} result @param {string} question */
function fromTool(result, question) {
  const quoted = quote(sentences(result), question);
  return quoted ?? `The tool answered: ${result.slice(0, MAX_SENTENCE_CHARACTERS)}`;
}

/** @param {string[]} passages @param {string} question */
function fromContext(passages, question) {
  return quote(passages, question) ?? `You asked: ${question}`;
}

/**
 * @param {Model} model
 * @param {Conversation} request
 * @param {ToolCall[]} calls
 * @returns {Completion}
 */
function callCompletion(model, request, calls) {
  const names = calls.map(({ name }) => name).join(", ");
  const reasoning = reasonAbout(model, request, `The tool ${names} fits the request.`);
  const text = request.script.says.has("preamble") ? PREAMBLE : "";
  const written = calls.map(({ name, arguments: value }) => `${name}${JSON.stringify(value)}`);
  return {
    ...measure(request, reasoning, text + written.join("")),
    text,
    calls,
    finish: "tool_calls",
    stopSequence: null,
  };
}

/**
 * JSON mode: free text in the schema is filled from the answer where there is context for one.
 * @param {Model} model
 * @param {Conversation} request
 * @param {string} question
 * @param {string} answer
 * @returns {Completion}
 */
function schemaCompletion(model, request, question, answer) {
  const source = answer.startsWith("You asked: ") ? question : answer;
  const value = request.strict
    ? instanceOf(request.schema ?? {}, source)
    : looseObject(question, answer);
  const completion = textCompletion(model, request, JSON.stringify(value), 0);
  return completion.finish === "stop" && completion.stopSequence === null
    ? { ...completion, value }
    : completion;
}

/**
 * JSON without a schema: the keys that the question names ("with 'name' and 'depth' keys"), else `answer`.
 * @param {string} question
 * @param {string} answer
 * @returns {Json}
 */
function looseObject(question, answer) {
  const named = /(?:['"`]\w+['"`](?:,? and |, | )?)+keys?\b/u.exec(question)?.[0] ?? "";
  const keys = [...named.matchAll(/['"`](\w+)['"`]/gu)].map(([, key = ""]) => key);
  return Object.fromEntries((keys.length > 0 ? keys : ["answer"]).map((key) => [key, answer]));
}

/**
 * Applies stop sequences and the token cap; reasoning is paid from the same cap, as on the real
 * models.
 * @param {Model} model
 * @param {Conversation} request
 * @param {string} answer
 * @param {number} passages
 * @returns {Completion}
 */
function textCompletion(model, request, answer, passages) {
  const thought = reasonAbout(model, request, `The context has ${passages} sentences.`);
  const reasoning = truncateUtf8(thought, request.maxTokens * 4);
  const { text: stopped, sequence } = stopAt(answer, request.stop);
  const left = request.maxTokens - countTokens(reasoning);
  const text = truncateUtf8(stopped, left * 4);
  const cut = text !== stopped || reasoning !== thought;
  return {
    ...measure(request, reasoning, text),
    text,
    calls: [],
    finish: cut ? "length" : "stop",
    stopSequence: cut ? null : sequence,
  };
}

/** @param {Model} model @param {Conversation} request @param {string} thought */
function reasonAbout(model, request, thought) {
  return model.reasoning && request.reasoning ? thought : "";
}

/** @param {string} text @param {string[]} stops */
function stopAt(text, stops) {
  let end = text.length;
  /** @type {string | null} */
  let sequence = null;
  for (const stop of stops) {
    const at = stop === "" ? -1 : text.indexOf(stop);
    if (at >= 0 && at < end) [end, sequence] = [at, stop];
  }
  return { text: text.slice(0, end), sequence };
}

/** @param {Conversation} request @param {string} reasoning @param {string} text */
function measure(request, reasoning, text) {
  const reasoningTokens = countTokens(reasoning);
  return {
    reasoning,
    reasoningTokens,
    refusal: "",
    citations: [],
    promptTokens: request.promptTokens,
    cachedTokens: request.cache?.read ?? 0,
    completionTokens: reasoningTokens + countTokens(text),
  };
}

/**
 * Words with the space after them: the pieces of a stream.
 * @param {string} text
 * @returns {string[]}
 */
export function pieces(text) {
  return text.match(/\s*\S+\s*/gu) ?? (text === "" ? [] : [text]);
}
