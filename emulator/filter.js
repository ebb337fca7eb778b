// Metadata filters of Vectorize.
// https://developers.cloudflare.com/vectorize/reference/metadata-filtering/
import { truncateUtf8, utf8Length } from "./text.js";

/** @import { Metadata } from "./types.js" */

const MAX_FILTER_BYTES = 2_048;
const MAX_KEY_LENGTH = 512;
const INDEXED_STRING_BYTES = 64;

/** @typedef {string | number | boolean | null} Scalar */
/** @typedef {(value: Scalar | undefined) => boolean} Test */

/** @type {Record<string, (operand: any) => Test>} */
const OPERATORS = {
  $eq: (operand) => (value) => value === indexed(operand),
  $ne: (operand) => (value) => value !== indexed(operand),
  $lt: (operand) => (value) => comparable(value, operand) && value < operand,
  $lte: (operand) => (value) => comparable(value, operand) && value <= operand,
  $gt: (operand) => (value) => comparable(value, operand) && value > operand,
  $gte: (operand) => (value) => comparable(value, operand) && value >= operand,
  $in: (operand) => (value) => operand.map(indexed).includes(value),
  $nin: (operand) => (value) => !operand.map(indexed).includes(value),
};

/**
 * Compiles a filter. A property without a metadata index matches nothing, as on the service.
 * @param {unknown} filter
 * @param {string[]} indexes indexed properties
 * @returns {(metadata: Metadata) => boolean}
 * @throws {Error} the filter is malformed
 */
export function compileFilter(filter, indexes) {
  if (filter === undefined || filter === null) return () => true;
  if (typeof filter !== "object" || Array.isArray(filter) || Object.keys(filter).length === 0) {
    throw new Error("filter must be a non-empty object");
  }
  if (utf8Length(JSON.stringify(filter)) >= MAX_FILTER_BYTES) {
    throw new Error(`filter must be less than ${MAX_FILTER_BYTES} bytes of compact JSON`);
  }
  const tests = Object.entries(filter).flatMap(([key, condition]) => {
    checkKey(key);
    const test = compileCondition(key, condition);
    if (!indexes.includes(key)) return [() => false];
    return [(/** @type {Metadata} */ metadata) => test(indexedValue(metadata, key))];
  });
  return (metadata) => tests.every((test) => test(metadata));
}

/** @param {string} key */
function checkKey(key) {
  if (key === "" || key.startsWith("$") || /["|]/u.test(key) || key.length > MAX_KEY_LENGTH) {
    throw new Error(`invalid filter key ${JSON.stringify(key)}`);
  }
}

/** @param {string} key @param {unknown} condition @returns {Test} */
function compileCondition(key, condition) {
  if (isScalar(condition)) return /** @type {Test} */ (OPERATORS.$eq?.(condition));
  const entries = Object.entries(/** @type {object} */ (condition ?? {}));
  if (entries.length === 0)
    throw new Error(`empty condition for filter key ${JSON.stringify(key)}`);
  const tests = entries.map(([operator, operand]) => {
    const make = Object.hasOwn(OPERATORS, operator) ? OPERATORS[operator] : undefined;
    if (!make) throw new Error(`unknown filter operator ${JSON.stringify(operator)}`);
    const takesList = operator === "$in" || operator === "$nin";
    const fits = takesList ? Array.isArray(operand) && operand.every(isScalar) : isScalar(operand);
    if (!fits) throw new Error(`invalid operand of filter operator ${operator}`);
    return make(operand);
  });
  return (value) => tests.every((test) => test(value));
}

/** @param {unknown} value @returns {value is Scalar} */
function isScalar(value) {
  return value === null || ["string", "number", "boolean"].includes(typeof value);
}

/** @param {Scalar | undefined} value @param {Scalar} operand @returns {value is string | number} */
function comparable(value, operand) {
  return (
    typeof value === typeof operand && (typeof value === "string" || typeof value === "number")
  );
}

/** Strings are indexed by their first 64 bytes. @param {Scalar} value @returns {Scalar} */
function indexed(value) {
  return typeof value === "string" ? truncateUtf8(value, INDEXED_STRING_BYTES) : value;
}

/**
 * What the index holds for a property; dots in its name are nesting.
 * @param {Metadata} metadata
 * @param {string} key
 */
function indexedValue(metadata, key) {
  /** @type {any} */
  let value = metadata;
  for (const part of key.split(".")) value = value?.[part];
  return isScalar(value) ? indexed(value) : undefined;
}

/**
 * The indexed properties of a metadata object, as `returnMetadata: "indexed"` shows them.
 * @param {Metadata} metadata
 * @param {string[]} indexes
 */
export function indexedMetadata(metadata, indexes) {
  const entries = indexes.map((key) => [key, indexedValue(metadata, key)]);
  return Object.fromEntries(entries.filter(([, value]) => value !== undefined));
}
