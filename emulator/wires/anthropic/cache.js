// Prompt caching: what `cache_control` marks is written the first time and read the next.
// https://docs.anthropic.com/en/docs/build-with-claude/prompt-caching

import { promptTokens } from "../../chat.js";
import { badRequest } from "../../errors.js";
import { idOf } from "../../ids.js";
import { cachedPrefix, cachePrefix } from "../../prefix_cache.js";
import { countTokens } from "../../text.js";

/** @import { Json, Model, Turn } from "../../types.js" */

const MOST_BREAKPOINTS = 4;

/**
 * @param {Model} model
 * @param {Json} inputs
 * @param {Turn[]} turns
 * @returns {{ read: number, written: number }} tokens
 */
export function readCache(model, inputs, turns) {
  const blocks = blocksOf(inputs);
  const marked = blocks.flatMap(({ block }, at) => (block?.cache_control ? [at] : []));
  if (marked.length > MOST_BREAKPOINTS) {
    throw badRequest(
      `A maximum of ${MOST_BREAKPOINTS} blocks with cache_control may be provided. Found ${marked.length}.`,
    );
  }
  const most = promptTokens(turns, inputs.tools);
  let read = 0;
  let written = 0;
  for (const at of marked) {
    const prefix = blocks.slice(0, at + 1).map(({ role, block }) => [role, withoutMark(block)]);
    const tokens = Math.min(
      most,
      prefix.reduce((sum, [, block]) => sum + tokensOf(block), 0),
    );
    const key = idOf(model.id, prefix);
    if (cachedPrefix(key) === undefined) written = tokens - read;
    else [read, written] = [tokens, 0];
    cachePrefix(key, tokens);
  }
  return { read, written };
}

/**
 * Tools, system and messages in the order of the prompt.
 * @param {Json} inputs
 * @returns {{ role: string, block: any }[]}
 */
function blocksOf({ tools, system, messages }) {
  const listed = (/** @type {unknown} */ content) =>
    Array.isArray(content)
      ? content
      : content === undefined
        ? []
        : [{ type: "text", text: content }];
  return [
    ...listed(tools).map((block) => ({ role: "tool", block })),
    ...listed(system).map((block) => ({ role: "system", block })),
    ...messages.flatMap((/** @type {Json} */ { role, content }) =>
      listed(content).map((block) => ({ role, block })),
    ),
  ];
}

/** @param {any} block */
function withoutMark(block) {
  if (!block?.cache_control) return block;
  const { cache_control: _, ...rest } = block;
  return rest;
}

/** @param {any} block */
function tokensOf(block) {
  return countTokens(typeof block?.text === "string" ? block.text : JSON.stringify(block));
}
