// OpenAI's own description of its API, where it is at hand: what an answer must be an instance of.
import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { gunzipSync } from "node:zlib";
import { Ajv2020, type ValidateFunction } from "ajv/dist/2020.js";

/** A JSON object as the description or an answer has it. */
// biome-ignore lint/suspicious/noExplicitAny: walked, not typed
type Json = any;

/** The description, from <https://github.com/openai/openai-openapi>. It lies beside the repository. */
const file = join(import.meta.dirname, "../../../shared/data/openai-openapi.json.gz");
const root = "openai";

export type Description = ReturnType<typeof describe>;

/** The description, or nothing where its file is not there. */
export function openAiDescription(): Description | undefined {
  return existsSync(file) ? describe(readDescription()) : undefined;
}

function readDescription(): Json {
  const text = gunzipSync(readFileSync(file)).toString();
  const description = JSON.parse(text, (_, value) => modernized(value));
  mend(description.components.schemas);
  return description;
}

/** It leaves out what `encoding_format: base64` gives, and nulls that stand in its own examples. */
function mend({ Embedding, ModelResponseProperties, Response }: Json) {
  const allow = (properties: Json, name: string, type: string) => {
    properties[name] = { anyOf: [properties[name], { type }] };
  };
  allow(Embedding.properties, "embedding", "string");
  allow(ModelResponseProperties.properties, "user", "null");
  const own = Response.allOf.find(({ properties }: Json) => properties?.usage);
  allow(own.properties, "usage", "null");
}

/**
 * `nullable` is OpenAPI 3.0's and means nothing in 3.1, whose `null` is a type like others. And `oneOf` is
 * said where several members fit at once, as the short form of a transcription does the long one.
 */
function modernized(value: Json): Json {
  if (Array.isArray(value?.oneOf)) {
    const { oneOf: anyOf, ...schema } = value;
    return { ...schema, anyOf };
  }
  if (value?.nullable === true) {
    const { nullable: _, ...schema } = value;
    return { anyOf: [schema, { type: "null" }] };
  }
  return value;
}

function describe({ components, paths }: Json) {
  const ajv = new Ajv2020({
    strict: false,
    validateFormats: false,
    addUsedSchema: false,
    inlineRefs: false,
  });
  ajv.addSchema({ $id: root, components, paths });

  function problem(pointer: string, instance: unknown): string | undefined {
    const validate = ajv.getSchema(`${root}#${pointer}`) as ValidateFunction;
    return validate(instance) ? undefined : ajv.errorsText(validate.errors, { dataVar: "" });
  }

  function content(method: string, path: string, type: string): string | undefined {
    const schema = paths[path]?.[method]?.responses?.["200"]?.content?.[type]?.schema;
    const steps = ["paths", path, method, "responses", "200", "content", type, "schema"];
    return schema === undefined ? undefined : schema.$ref?.slice(1) || pointerOf(steps);
  }

  return {
    /** The template of the path that the description has for `path`: `/responses/{response_id}`. */
    operation: (method: string, path: string): string | undefined =>
      Object.keys(paths).find(
        (template) => paths[template][method] !== undefined && matches(template, path),
      ),
    /** What is wrong with an answer of an operation, with the place in it; nothing if it is right. */
    answerProblem(method: string, path: string, answer: unknown): string | undefined {
      const pointer = content(method, path, "application/json");
      return pointer && problem(pointer, answer);
    },
    /** The same for what one event of a stream carries. */
    eventProblem(method: string, path: string, event: Json): string | undefined {
      const pointer = content(method, path, "text/event-stream");
      if (pointer === undefined || event?.error !== undefined) {
        return this.errorProblem(event);
      }
      const members: Json[] | undefined = components.schemas[pointer.split("/").at(-1) ?? ""].anyOf;
      const member = members === undefined ? pointer : memberOf(components, members, event.type);
      return member === undefined ? `/type ${event.type} is no event` : problem(member, event);
    },
    /** The same for the body of a refusal. */
    errorProblem: (body: unknown) => problem("/components/schemas/ErrorResponse", body),
  };
}

/** Of a union told apart by `type`, the member; so that the problem is one, not one of each member. */
function memberOf(components: Json, members: Json[], type: string): string | undefined {
  const pointers = members.map(({ $ref }) => $ref.slice(1));
  return pointers.find((pointer) => {
    const named = components.schemas[pointer.split("/").at(-1) ?? ""].properties?.type;
    return named?.const === type || named?.enum?.includes(type);
  });
}

function matches(template: string, path: string): boolean {
  const pattern = template.split("/");
  const parts = path.split("/");
  return (
    pattern.length === parts.length &&
    pattern.every((part, index) => part.startsWith("{") || part === parts[index])
  );
}

function pointerOf(steps: string[]): string {
  const escaped = steps.map((step) => step.replaceAll("~", "~0").replaceAll("/", "~1"));
  return escaped.map((step) => `/${encodeURIComponent(step)}`).join("");
}
