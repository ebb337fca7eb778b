// A deterministic instance of a JSON schema, its strings taken from a text where they can be.
// `pattern`, `not`, `if`/`then` and `dependentRequired` are not looked at.
/** @import { Json } from "./types.js" */

const MAX_DEPTH = 8;
const MAX_ITEMS = 1_000;

/** @type {Record<string, string>} */
const FORMATS = {
  "date-time": "2026-01-01T00:00:00Z",
  date: "2026-01-01",
  time: "00:00:00Z",
  duration: "P1D",
  email: "someone@example.com",
  hostname: "example.com",
  ipv4: "192.0.2.1",
  ipv6: "2001:db8::1",
  uri: "https://example.com/",
  url: "https://example.com/",
  uuid: "00000000-0000-4000-8000-000000000000",
};

/** What a value of each format looks like inside running text. @type {Record<string, RegExp>} */
const FORMAT_IN_TEXT = {
  "date-time": /\d{4}-\d\d-\d\dT\d\d:\d\d(?::\d\d)?(?:Z|[+-]\d\d:\d\d)/u,
  date: /\b\d{4}-\d\d-\d\d\b/u,
  email: /[\w.+-]+@[\w-]+\.[\w.-]*\w/u,
  ipv4: /\b\d{1,3}(?:\.\d{1,3}){3}\b/u,
  uri: /https?:\/\/[^\s"'<>]+/u,
  url: /https?:\/\/[^\s"'<>]+/u,
  uuid: /\b[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}\b/iu,
};

/**
 * @typedef {object} Source
 * @property {Json} root the whole schema, for `$ref`
 * @property {string} text where strings and numbers come from
 * @property {string[]} phrases not yet used
 * @property {number[]} numbers not yet used
 */

/**
 * @param {Json} schema
 * @param {string} text
 * @returns {unknown} an instance
 */
export function instanceOf(schema, text) {
  const numbers = (text.match(/-?\d+(?:\.\d+)?/gu) ?? []).map(Number);
  return build(schema, { root: schema, text, phrases: phrasesOf(text), numbers }, 0);
}

/**
 * Phrases that look like values: quoted ones, then names, then what follows a preposition.
 * @param {string} text
 */
function phrasesOf(text) {
  const quoted = [...text.matchAll(/["“«']([^"”»']{1,200})["”»']/gu)].map(
    (match) => match[1] ?? "",
  );
  const names = [
    ...text.matchAll(/(?<=[^.?!¿¡\s]\s)\p{Lu}[\p{L}\p{N}-]*(?:\s\p{Lu}[\p{L}\p{N}-]*)*/gu),
  ];
  const objects = [
    ...text.matchAll(/\s(?:in|for|of|to|about|en|para|de|sobre|em)\s([\p{L}\p{N}-]+)/gu),
  ];
  const found = [
    ...quoted,
    ...names.map((match) => match[0]),
    ...objects.map((match) => match[1] ?? ""),
  ];
  return [...new Set(found)];
}

/**
 * @param {unknown} given
 * @param {Source} source
 * @param {number} depth
 * @returns {unknown}
 */
function build(given, source, depth) {
  if (typeof given !== "object" || given === null) return depth > MAX_DEPTH ? null : "";
  const schema = resolve(/** @type {Json} */ (given), source.root, depth);
  if ("const" in schema) return schema.const;
  if (Array.isArray(schema.enum)) return chosenOf(schema.enum, source.text);
  if ("default" in schema) return schema.default;
  switch (typeOf(schema)) {
    case "object":
      return buildObject(schema, source, depth);
    case "array":
      return buildArray(schema, source, depth);
    case "integer":
      return buildNumber(schema, source, true);
    case "number":
      return buildNumber(schema, source, false);
    case "boolean":
      return true;
    case "null":
      return null;
    default:
      return buildString(schema, source);
  }
}

/**
 * Follows `$ref`, merges `allOf` and takes the first fitting branch of `anyOf` and `oneOf`.
 * @param {Json} schema
 * @param {Json} root
 * @param {number} depth
 * @returns {Json}
 */
function resolve(schema, root, depth) {
  let current = schema;
  for (let hops = 0; typeof current.$ref === "string" && hops < 32; hops += 1) {
    const { $ref, ...rest } = current;
    current = { ...lookUp($ref, root), ...rest };
  }
  const { allOf, anyOf, oneOf, ...own } = current;
  if (Array.isArray(allOf) && depth <= MAX_DEPTH) {
    return allOf.reduce((merged, part) => merge(merged, resolve(part, root, depth + 1)), own);
  }
  const branches = anyOf ?? oneOf;
  if (!Array.isArray(branches)) return own;
  const scalar = branches.find((branch) => isScalar(branch));
  const branch =
    (depth >= MAX_DEPTH ? scalar : undefined) ?? branches.find(isNotNull) ?? branches[0];
  return merge(own, resolve(branch ?? {}, root, depth + 1));
}

/** @param {string} pointer @param {Json} root @returns {Json} */
function lookUp(pointer, root) {
  /** @type {any} */
  let found = root;
  for (const part of pointer.replace(/^#\/?/u, "").split("/")) {
    if (part === "") continue;
    found = found?.[decodeURIComponent(part).replaceAll("~1", "/").replaceAll("~0", "~")];
  }
  return typeof found === "object" && found !== null ? found : {};
}

/** @param {Json} left @param {Json} right @returns {Json} */
function merge(left, right) {
  const merged = { ...left, ...right };
  if (left.properties && right.properties) {
    merged.properties = { ...left.properties, ...right.properties };
  }
  if (left.required && right.required) merged.required = [...left.required, ...right.required];
  return merged;
}

/** @param {Json} branch */
function isNotNull(branch) {
  return branch?.type !== "null" && branch?.const !== null;
}

/** @param {Json} branch */
function isScalar(branch) {
  return ["null", "string", "number", "integer", "boolean"].includes(branch?.type);
}

/** @param {Json} schema @returns {string} */
function typeOf(schema) {
  if (Array.isArray(schema.type)) {
    return schema.type.find((/** @type {string} */ type) => type !== "null") ?? "null";
  }
  if (typeof schema.type === "string") return schema.type;
  if (schema.properties || schema.required || schema.additionalProperties) return "object";
  if (schema.items || schema.prefixItems) return "array";
  if ("minimum" in schema || "maximum" in schema) return "number";
  return Object.keys(schema).length === 0 ? "object" : "string";
}

/**
 * The listed value that the text names, else the first.
 * @param {unknown[]} values
 * @param {string} text
 */
function chosenOf(values, text) {
  const lower = text.toLowerCase();
  const named = values.find(
    (value) => typeof value === "string" && lower.includes(value.toLowerCase()),
  );
  return named ?? values[0] ?? null;
}

/** @param {Json} schema @param {Source} source @param {number} depth */
function buildObject(schema, source, depth) {
  /** @type {Json} */
  const object = {};
  const required = Array.isArray(schema.required) ? schema.required : [];
  const properties = schema.properties ?? {};
  // Past the depth bound only what must be there: this ends recursive schemas.
  if (depth > MAX_DEPTH * 2) return object;
  const names =
    depth >= MAX_DEPTH ? required : [...new Set([...Object.keys(properties), ...required])];
  for (const name of names)
    object[name] = build(properties[name] ?? { type: "string" }, source, depth + 1);
  return object;
}

/** @param {Json} schema @param {Source} source @param {number} depth */
function buildArray(schema, source, depth) {
  const fixed = Array.isArray(schema.prefixItems) ? schema.prefixItems : [];
  const least = Math.max(Number(schema.minItems ?? 0), fixed.length);
  const wanted = depth >= MAX_DEPTH ? least : Math.max(least, 1);
  const count = Math.min(wanted, Number(schema.maxItems ?? MAX_ITEMS), MAX_ITEMS);
  return Array.from({ length: count }, (_, index) => {
    const item = build(fixed[index] ?? schema.items ?? { type: "string" }, source, depth + 1);
    return schema.uniqueItems ? distinct(item, index) : item;
  });
}

/** @param {unknown} item @param {number} index */
function distinct(item, index) {
  if (index === 0) return item;
  if (typeof item === "number") return item + index;
  return typeof item === "string" ? `${item} ${index + 1}` : item;
}

/** @param {Json} schema @param {Source} source @param {boolean} integer */
function buildNumber(schema, source, integer) {
  const step = Number(schema.multipleOf ?? (integer ? 1 : 0));
  const nudge = step || 1e-6;
  const { minimum, maximum, exclusiveMinimum, exclusiveMaximum } = schema;
  const low = minimum ?? (exclusiveMinimum === undefined ? -Infinity : exclusiveMinimum + nudge);
  const high = maximum ?? (exclusiveMaximum === undefined ? Infinity : exclusiveMaximum - nudge);
  const fits = (/** @type {number} */ value) =>
    value >= low && value <= high && (step === 0 || Number.isInteger(value / step));
  const at = source.numbers.findIndex(fits);
  if (at >= 0) return source.numbers.splice(at, 1)[0];
  const start = Number.isFinite(low) ? Math.max(low, 0 <= high ? 0 : low) : Math.min(0, high);
  return step === 0 ? start : Math.ceil(start / step) * step;
}

/** @param {Json} schema @param {Source} source */
function buildString(schema, source) {
  const { format, minLength = 0, maxLength = Number.POSITIVE_INFINITY } = schema;
  const formatted = FORMAT_IN_TEXT[format]?.exec(source.text)?.[0] ?? FORMATS[format];
  if (formatted !== undefined) return formatted;
  const whole = source.text.slice(0, 500).trim();
  const value = (source.phrases.shift() ?? whole) || "text";
  return value.slice(0, maxLength).padEnd(minLength, ".");
}
