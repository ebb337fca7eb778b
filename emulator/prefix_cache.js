// Which beginnings of prompts a provider has cached, where the request asks for it (Anthropic's
// `cache_control`). In the isolate's memory for the reason given in faults.js.

const MAX_PREFIXES = 10_000;

/** Hash of a prefix to its length in tokens. @type {Map<string, number>} */
const cached = new Map();

/** @param {string} key @returns {number | undefined} the tokens of a prefix seen before */
export function cachedPrefix(key) {
  return cached.get(key);
}

/** @param {string} key @param {number} tokens */
export function cachePrefix(key, tokens) {
  if (cached.size >= MAX_PREFIXES) cached.clear();
  cached.set(key, tokens);
}

export function forgetPrefixes() {
  cached.clear();
}
