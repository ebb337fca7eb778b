// Tool calling: the tool whose name and description overlap the request, its arguments an instance
// of its schema.
import { requestId } from "./errors.js";
import { instanceOf } from "./schema.js";
import { contentStems, sharedCount } from "./text.js";
/** @import { Json, Tool, ToolCall, ToolChoice } from "./types.js" */

/**
 * Tools in either form: `{name, description, parameters}` or `{type: "function", function: {…}}`;
 * Anthropic's `input_schema` is taken for `parameters`.
 * @param {unknown} given
 * @returns {Tool[]}
 */
export function readTools(given) {
  if (!Array.isArray(given)) return [];
  return given.flatMap((entry) => {
    const tool = entry?.function ?? entry;
    if (typeof tool?.name !== "string") return [];
    const { name, description = "", parameters = tool.input_schema ?? { type: "object" } } = tool;
    return [{ name, description: String(description), parameters }];
  });
}

/** OpenAI's `tool_choice`, which Workers AI shares. @param {any} given @returns {ToolChoice} */
export function readToolChoice(given) {
  if (given === "none") return { mode: "none" };
  if (given === "required" || given === "any") return { mode: "required" };
  const name = given?.function?.name ?? given?.name;
  return typeof name === "string" ? { mode: "required", name } : { mode: "auto" };
}

/**
 * The call the model makes, if any.
 * @param {Tool[]} tools
 * @param {ToolChoice} choice
 * @param {string} text the last user text
 * @returns {ToolCall | undefined}
 */
export function callTool(tools, choice, text) {
  if (choice.mode === "none" || tools.length === 0) return undefined;
  const tool = choice.name
    ? tools.find(({ name }) => name === choice.name)
    : bestTool(tools, text, choice.mode === "required");
  if (!tool) return undefined;
  const value = instanceOf({ type: "object", ...tool.parameters }, text);
  return { id: `call_${requestId()}`, name: tool.name, arguments: /** @type {Json} */ (value) };
}

/** @param {Tool[]} tools @param {string} text @param {boolean} required */
function bestTool(tools, text, required) {
  const asked = contentStems(text);
  /** @type {Tool | undefined} */
  let best = required ? tools[0] : undefined;
  let bestScore = 0;
  for (const tool of tools) {
    const name = tool.name.replace(/([a-z])([A-Z])/gu, "$1 $2").replaceAll("_", " ");
    const score =
      2 * sharedCount(asked, contentStems(name)) +
      sharedCount(asked, contentStems(tool.description));
    if (score > bestScore) [best, bestScore] = [tool, score];
  }
  return best;
}
