// Which sentences of a context answer a question: those that share most words with it.
import { contentStems, sharedCount } from "./text.js";

const MAX_SENTENCES = 3;
/** A further sentence is quoted when it scores at least this part of the best one. */
const NEAR_BEST = 0.6;
/** Part of the question's words a sentence must share. */
const LEAST_SHARE = 0.3;
/** A line of at most this many words that does not end a sentence is a title. */
const TITLE_WORDS = 10;
/**
 * What a word counts that only the title above a sentence shares, or that a title itself shares.
 */
const TITLE_WEIGHT = 0.5;

/**
 * The paragraph that asks, apart from the material around it: the last one that ends in a question
 * mark, else the shorter of the first and the last.
 * @param {string} text
 */
export function splitQuestion(text) {
  const paragraphs = text.split(/\n+/u).filter((paragraph) => paragraph.trim() !== "");
  const first = paragraphs[0] ?? "";
  const final = paragraphs.at(-1) ?? "";
  const asking = paragraphs.findLast((paragraph) => paragraph.trimEnd().endsWith("?"));
  const question = asking ?? (first.length < final.length ? first : final);
  const rest = paragraphs.filter((paragraph) => paragraph !== question).join("\n");
  return { question: question.trim(), rest };
}

/**
 * The sentences that share most with the question, in the order they came; undefined when none.
 * @param {string[]} passages
 * @param {string} question
 * @returns {string | undefined}
 */
export function quote(passages, question) {
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
