// Tool calling: the tool whose name and description overlap the request, its arguments an instance
// of its schema.
import { idOf } from "./ids.js";
import { instanceOf } from "./schema.js";
import { contentStems, sharedCount } from "./text.js";
/** @import { Conversation, Json, Tool, ToolCall, ToolChoice } from "./types.js" */

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
 * The calls the model makes, if any. A script asks for two or more: of every tool, or of the one
 * with what else the text names.
 * @param {Conversation} request
 * @param {string} text the last user text
 * @returns {ToolCall[]}
 */
export function callTools({ tools, choice, parallel, script, turns }, text) {
  if (choice.mode === "none" || tools.length === 0) return [];
  const several = script.says.has("parallel_tools");
  const tool = choice.name
    ? tools.find(({ name }) => name === choice.name)
    : bestTool(tools, text, several || choice.mode === "required");
  if (!tool) return [];
  const chosen = several && parallel ? severalOf(tools, tool, choice) : [tool];
  let left = text;
  return chosen.map((called, index) => {
    const value = /** @type {Json} */ (instanceOf({ type: "object", ...called.parameters }, left));
    if (chosen[index + 1] === called) left = without(left, value);
    const id = `call_${idOf(called.name, value, turns.length, index)}`;
    return { id, name: called.name, arguments: script.says.has("no_arguments") ? {} : value };
  });
}

/** @param {Tool[]} tools @param {Tool} tool @param {ToolChoice} choice */
function severalOf(tools, tool, { name }) {
  return name === undefined && tools.length > 1 ? tools : [tool, tool];
}

/**
 * The text without the words of the arguments already used.
 * @param {string} text
 * @param {Json} value
 */
function without(text, value) {
  const used = Object.values(value).filter((item) => typeof item === "string" && item !== "");
  return used.reduce((left, item) => left.replace(item, ""), text);
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
