// The messages of a chat request, refused as OpenAI refuses them.
// https://platform.openai.com/docs/guides/function-calling
import { badRequest } from "../../errors.js";
import { readRole } from "../messages.js";
import { readContent } from "./content.js";

/** @import { Turn } from "../../types.js" */

/** @param {unknown} messages @returns {Turn[]} */
export function readMessages(messages) {
  if (messages === undefined) {
    throw badRequest(
      "Missing required parameter: 'messages'.",
      "messages",
      "missing_required_parameter",
    );
  }
  if (!Array.isArray(messages)) {
    throw badRequest(
      "Invalid type for 'messages': expected an array of objects.",
      "messages",
      "invalid_type",
    );
  }
  if (messages.length === 0) {
    throw badRequest(
      "Invalid 'messages': empty array. Expected an array with minimum length 1.",
      "messages",
      "empty_array",
    );
  }
  const turns = messages.map(readMessage);
  checkToolMessages(messages);
  return turns;
}

/** @param {any} message @param {number} index @returns {Turn} */
function readMessage(message, index) {
  const path = `messages[${index}]`;
  const role = readRole(message?.role);
  if (!role) {
    throw badRequest(
      `Invalid value: '${message?.role}'. Supported values are: 'system', 'assistant', 'user', ` +
        "'function', 'tool', and 'developer'.",
      `${path}.role`,
      "invalid_value",
    );
  }
  const { content } = message;
  const silent = role === "assistant" && (Array.isArray(message.tool_calls) || message.refusal);
  if (typeof content !== "string" && !Array.isArray(content) && !silent) {
    throw badRequest(
      `Invalid value for 'content': expected a string, got ${content === null ? "null" : typeof content}.`,
      `${path}.content`,
      "invalid_type",
    );
  }
  if (role === "assistant") checkCalls(message.tool_calls, path);
  return { role, ...readContent(content, `${path}.content`) };
}

/** @param {unknown} calls @param {string} path */
function checkCalls(calls, path) {
  if (calls === undefined || calls === null) return;
  if (!Array.isArray(calls) || calls.length === 0) {
    throw badRequest(
      `Invalid '${path}.tool_calls': empty array. Expected an array with minimum length 1.`,
      `${path}.tool_calls`,
      "empty_array",
    );
  }
  for (const [index, call] of calls.entries()) {
    if (typeof call?.id !== "string" || typeof call.function?.arguments !== "string") {
      const param = `${path}.tool_calls[${index}]`;
      throw badRequest(`Invalid type for '${param}'.`, param, "invalid_type");
    }
  }
}

/** Every call is answered right after it, and nothing else is. @param {any[]} messages */
function checkToolMessages(messages) {
  /** @type {Set<string>} */
  let open = new Set();
  for (const [index, { role, tool_call_id: id, tool_calls: calls }] of messages.entries()) {
    if (role === "tool") {
      if (!open.delete(id)) {
        throw badRequest(
          "Invalid parameter: messages with role 'tool' must be a response to a preceeding " +
            "message with 'tool_calls'.",
          `messages.[${index}].role`,
        );
      }
      continue;
    }
    checkAnswered(open, index);
    open = new Set(
      role === "assistant" ? (calls ?? []).map((/** @type {any} */ call) => call.id) : [],
    );
  }
  checkAnswered(open, messages.length);
}

/** @param {Set<string>} open @param {number} index */
function checkAnswered(open, index) {
  if (open.size === 0) return;
  throw badRequest(
    "An assistant message with 'tool_calls' must be followed by tool messages responding to each " +
      `'tool_call_id'. The following tool_call_ids did not have response messages: ${[...open].join(", ")}`,
    `messages.[${index}].role`,
  );
}
