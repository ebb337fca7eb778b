// What the wires share: roles, stop sequences and response formats.
/** @import { Json, Turn } from "../types.js" */

/** @type {Record<string, Turn["role"]>} */
const ROLES = {
  system: "system",
  developer: "system",
  user: "user",
  assistant: "assistant",
  tool: "tool",
  function: "tool",
};

/** @param {unknown} role @returns {Turn["role"] | undefined} */
export function readRole(role) {
  return typeof role === "string" && Object.hasOwn(ROLES, role) ? ROLES[role] : undefined;
}

/** @param {unknown} stop @returns {string[]} */
export function readStop(stop) {
  const list = Array.isArray(stop) ? stop : [stop];
  return list.filter((item) => typeof item === "string");
}

/**
 * `json_schema` is the bare schema on Workers AI's native models and `{name, schema, strict}` on
 * OpenAI's wire; models with OpenAI's answer shape take both.
 * @param {any} format
 * @param {"bare" | "named" | "either"} form
 * @returns {{ schema?: Json, strict?: boolean }}
 */
export function readFormat(format, form) {
  if (format?.type === "json_object") return { schema: {}, strict: false };
  if (format?.type !== "json_schema") return {};
  const given = format.json_schema ?? {};
  const named = typeof given.schema === "object" && given.schema !== null;
  const schema = form !== "bare" && named ? given.schema : given;
  return { schema, strict: true };
}

/** Pieces of a tool's arguments in a stream. @param {string} json @returns {string[]} */
export function jsonPieces(json) {
  return json.match(/.{1,16}/gsu) ?? [];
}
