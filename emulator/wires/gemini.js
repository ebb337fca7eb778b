// Gemini's generateContent: https://ai.google.dev/api/generate-content
import { promptTokens } from "../chat.js";
import { badRequest } from "../errors.js";
import { dataEvent } from "../stream.js";
import { contentEvents, contentResponse } from "./gemini/answer.js";
import { readContents } from "./gemini/contents.js";
import { readStop } from "./messages.js";

/** @import { Json, Model, Tool, ToolChoice, Wire } from "../types.js" */

const FIELDS = new Set(
  (
    "model contents systemInstruction system_instruction tools toolConfig tool_config " +
    "safetySettings safety_settings generationConfig generation_config cachedContent " +
    "cached_content stream labels serviceTier store"
  ).split(" "),
);

/** Most choices and stop sequences. */
const MOST_CANDIDATES = 8;
const MOST_STOPS = 5;

/** @type {Wire} */
export const gemini = {
  read(model, inputs) {
    const unknown = Object.keys(inputs).find((name) => !FIELDS.has(name));
    if (unknown !== undefined) throw unknownName(unknown, "");
    const turns = readContents(model, inputs);
    const config = readConfig(inputs.generationConfig ?? inputs.generation_config ?? {});
    const thinking = config.thinkingConfig ?? {};
    return {
      turns,
      tools: readDeclarations(inputs.tools),
      choice: readChoice(inputs.toolConfig ?? inputs.tool_config),
      parallel: true,
      ...schemaOf(config),
      maxTokens: config.maxOutputTokens ?? model.defaultMaxTokens,
      stop: readStop(config.stopSequences),
      stream: inputs.stream === true,
      streamUsage: true,
      n: config.candidateCount ?? 1,
      reasoning: thinking.includeThoughts === true && thinking.thinkingBudget !== 0,
      promptTokens: promptTokens(turns, inputs.tools, config.responseSchema),
    };
  },
  answer: contentResponse,
  events: contentEvents,
  errorEvent: dataEvent,
};

/** The tokens of a request that is only counted. @param {Model} model @param {Json} inputs */
export function countContentTokens(model, inputs) {
  const { generateContentRequest: whole } = inputs;
  const turns = readContents(model, whole ?? inputs);
  const totalTokens = promptTokens(turns, (whole ?? inputs).tools);
  const promptTokensDetails = [{ modality: "TEXT", tokenCount: totalTokens }];
  return { totalTokens, promptTokensDetails };
}

/** @param {string} name @param {string} path */
function unknownName(name, path) {
  const where = path === "" ? "" : ` at '${path}'`;
  return badRequest(
    `Invalid JSON payload received. Unknown name "${name}"${where}: Cannot find field.`,
  );
}

const CONFIG_FIELDS = new Set(
  (
    "stopSequences responseMimeType responseSchema responseJsonSchema _responseJsonSchema " +
    "responseModalities candidateCount maxOutputTokens temperature topP topK seed presencePenalty " +
    "frequencyPenalty responseLogprobs logprobs enableEnhancedCivicAnswers speechConfig " +
    "thinkingConfig imageConfig mediaResolution"
  ).split(" "),
);

