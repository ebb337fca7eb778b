/** @type {Map<string, RegExp>} */
const compiled = new Map();

/**
 * Whether the glob covers the whole text; `*` is any run of characters, slashes included.
 * @param {string} glob
 * @param {string} text
 */
export function matchesGlob(glob, text) {
  let pattern = compiled.get(glob);
  if (!pattern) {
    const source = glob.split("*").map((part) => part.replace(/[\\^$.|?+()[\]{}]/gu, "\\$&"));
    pattern = new RegExp(`^${source.join(".*")}$`, "su");
    if (compiled.size > 1_000) compiled.clear();
    compiled.set(glob, pattern);
  }
  return pattern.test(text);
}
