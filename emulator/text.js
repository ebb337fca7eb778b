// Words, sentences and token counts: the lexical ground everything else stands on.

const ENGLISH =
  "a about an and any are as at be been but by can could did do does for from had has have he " +
  "her his how i if in into is it its just me my no not of on or our please she should so " +
  "some tell than that the their them then there these they this those to us was we were what " +
  "when where which who whom why will with would you your";
const SPANISH =
  "al algo como con cual cuales cuando cuanto cuanta cuantos cuantas de del donde e el ella " +
  "ellos en entre era es esa ese eso esta este esto favor fue ha han hay la las le les lo los " +
  "mas me mi mis muy ni nos o otra otro para pero por porque puede puedo que quien se ser si " +
  "sin sobre son su sus tan te tiene tu tus u un una uno unos unas y ya yo";
const PORTUGUESE =
  "ao aos as com da das do dos ela ele em essa esse foi isso isto mais mas meu minha na nas " +
  "nao nem no nos num numa os ou pela pelo pode posso quais qual quando quanto quem sao sem " +
  "seu sua tem uma voce";
const STOP_WORDS = new Set(`${ENGLISH} ${SPANISH} ${PORTUGUESE}`.split(" "));

const encoder = new TextEncoder();

/** @param {string} text @returns {number} bytes of its UTF-8 form */
export function utf8Length(text) {
  return encoder.encode(text).length;
}

/**
 * The emulator's token count: one token per four UTF-8 bytes, rounded up. Close to what byte-level
 * BPE gives for English, and the same on every machine.
 * @param {string} text
 */
export function countTokens(text) {
  return Math.ceil(utf8Length(text) / 4);
}

/**
 * The longest prefix of at most `bytes` UTF-8 bytes that ends on a character boundary.
 * @param {string} text
 * @param {number} bytes
 */
export function truncateUtf8(text, bytes) {
  const encoded = encoder.encode(text);
  if (encoded.length <= bytes) return text;
  let end = bytes;
  while (end > 0 && ((encoded[end] ?? 0) & 0xc0) === 0x80) end -= 1;
  return new TextDecoder().decode(encoded.subarray(0, end));
}

/** Lower case without accents. @param {string} text */
export function fold(text) {
  return text
    .normalize("NFD")
    .replace(/\p{M}+/gu, "")
    .toLowerCase();
}

/** The words of a text, folded, in order. @param {string} text @returns {string[]} */
export function words(text) {
  return fold(text).match(/[\p{L}\p{N}]+/gu) ?? [];
}

/**
 * A crude stem that brings English, Spanish and Portuguese inflections together: "returns" and
 * "returned", "devolver" and "devoluciones".
 * @param {string} word folded
 */
export function stem(word) {
  const bare = word.length > 4 ? word.replace(/(?:mente|ing|ed|es|s)$/u, "") : word;
  const single = bare.replace(/([^aeiou])\1$/u, "$1");
  return single.length >= 3 ? single.slice(0, 5) : word;
}

/** Stems of the words that carry meaning. @param {string} text @returns {Set<string>} */
export function contentStems(text) {
  return new Set(
    words(text)
      .filter((word) => !STOP_WORDS.has(word))
      .map(stem),
  );
}

/** @param {Set<string>} left @param {Set<string>} right */
export function sharedCount(left, right) {
  let shared = 0;
  for (const item of left) if (right.has(item)) shared += 1;
  return shared;
}

/**
 * Sentences of a text, list bullets and heading marks removed.
 * @param {string} text
 * @returns {string[]}
 */
export function sentences(text) {
  return text
    .split(/\n+|(?<=[.!?])\s+(?=[\p{Lu}\p{N}¿¡"“«[(])/u)
    .map((sentence) => sentence.replace(/^[\s#>*•-]+|\s+$/gu, ""))
    .filter((sentence) => sentence !== "");
}
