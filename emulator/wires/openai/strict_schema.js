// What OpenAI asks of a schema with `strict`.
// https://platform.openai.com/docs/guides/structured-outputs#supported-schemas
import { badRequest } from "../../errors.js";

/** @import { Json } from "../../types.js" */

const MAX_DEPTH = 16;

/**
 * @param {string} subject what the schema is of
 * @param {unknown} schema
 * @param {string} param
 */
export function checkStrictSchema(subject, schema, param) {
  const problem = problemOf(schema, [], 0);
  if (problem === undefined) return;
  throw badRequest(
    `Invalid schema for ${subject}: ${problem}`,
    param,
    param === "response_format" ? undefined : "invalid_function_parameters",
  );
}

/**
 * @param {any} schema
 * @param {string[]} path
 * @param {number} depth
 * @returns {string | undefined}
 */
function problemOf(schema, path, depth) {
  if (typeof schema !== "object" || schema === null || depth > MAX_DEPTH) return undefined;
  const context = `In context=(${path.map((part) => `'${part}'`).join(", ")})`;
  if (schema.type === "object" || schema.properties) {
    if (schema.additionalProperties !== false) {
      return `${context}, 'additionalProperties' is required to be supplied and to be false.`;
    }
    const missing = Object.keys(schema.properties ?? {}).find(
      (name) => !schema.required?.includes(name),
    );
    if (missing !== undefined) {
      return (
        `${context}, 'required' is required to be supplied and to be an array including every ` +
        `key in properties. Missing '${missing}'.`
      );
    }
  }
  for (const [step, child] of childrenOf(schema)) {
    const problem = problemOf(child, [...path, ...step], depth + 1);
    if (problem !== undefined) return problem;
  }
  return undefined;
}

/** @param {Json} schema @returns {[string[], unknown][]} */
function childrenOf({ properties, $defs, items, anyOf }) {
  return [
    ...namedChildren("properties", properties),
    ...namedChildren("$defs", $defs),
    .../** @type {[string[], unknown][]} */ (items ? [[["items"], items]] : []),
    ...namedChildren("anyOf", anyOf),
  ];
}

/** @param {string} keyword @param {unknown} children @returns {[string[], unknown][]} */
function namedChildren(keyword, children) {
  return Object.entries(children ?? {}).map(([name, child]) => [[keyword, name], child]);
}
