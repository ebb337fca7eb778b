// Content of OpenAI's chat messages, which Workers AI shares: a string, or parts.
import { withoutDirectives } from "../../directives.js";
import { badRequest } from "../../errors.js";
import { readDataUrl } from "../../media/bytes.js";
import { listenTo, lookAtUrl, readDocument } from "../../media/look.js";

/** @import { Medium, Turn } from "../../types.js" */

/** @typedef {(param: string, message: string) => Error} Refuse */

/**
 * @param {unknown} content
 * @param {string} path where it stands
 * @param {Refuse} [refuse] how the service words a bad part
 * @returns {Omit<Turn, "role">}
 */
export function readContent(content, path, refuse = badPart) {
  if (typeof content === "string") return { text: withoutDirectives(content), media: [] };
  if (!Array.isArray(content)) return { text: "", media: [] };
  /** @type {string[]} */
  const texts = [];
  /** @type {Medium[]} */
  const media = [];
  for (const [index, part] of content.entries()) {
    const at = `${path}[${index}]`;
    const read = typeof part === "string" ? part : readPart(part, at, refuse);
    if (typeof read === "string") texts.push(read);
    else if (read) media.push(read);
  }
  return { text: withoutDirectives(texts.join("\n")), media };
}

/** @param {string} param @param {string} message */
function badPart(param, message) {
  return badRequest(message, param, "invalid_value");
}

/**
 * @param {any} part
 * @param {string} path
 * @param {Refuse} refuse
 * @returns {string | Medium | undefined}
 */
function readPart(part, path, refuse) {
  switch (part?.type) {
    case "text":
    case "input_text":
    case "output_text":
      if (typeof part.text === "string") return part.text;
      throw refuse(`${path}.text`, `Invalid type for '${path}.text': expected a string.`);
    case "refusal":
      return String(part.refusal ?? "");
    case "image_url":
      return picture(part.image_url?.url ?? part.image_url, `${path}.image_url`, refuse);
    case "input_image":
      return picture(part.image_url ?? "", `${path}.image_url`, refuse);
    case "input_audio":
      return recording(part.input_audio, `${path}.input_audio`, refuse);
    case "file":
      return attached(part.file, `${path}.file`, refuse);
    case "input_file":
      return attached(part, path, refuse);
    case "thinking":
    case "reasoning_text":
      return undefined;
    default:
      throw refuse(
        `${path}.type`,
        `Invalid value: '${part?.type}'. Supported values are: 'text', 'image_url', ` +
          "'input_audio', 'refusal', 'audio', and 'file'.",
      );
  }
}

/** @param {unknown} url @param {string} path @param {Refuse} refuse */
function picture(url, path, refuse) {
  if (typeof url !== "string" || !/^(?:https?:|data:)/u.test(url)) {
    throw refuse(
      path,
      `Invalid '${path}': Expected a valid URL, but got a value with an invalid format.`,
    );
  }
  const seen = lookAtUrl(url);
  if (seen) return seen;
  throw refuse(
    path,
    "You uploaded an unsupported image. Please make sure your image has of one the following " +
      "formats: ['png', 'jpeg', 'gif', 'webp'].",
  );
}

/** @param {any} audio @param {string} path @param {Refuse} refuse */
function recording(audio, path, refuse) {
  const heard = typeof audio?.data === "string" ? listenTo(audio.data) : undefined;
  if (heard) return heard;
  throw refuse(path, "The audio could not be decoded or its format is not supported.");
}

/** @param {any} file @param {string} path @param {Refuse} refuse */
function attached(file, path, refuse) {
  const given = readDataUrl(String(file?.file_data ?? ""));
  const read = given && readDocument(given.data, String(file.filename ?? "document"));
  if (read) return read;
  throw refuse(
    path,
    `Invalid '${path}': expected 'file_data' to be a data URL with base64 content.`,
  );
}
