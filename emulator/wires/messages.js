// What the OpenAI-like wires share: reading messages, parts, stop sequences and response formats.
import { withoutDirectives } from "../faults.js";

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

/**
 * The text of a string or of an array of content parts, and how many images are among them.
 * @param {unknown} content
 * @returns {Omit<Turn, "role">}
 */
export function readContent(content) {
  if (typeof content === "string") return { text: withoutDirectives(content), images: 0 };
  if (!Array.isArray(content)) return { text: "", images: 0 };
  const texts = content.flatMap((part) => {
    if (typeof part === "string") return [part];
    if (typeof part?.text === "string") return [part.text];
    return part?.type === "tool_result" ? [readContent(part.content).text] : [];
  });
  const images = content.filter((part) => /image/u.test(part?.type ?? "")).length;
  return { text: withoutDirectives(texts.join("\n")), images };
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
