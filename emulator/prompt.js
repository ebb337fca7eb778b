// The text of a request that may hold directives, whatever wire it came by.
/** @import { Json } from "./types.js" */

/**
 * The last user message with text, the prompt, the texts or the query.
 * @param {Json} inputs
 * @returns {string}
 */
export function promptOf({ messages, contents, input, prompt, text, query }) {
  const user = lastUserText(messages) ?? lastUserText(contents) ?? lastUserText(input);
  return user ?? textOf(prompt ?? query ?? text ?? input ?? "");
}

/** @param {unknown} messages */
function lastUserText(messages) {
  if (!Array.isArray(messages)) return undefined;
  const texts = messages
    .filter((message) => message?.role === "user")
    .map(({ content, parts }) => textOf(content ?? parts));
  return texts.findLast((text) => text !== "");
}

/** @param {unknown} content @returns {string} */
function textOf(content) {
  if (typeof content === "string") return content;
  if (!Array.isArray(content)) return "";
  return content
    .map((part) => (typeof part === "string" ? part : (part?.text ?? "")))
    .filter((text) => text !== "")
    .join("\n");
}
