// The items of a request: messages, calls and their outputs, reasoning.
import { badRequest } from "../../errors.js";
import { sealOf } from "../../ids.js";
import { readRole } from "../messages.js";
import { readContent } from "../openai/content.js";
import { itemsBefore } from "./stored.js";

/** @import { Json, Turn } from "../../types.js" */

/**
 * Everything that leads to the answer, what was stored before included.
 * @param {Json} inputs
 * @returns {Json[]}
 */
export function allItems({ input, previous_response_id: previous }) {
  if (input === undefined || input === null) {
    throw badRequest("Missing required parameter: 'input'.", "input", "missing_required_parameter");
  }
  const own = typeof input === "string" ? [{ role: "user", content: input }] : input;
  if (!Array.isArray(own)) {
    throw badRequest(
      "Invalid type for 'input': expected one of a string or array of input items.",
      "input",
      "invalid_type",
    );
  }
  return [...(typeof previous === "string" ? itemsBefore(previous) : []), ...own];
}

/** @param {Json} inputs @returns {Turn[]} */
export function readItems(inputs) {
  const items = allItems(inputs);
  checkCalls(items);
  const turns = items.flatMap((item, index) => readItem(item, `input[${index}]`));
  const { instructions } = inputs;
  if (typeof instructions !== "string") return turns;
  return [{ role: "system", text: instructions, media: [] }, ...turns];
}

/** @param {Json} item @param {string} path @returns {Turn[]} */
function readItem(item, path) {
  switch (item?.type) {
    case undefined:
    case "message": {
      const role = readRole(item?.role);
      if (!role || role === "tool") {
        throw badRequest(
          `Invalid value: '${item?.role}'. Supported values are: 'assistant', 'system', ` +
            "'developer', and 'user'.",
          path,
          "invalid_value",
        );
      }
      return [{ role, ...readContent(item.content, `${path}.content`) }];
    }
    case "function_call_output":
      return [{ role: "tool", ...readContent(item.output, `${path}.output`) }];
    case "reasoning":
      checkReasoning(item, path);
      return [];
    case "function_call":
      return [{ role: "assistant", text: "", media: [] }];
    case "item_reference":
      return [];
    default:
      throw badRequest(`Invalid value: '${item.type}'.`, path, "invalid_value");
  }
}

/** Calls and outputs go together. @param {Json[]} items */
function checkCalls(items) {
  const idsOf = (/** @type {string} */ type) =>
    items.filter((item) => item?.type === type).map((item) => item.call_id);
  const calls = idsOf("function_call");
  const outputs = idsOf("function_call_output");
  const stray = outputs.find((id) => !calls.includes(id));
  if (stray !== undefined) {
    throw badRequest(`No tool call found for function call output with call_id ${stray}.`, "input");
  }
  const open = calls.find((id) => !outputs.includes(id));
  if (open === undefined) return;
  throw badRequest(`No tool output found for function call ${open}.`, "input");
}

/** What a reasoning item carries for those who store nothing. @param {string} reasoning */
export function encrypted(reasoning) {
  const hidden = Buffer.from(reasoning).toString("base64");
  return `${hidden}.${sealOf("encrypted", hidden)}`;
}

/** @param {Json} item @param {string} path */
function checkReasoning({ id, encrypted_content: content }, path) {
  if (content === undefined || content === null) return;
  const [hidden, seal] = String(content).split(".");
  if (seal === sealOf("encrypted", hidden)) return;
  throw badRequest(
    `The encrypted content for item ${id} could not be verified.`,
    `${path}.encrypted_content`,
    "invalid_encrypted_content",
  );
}
