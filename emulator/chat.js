// Text generation without a model: quotes the sentences of its context that answer the question,
// and says what it was asked when there are none.
import { workersAiError } from "./errors.js";
import { instanceOf } from "./schema.js";
import { contentStems, countTokens, sentences, sharedCount, truncateUtf8 } from "./text.js";
import { callTool } from "./tools.js";

/** @import { Completion, Conversation, Model, ToolCall, Turn } from "./types.js" */

const MAX_SENTENCES = 3;
const MAX_SENTENCE_CHARACTERS = 600;
/** A further sentence is quoted when it scores at least this part of the best one. */
const NEAR_BEST = 0.6;
/** Part of the question's words a sentence must share. */
const LEAST_SHARE = 0.3;
/** Sentences that address the model, not the reader. */
const INSTRUCTION = new RegExp(
  "^(?:you (?:are|must|should|will)|(?:always )?(?:answer|reply|respond|cite)|use only|only use|" +
    "eres|responde|cita|usa (?:solo|sólo|únicamente)|você é)\\b",
  "iu",
);
/** A line of at most this many words that does not end a sentence is a title. */
const TITLE_WORDS = 10;
/**
 * What a word counts that only the title above a sentence shares, or that a title itself shares.
 */
const TITLE_WEIGHT = 0.5;
const IMAGE_TOKENS = 85;

/**
 * Prompt tokens of a request: its text, and its tools and schema as JSON.
 * @param {Turn[]} turns
 * @param {unknown[]} extras
 */
export function promptTokens(turns, ...extras) {
  const text = turns.reduce(
    (sum, turn) => sum + countTokens(turn.text) + turn.images * IMAGE_TOKENS,
    0,
  );
  const json = extras.filter((extra) => extra !== undefined).map((extra) => JSON.stringify(extra));
  return text + json.reduce((sum, extra) => sum + countTokens(extra), 0);
}

/**
 * @param {Model} model
 * @param {Conversation} request
 * @throws {Error} 5021 when prompt and output cap do not fit the window
 */
export function checkWindow(model, { promptTokens: prompt, maxTokens }) {
  const total = prompt + maxTokens;
  if (total <= model.window) return;
  throw workersAiError(
    5021,
    `The estimated number of input and maximum output tokens (${total}) exceeded this model ` +
      `context window limit (${model.window}).`,
  );
}

/** @param {Model} model @param {Conversation} request @returns {Completion} */
export function complete(model, request) {
  const { last, question, passages } = readTurns(request.turns);
  const answered = last?.role === "tool" && request.choice.mode !== "required";
  const call = answered ? undefined : callTool(request.tools, request.choice, question);
  if (call) return callCompletion(model, request, call);
  const answer =
    last?.role === "tool" ? fromTool(last.text, question) : fromContext(passages, question);
  if (request.schema) return schemaCompletion(model, request, question, answer);
  return textCompletion(model, request, answer, passages.length);
}

/**
 * Finds the question and everything it can be answered from.
 * @param {Turn[]} turns
 */
function readTurns(turns) {
  const last = turns.at(-1);
  const user = turns.findLast((turn) => turn.role === "user");
  const { question, rest } = splitQuestion(user?.text ?? "");
  const context = turns.filter((turn) => turn !== user && turn.role !== "assistant");
  const passages = [...context.map((turn) => turn.text), rest]
    .flatMap(sentences)
    .filter((sentence) => !sentence.endsWith("?") && !INSTRUCTION.test(sentence))
    .map((sentence) => sentence.slice(0, MAX_SENTENCE_CHARACTERS));
  return { last, question, passages };
}

/**
 * The paragraph that asks, apart from the material around it: the last one that ends in a question
 * mark, else the shorter of the first and the last.
 * @param {string} text
 */
function splitQuestion(text) {
  const paragraphs = text.split(/\n+/u).filter((paragraph) => paragraph.trim() !== "");
  const first = paragraphs[0] ?? "";
  const final = paragraphs.at(-1) ?? "";
  const asking = paragraphs.findLast((paragraph) => paragraph.trimEnd().endsWith("?"));
  const question = asking ?? (first.length < final.length ? first : final);
  const rest = paragraphs.filter((paragraph) => paragraph !== question).join("\n");
  return { question: question.trim(), rest };
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
 * The sentences that share most with the question, in the order they came; undefined when none.
 * @param {string[]} passages
 * @param {string} question
 * @returns {string | undefined}
 */
function quote(passages, question) {
  const asked = contentStems(question);
  const scored = score(passages, asked);
  const [best] = scored;
  if (!best || best.shared < asked.size * LEAST_SHARE) return undefined;
  const near = scored
    .filter(({ score, title }) => score >= best.score * NEAR_BEST && title === best.title)
    .slice(0, MAX_SENTENCES)
    .sort((left, right) => left.index - right.index);
  return [...new Set(near.map(({ text }) => text))].join(" ");
}

/**
 * Sentences that share something with the question, best first. A title lends its words to the
 * sentences under it and counts less itself: it names the answer but is none.
 * @param {string[]} passages
 * @param {Set<string>} asked
 */
function score(passages, asked) {
  /** @type {Set<string>} */
  let above = new Set();
  const titles = findTitles(passages);
  const scored = passages.map((text, index) => {
    const stems = contentStems(text);
    const own = sharedCount(asked, stems);
    const title = titles.has(index);
    if (title) {
      above = stems;
      return { text, index, title, shared: own, score: own * TITLE_WEIGHT };
    }
    const lent = [...above].filter((stem) => asked.has(stem) && !stems.has(stem)).length;
    return { text, index, title, shared: own + lent, score: own + lent * TITLE_WEIGHT };
  });
  return scored
    .filter((entry) => entry.score > 0)
    .sort(
      (left, right) =>
        right.score - left.score ||
        Number(left.title) - Number(right.title) ||
        left.index - right.index,
    );
}

/**
 * Short lines that do not end a sentence and have text under them that is no title itself.
 * @param {string[]} lines
 * @returns {Set<number>} their indices
 */
function findTitles(lines) {
  /** @type {Set<number>} */
  const titles = new Set();
  for (let index = lines.length - 2; index >= 0; index -= 1) {
    const line = lines[index] ?? "";
    const short = line.split(/\s+/u).length <= TITLE_WORDS && !/[.!?…]["”»)\]]*$/u.test(line);
    if (short && !titles.has(index + 1)) titles.add(index);
  }
  return titles;
}

/**
 * @param {Model} model
 * @param {Conversation} request
 * @param {ToolCall} call
 * @returns {Completion}
 */
function callCompletion(model, request, call) {
  const reasoning = reasonAbout(model, request, `The tool ${call.name} fits the request.`);
  const written = `${call.name}${JSON.stringify(call.arguments)}`;
  return {
    ...measure(request, reasoning, written),
    text: "",
    calls: [call],
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
  const value = request.strict ? instanceOf(request.schema ?? {}, source) : { answer };
  const completion = textCompletion(model, request, JSON.stringify(value), 0);
  return completion.finish === "stop" && completion.stopSequence === null
    ? { ...completion, value }
    : completion;
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
    promptTokens: request.promptTokens,
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
