// Content blocks: https://docs.anthropic.com/en/api/messages#body-messages-content
import { withoutDirectives } from "../../directives.js";
import { badRequest } from "../../errors.js";
import { documentOf, lookAtPicture, lookAtUrl, readDocument } from "../../media/look.js";
import { checkThinking } from "./thinking.js";

/** @import { Medium, Turn } from "../../types.js" */

const TYPES =
  "'document', 'image', 'redacted_thinking', 'search_result', 'server_tool_use', 'text', " +
  "'thinking', 'tool_result', 'tool_use', 'web_search_tool_result'";
const IMAGE_TYPES = ["image/jpeg", "image/png", "image/gif", "image/webp"];

/**
 * @param {unknown} content a string or blocks
 * @param {string} path
 * @returns {Omit<Turn, "role">}
 */
export function readBlocks(content, path) {
  if (typeof content === "string") return { text: withoutDirectives(content), media: [] };
  if (!Array.isArray(content)) return { text: "", media: [] };
  const read = content.map((block, index) => readBlock(block, `${path}.${index}`));
  const text = read.flatMap((block) => block.texts).join("\n");
  return { text: withoutDirectives(text), media: read.flatMap((block) => block.media) };
}

/**
 * @param {any} block
 * @param {string} path
 * @returns {{ texts: string[], media: Medium[] }}
 */
function readBlock(block, path) {
  switch (block?.type) {
    case "text":
      return { texts: [readText(block, path)], media: [] };
    case "image":
      return { texts: [], media: [picture(block.source, `${path}.image.source`)] };
    case "document":
      return { texts: [], media: [document(block, path)] };
    case "tool_result": {
      const inner = readBlocks(block.content ?? "", `${path}.tool_result.content`);
      return { texts: [inner.text], media: inner.media };
    }
    case "search_result":
      return { texts: [readBlocks(block.content, path).text], media: [] };
    case "thinking":
    case "redacted_thinking":
      checkThinking(block, path);
      return { texts: [], media: [] };
    case "tool_use":
      checkToolUse(block, path);
      return { texts: [], media: [] };
    case "server_tool_use":
    case "web_search_tool_result":
      return { texts: [], media: [] };
    default:
      throw badRequest(
        `${path}: Input tag '${block?.type}' found using 'type' does not match any of the ` +
          `expected tags: ${TYPES}`,
      );
  }
}

/** @param {any} block @param {string} path */
function readText({ text, cache_control: cached }, path) {
  if (typeof text !== "string")
    throw badRequest(`${path}.text.text: Input should be a valid string`);
  if (text === "" && cached) {
    throw badRequest(`${path}.text: cache_control cannot be set for empty text blocks`);
  }
  if (text === "") throw badRequest("messages: text content blocks must be non-empty");
  return text;
}

/** @param {any} block @param {string} path */
function checkToolUse({ id, input }, path) {
  if (typeof id !== "string" || !/^[\w-]+$/u.test(id)) {
    throw badRequest(`${path}.tool_use.id: String should match pattern '^[a-zA-Z0-9_-]+$'`);
  }
  if (typeof input !== "object" || input === null || Array.isArray(input)) {
    throw badRequest(`${path}.tool_use.input: Input should be a valid dictionary`);
  }
}

/** @param {any} source @param {string} path @returns {Medium} */
function picture(source, path) {
  if (source?.type === "url") {
    const seen = /^https:/u.test(source.url) ? lookAtUrl(source.url) : undefined;
    if (seen) return seen;
    throw badRequest(`${path}.url.url: Only HTTPS URLs are supported.`);
  }
  if (source?.type !== "base64" || typeof source.data !== "string") {
    throw badRequest(`${path}: Input tag '${source?.type}' does not match 'base64', 'url', 'file'`);
  }
  if (!IMAGE_TYPES.includes(source.media_type)) {
    throw badRequest(
      `${path}.base64.media_type: Input should be ${IMAGE_TYPES.map((type) => `'${type}'`).join(", ")}`,
    );
  }
  const seen = lookAtPicture(source.data);
  if (!seen) throw badRequest("Could not process image");
  if (seen.type === source.media_type) return seen;
  throw badRequest(
    `${path}.base64: The image was specified using the ${source.media_type} media type, but the ` +
      `image appears to be a ${seen.type} image`,
  );
}

/** @param {any} block @param {string} path @returns {Medium} */
function document({ source, title }, path) {
  const name = String(title ?? "Document");
  if (source?.type === "text") return documentOf(String(source.data), name);
  if (source?.type === "content") return documentOf(readBlocks(source.content, path).text, name);
  if (source?.type === "url") return documentOf("", `${name} (${source.url})`, "application/pdf");
  const read = typeof source?.data === "string" ? readDocument(source.data, name) : undefined;
  if (read?.type === "application/pdf") return read;
  throw badRequest(`${path}.document.source.base64.data: The PDF specified was not valid.`);
}
