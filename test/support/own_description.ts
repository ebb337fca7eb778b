// docs/openapi.json: what an answer of the administration must be an instance of.
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { Ajv2020 } from "ajv/dist/2020.js";

/** A JSON object as the description or an answer has it. */
// biome-ignore lint/suspicious/noExplicitAny: walked, not typed
type Json = any;

const file = join(import.meta.dirname, "../../docs/openapi.json");
const root = "esclusa";

export const published: Json = JSON.parse(readFileSync(file, "utf8"));

const ajv = new Ajv2020({ strict: false, validateFormats: false });
ajv.addSchema(published, root);

const templates = Object.keys(published.paths)
  .map((path) => ({ path, pattern: pattern(path) }))
  // The one with more that is literal is meant.
  .sort((left, right) => parameters(left.path) - parameters(right.path));

/** What is wrong with an answer, if anything: by the method, the path with its query, and the status. */
export function problem(
  method: string,
  target: string,
  status: number,
  body: unknown,
): string | undefined {
  const path = target.split("?")[0] ?? "";
  const template = templates.find(
    (known) => known.pattern.test(path) && published.paths[known.path][method.toLowerCase()],
  )?.path;
  if (template === undefined) {
    return status === 404 || status === 405 ? undefined : `${method} ${path} is not described`;
  }
  const { responses } = published.paths[template][method.toLowerCase()];
  const described = status in responses ? String(status) : status >= 400 ? "default" : undefined;
  if (described === undefined) {
    return `${method} ${template} is not described to answer ${status}`;
  }
  const schema = responses[described].content?.["application/json"]?.schema;
  if (schema === undefined) {
    return body === undefined ? undefined : `${method} ${template} answers with a body`;
  }
  const at = ["paths", template, method.toLowerCase(), "responses", described];
  const pointer = [...at, "content", "application/json", "schema"].map(escaped).join("/");
  const validate = ajv.getSchema(`${root}#/${pointer}`);
  if (validate === undefined) {
    return `${method} ${template} has no schema`;
  }
  return validate(body) ? undefined : `${method} ${template}: ${ajv.errorsText(validate.errors)}`;
}

/** Names of switches and models hold slashes. */
function pattern(path: string): RegExp {
  const literal = path.replace(/\./gu, "\\.");
  const wide = literal.replace(/\{(?:switch|model)\}/gu, ".+");
  return new RegExp(`^${wide.replace(/\{[^}]+\}/gu, "[^/]+")}$`, "u");
}

function parameters(path: string): number {
  return path.split("{").length;
}

/** A segment of a JSON pointer in a fragment. */
function escaped(segment: string): string {
  return encodeURIComponent(segment.replace(/~/gu, "~0").replace(/\//gu, "~1"));
}
