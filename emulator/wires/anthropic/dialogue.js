// The messages of a request, refused as Anthropic refuses them.
import { badRequest } from "../../errors.js";
import { readBlocks } from "./blocks.js";

/** @import { Json, Turn } from "../../types.js" */

/** @param {Json} inputs @returns {Turn[]} */
export function readTurns({ system, messages }) {
  if (messages === undefined) throw badRequest("messages: Field required");
  if (!Array.isArray(messages)) throw badRequest("messages: Input should be a valid list");
  if (messages.length === 0) throw badRequest("messages: at least one message is required");
  const turns = messages.map(readTurn);
  checkToolUse(messages);
  if (system === undefined) return turns;
  if (typeof system !== "string" && !Array.isArray(system)) {
    throw badRequest("system: Input should be a valid list");
  }
  return [{ role: /** @type {const} */ ("system"), ...readBlocks(system, "system") }, ...turns];
}

/**
 * A turn that holds tool results is the tool speaking.
 * @param {any} message
 * @param {number} index
 * @returns {Turn}
 */
function readTurn(message, index) {
  const { role, content } = message ?? {};
  if (role === "system") {
    throw badRequest(
      'messages: Unexpected role "system". The Messages API accepts a top-level `system` ' +
        'parameter, not "system" as an input message role.',
    );
  }
  if (role !== "user" && role !== "assistant") {
    throw badRequest(`messages.${index}.role: Input should be 'user' or 'assistant'`);
  }
  const path = `messages.${index}.content`;
  if (typeof content !== "string" && !Array.isArray(content)) {
    throw badRequest(`${path}: Input should be a valid string or list`);
  }
  if (content.length === 0)
    throw badRequest(`messages.${index}: all messages must have non-empty content`);
  const results = Array.isArray(content) && content.some((block) => block?.type === "tool_result");
  return { role: results ? "tool" : role, ...readBlocks(content, path) };
}

/**
 * Every use of a tool is answered in the next message, and nothing else is.
 * @param {any[]} messages
 */
function checkToolUse(messages) {
  for (const [index, message] of messages.entries()) {
    const uses = idsOf(messages[index - 1], "tool_use", "id");
    const results = idsOf(message, "tool_result", "tool_use_id");
    const stray = results.findIndex((id) => !uses.includes(id));
    if (stray >= 0) {
      throw badRequest(
        `messages.${index}.content.${stray}: unexpected \`tool_use_id\` found in \`tool_result\` ` +
          `blocks: ${results[stray]}. Each \`tool_result\` block must have a corresponding ` +
          "`tool_use` block in the previous message.",
      );
    }
    checkAnswered(uses, results, index - 1);
  }
  checkAnswered(idsOf(messages.at(-1), "tool_use", "id"), [], messages.length - 1);
}

/**
 * @param {string[]} uses
 * @param {string[]} results
 * @param {number} index of the message that uses
 */
function checkAnswered(uses, results, index) {
  const open = uses.filter((id) => !results.includes(id));
  if (open.length === 0) return;
  throw badRequest(
    `messages.${index}: \`tool_use\` ids were found without \`tool_result\` blocks immediately ` +
      `after: ${open.join(", ")}. Each \`tool_use\` block must have a corresponding ` +
      "`tool_result` block in the next message.",
  );
}

/** @param {any} message @param {string} type @param {string} key @returns {string[]} */
function idsOf(message, type, key) {
  const content = Array.isArray(message?.content) ? message.content : [];
  return content
    .filter((/** @type {any} */ block) => block?.type === type)
    .map((/** @type {any} */ block) => String(block[key]));
}