/** @param {Json} config @returns {Json} */
function readConfig(config) {
  const unknown = Object.keys(config).find((name) => !CONFIG_FIELDS.has(name));
  if (unknown !== undefined) throw unknownName(unknown, "generation_config");
  const { maxOutputTokens, candidateCount, temperature, stopSequences } = config;
  if (maxOutputTokens !== undefined && !(maxOutputTokens >= 1)) {
    throw badRequest(
      `Unable to submit request because it has a maxOutputTokens value of ${maxOutputTokens} but ` +
        "the supported range is from 1 (inclusive) to 65537 (exclusive).",
    );
  }
  if (candidateCount !== undefined && !(candidateCount >= 1 && candidateCount <= MOST_CANDIDATES)) {
    throw badRequest(`candidateCount must be in the range 1 to ${MOST_CANDIDATES}`);
  }
  if (temperature !== undefined && !(temperature >= 0 && temperature <= 2)) {
    throw badRequest(
      `* GenerateContentRequest.generation_config.temperature: temperature must be in the range [0.0, 2.0].`,
    );
  }
  if (Array.isArray(stopSequences) && stopSequences.length > MOST_STOPS) {
    throw badRequest(
      `* GenerateContentRequest.generation_config.stop_sequences: at most ${MOST_STOPS} are allowed.`,
    );
  }
  const schema = config.responseSchema ?? config.responseJsonSchema;
  if (schema !== undefined && config.responseMimeType !== "application/json") {
    throw badRequest(
      `Function calling with a response mime type: '${config.responseMimeType ?? "text/plain"}' ` +
        "and a response schema is unsupported: response_mime_type must be 'application/json'.",
    );
  }
  if (config.responseSchema) checkOpenApiSchema(config.responseSchema, "response_schema");
  return config;
}

/** What Google's own schema type lacks. */
const NOT_OPEN_API = [
  "additionalProperties",
  "$schema",
  "$defs",
  "$ref",
  "const",
  "oneOf",
  "allOf",
];

/** @param {any} schema @param {string} path */
function checkOpenApiSchema(schema, path) {
  if (typeof schema !== "object" || schema === null) return;
  const unknown = NOT_OPEN_API.find((name) => name in schema);
  if (unknown !== undefined) throw unknownName(unknown, `generation_config.${path}`);
  for (const [name, child] of Object.entries(schema.properties ?? {})) {
    checkOpenApiSchema(child, `${path}.properties[${name}].value`);
  }
  checkOpenApiSchema(schema.items, `${path}.items`);
}

/** @param {Json} config @returns {{ schema?: Json, strict?: boolean }} */
function schemaOf(config) {
  if (config.responseMimeType !== "application/json") return {};
  const schema = config.responseSchema ?? config.responseJsonSchema ?? config._responseJsonSchema;
  return schema ? { schema: lowered(schema), strict: true } : { schema: {}, strict: false };
}

/** @param {unknown} tools @returns {Tool[]} */
function readDeclarations(tools) {
  if (!Array.isArray(tools)) return [];
  return tools.flatMap((tool, index) => {
    const declared = tool?.functionDeclarations ?? tool?.function_declarations ?? [];
    return declared.map((/** @type {Json} */ each, /** @type {number} */ at) => {
      const { name, description = "", parameters, parametersJsonSchema } = each;
      const path = `tools[${index}].function_declarations[${at}]`;
      if (typeof name !== "string" || !/^[A-Za-z_][\w.:-]{0,127}$/u.test(name)) {
        throw badRequest(
          `* GenerateContentRequest.${path}.name: Invalid function name. Must start with a letter ` +
            "or an underscore.",
        );
      }
      if (parameters) checkOpenApiSchema(parameters, `${path}.parameters`);
      const schema = parameters ?? parametersJsonSchema ?? { type: "object" };
      return { name, description, parameters: lowered(schema) };
    });
  });
}

/** Google writes types in capitals. @param {any} schema @returns {any} */
function lowered(schema) {
  if (Array.isArray(schema)) return schema.map(lowered);
  if (typeof schema !== "object" || schema === null) return schema;
  return Object.fromEntries(
    Object.entries(schema).map(([key, value]) => [
      key,
      key === "type" && typeof value === "string" ? value.toLowerCase() : lowered(value),
    ]),
  );
}

/** @param {any} config @returns {ToolChoice} */
function readChoice(config) {
  const { mode = "AUTO", allowedFunctionNames: names } =
    config?.functionCallingConfig ?? config?.function_calling_config ?? {};
  if (mode === "NONE") return { mode: "none" };
  if (mode !== "ANY") return { mode: "auto" };
  return { mode: "required", ...(names?.length === 1 ? { name: names[0] } : {}) };
}
