// The parameters of a request, refused as Anthropic refuses them.
import { badRequest } from "../../errors.js";

/** @import { Json, Model } from "../../types.js" */

const FIELDS = new Set(
  (
    "model messages max_tokens system metadata stop_sequences stream temperature top_p top_k tools " +
    "tool_choice thinking service_tier container mcp_servers context_management output_config " +
    "output_format cache_control inference_geo speed"
  ).split(" "),
);

/** @type {Record<string, [number, number]>} */
const RANGES = { temperature: [0, 1], top_p: [0, 1] };
const LEAST_BUDGET = 1_024;
/** Models before these take temperature and top_p together. */
const ONE_OF_BOTH = /^claude-(?!3|2|instant|opus-4-0|sonnet-4-0|opus-4-2|sonnet-4-2)/u;

/** @param {Model} model @param {Json} inputs */
export function checkRequest(model, inputs) {
  const { max_tokens: cap, temperature, top_p: topP } = inputs;
  if (cap === undefined || cap === null) throw badRequest("max_tokens: Field required");
  if (!Number.isSafeInteger(cap)) throw badRequest("max_tokens: Input should be a valid integer");
  if (cap < 1) throw badRequest("max_tokens: Input should be greater than or equal to 1");
  const unknown = Object.keys(inputs).find((name) => !FIELDS.has(name));
  if (unknown !== undefined) throw badRequest(`${unknown}: Extra inputs are not permitted`);
  for (const [name, [low, high]] of Object.entries(RANGES)) {
    const value = inputs[name];
    if (value == null) continue;
    if (typeof value !== "number") throw badRequest(`${name}: Input should be a valid number`);
    if (value < low || value > high) throw badRequest(`${name}: range: ${low}..${high}`);
  }
  if (temperature != null && topP != null && ONE_OF_BOTH.test(model.name)) {
    throw badRequest(
      "`temperature` and `top_p` cannot both be specified for this model. Please use only one.",
    );
  }
  checkMetadata(inputs.metadata);
  checkTools(inputs);
  checkThinkingConfig(inputs);
}

/** @param {any} metadata */
function checkMetadata(metadata) {
  const unknown = Object.keys(metadata ?? {}).find((name) => name !== "user_id");
  if (unknown !== undefined)
    throw badRequest(`metadata.${unknown}: Extra inputs are not permitted`);
}

/** @param {Json} inputs */
function checkTools({ tools, tool_choice: choice }) {
  if (tools == null) {
    if (choice == null) return;
    throw badRequest("tool_choice: `tool_choice` may only be specified while providing `tools`.");
  }
  if (!Array.isArray(tools)) throw badRequest("tools: Input should be a valid list");
  const names = new Set();
  for (const [index, tool] of tools.entries()) {
    if (tool?.type !== undefined && tool.type !== "custom" && tool.type !== null) continue;
    const path = `tools.${index}.custom`;
    if (typeof tool?.name !== "string" || !/^[\w-]{1,128}$/u.test(tool.name)) {
      throw badRequest(`${path}.name: String should match pattern '^[a-zA-Z0-9_-]{1,128}$'`);
    }
    if (tool.input_schema === undefined) throw badRequest(`${path}.input_schema: Field required`);
    if (tool.input_schema?.type !== "object") {
      throw badRequest(`${path}.input_schema.type: Input should be 'object'`);
    }
    if (names.has(tool.name)) throw badRequest("tools: Tool names must be unique.");
    names.add(tool.name);
  }
}

/** @param {Json} inputs */
function checkThinkingConfig(inputs) {
  const { thinking, max_tokens: cap, temperature, tool_choice: choice } = inputs;
  if (thinking == null || thinking.type === "disabled") return;
  if (thinking.type !== "enabled" && thinking.type !== "adaptive") {
    throw badRequest(
      `thinking: Input tag '${thinking.type}' found using 'type' does not match any of the ` +
        "expected tags: 'adaptive', 'disabled', 'enabled'",
    );
  }
  if (temperature != null && temperature !== 1) {
    throw badRequest("`temperature` may only be set to 1 when thinking is enabled.");
  }
  if (choice?.type === "any" || choice?.type === "tool") {
    throw badRequest("Thinking may not be enabled when tool_choice forces tool use.");
  }
  if (thinking.type === "enabled") checkBudget(thinking.budget_tokens, cap);
  checkLastTurn(inputs.messages);
}

/** @param {unknown} budget @param {number} cap */
function checkBudget(budget, cap) {
  if (budget === undefined) throw badRequest("thinking.enabled.budget_tokens: Field required");
  if (!Number.isSafeInteger(budget) || Number(budget) < LEAST_BUDGET) {
    throw badRequest(
      `thinking.enabled.budget_tokens: Input should be greater than or equal to ${LEAST_BUDGET}`,
    );
  }
  if (Number(budget) >= cap) {
    throw badRequest("`max_tokens` must be greater than `thinking.budget_tokens`.");
  }
}

/** The turn that used a tool must begin with its thinking. @param {any[]} messages */
function checkLastTurn(messages) {
  const at = messages.findLastIndex(({ role }) => role === "assistant");
  const content = messages[at]?.content;
  if (!Array.isArray(content) || !content.some((block) => block.type === "tool_use")) return;
  const [first] = content;
  if (first.type === "thinking" || first.type === "redacted_thinking") return;
  throw badRequest(
    `messages.${at}.content.0.type: Expected \`thinking\` or \`redacted_thinking\`, but found ` +
      `\`${first.type}\`. When \`thinking\` is enabled, a final \`assistant\` message must start ` +
      "with a thinking block (preceeding the lastmost set of `tool_use` and `tool_result` blocks).",
  );
}
