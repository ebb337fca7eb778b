// Contents and their parts, refused as Gemini refuses them.
import { withoutDirectives } from "../../directives.js";
import { badRequest } from "../../errors.js";
import { fromBase64 } from "../../media/bytes.js";
import { documentOf, listenTo, lookAtPicture, lookAtUrl, readDocument } from "../../media/look.js";
import { checkSignature } from "./signature.js";

/** @import { Json, Medium, Model, Turn } from "../../types.js" */

/** Fields of a part that hold its content: exactly one of them. */
const DATA = {
  text: "text",
  inlineData: "inlineData",
  inline_data: "inlineData",
  fileData: "fileData",
  file_data: "fileData",
  functionCall: "functionCall",
  function_call: "functionCall",
  functionResponse: "functionResponse",
  function_response: "functionResponse",
  executableCode: "executableCode",
  codeExecutionResult: "codeExecutionResult",
};

/** @param {Model} model @param {Json} inputs @returns {Turn[]} */
export function readContents(model, { contents, systemInstruction, system_instruction: snake }) {
  if (!Array.isArray(contents) || contents.length === 0) {
    throw badRequest("* GenerateContentRequest.contents: contents is not specified");
  }
  const turns = contents.map(readContent);
  checkFunctionTurns(model, contents);
  const system = systemInstruction ?? snake;
  if (!system) return turns;
  const text = (system.parts ?? []).map((/** @type {Json} */ part) => part.text ?? "").join("\n");
  return [{ role: "system", text: withoutDirectives(text), media: [] }, ...turns];
}

/** @param {any} content @param {number} index @returns {Turn} */
function readContent({ role = "user", parts }, index) {
  if (role !== "user" && role !== "model" && role !== "function") {
    throw badRequest("Please use a valid role: user, model.");
  }
  if (!Array.isArray(parts) || parts.length === 0) {
    throw badRequest(
      `* GenerateContentRequest.contents[${index}].parts: contents.parts must not be empty.`,
    );
  }
  const read = parts.map((part, at) => readPart(part, `contents[${index}].parts[${at}]`));
  const responds = parts.some((part) => part.functionResponse ?? part.function_response);
  return {
    role: responds ? "tool" : role === "model" ? "assistant" : "user",
    text: withoutDirectives(read.filter((part) => typeof part === "string").join("\n")),
    media: read.filter((part) => typeof part !== "string"),
  };
}

/** @param {any} part @param {string} path @returns {string | Medium} */
function readPart(part, path) {
  const kinds = Object.entries(DATA).filter(([name]) => part?.[name] !== undefined);
  const [kind] = kinds;
  if (!kind) {
    throw badRequest(
      `* GenerateContentRequest.${path}.data: required oneof field 'data' must have one initialized field`,
    );
  }
  if (kinds.length > 1) {
    throw badRequest(
      `Invalid value at '${path}' (oneof), oneof field 'data' is already set. Cannot set '${kinds[1]?.[0]}'`,
    );
  }
  const value = part[kind[0]];
  switch (kind[1]) {
    case "text":
      return part.thought ? "" : String(value);
    case "inlineData":
      return inline(value.mimeType ?? value.mime_type, value.data);
    case "fileData":
      return byAddress(value.mimeType ?? value.mime_type ?? "", value.fileUri ?? value.file_uri);
    case "functionResponse":
      return responseText(value.response);
    default:
      return "";
  }
}

/** @param {string} type @param {unknown} data @returns {Medium} */
function inline(type, data) {
  const base64 = typeof data === "string" ? data : "";
  if (!type) throw badRequest("Unsupported MIME type: ");
  const seen = mediumOf(type, base64);
  if (seen) return seen;
  throw badRequest(
    "Unable to process input image. Please retry or report in https://developers.generativeai.google/guide/troubleshooting",
  );
}

/** @param {string} type @param {string} base64 @returns {Medium | undefined} */
function mediumOf(type, base64) {
  if (type.startsWith("image/")) return lookAtPicture(base64);
  if (type.startsWith("audio/")) return listenTo(base64);
  const readable = type === "application/pdf" || type.startsWith("text/");
  return readable && fromBase64(base64) ? readDocument(base64, "document") : undefined;
}

/** @param {string} type @param {unknown} uri @returns {Medium} */
function byAddress(type, uri) {
  if (typeof uri !== "string" || !/^(?:https|gs):/u.test(uri)) {
    throw badRequest(`Invalid or unsupported file uri: ${uri}`);
  }
  const image = type.startsWith("image/") ? lookAtUrl(uri) : undefined;
  return image ?? documentOf("", uri, type);
}

/** @param {any} response */
function responseText(response) {
  const [only, ...more] = Object.values(response ?? {});
  return typeof only === "string" && more.length === 0 ? only : JSON.stringify(response ?? {});
}

/**
 * As many answers as calls, and signatures on the calls of the turn that still goes on.
 * https://ai.google.dev/gemini-api/docs/thought-signatures
 * @param {Model} model
 * @param {any[]} contents
 */
function checkFunctionTurns(model, contents) {
  const asked = contents.findLastIndex(
    ({ role = "user", parts }) =>
      role === "user" && parts.some((/** @type {Json} */ part) => part.text !== undefined),
  );
  for (const [index, { parts }] of contents.entries()) {
    const calls = parts.flatMap(
      (/** @type {Json} */ part) => part.functionCall ?? part.function_call ?? [],
    );
    const [response] = [contents[index + 1]?.parts ?? []].map((next) =>
      next.filter((/** @type {Json} */ part) => part.functionResponse ?? part.function_response),
    );
    if (calls.length > 0 && response.length !== calls.length) {
      throw badRequest(
        "Please ensure that the number of function response parts is equal to the number of " +
          "function call parts of the function call turn.",
      );
    }
    if (calls.length > 0 && index > asked) checkSignature(model, parts, index);
  }
}
