/** Where things are: the project's root and the cache shared by every checkout of it. */

import { homedir } from "node:os";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

export const root = dirname(dirname(dirname(fileURLToPath(import.meta.url))));

/** Tools that take minutes to compile are kept here, once per machine. */
export const cacheDirectory = join(
  process.env.XDG_CACHE_HOME || join(homedir(), ".cache"),
  "esclusa",
);

/** Locks, stamps and reports of this checkout. Safe to delete at any time. */
export const stateDirectory = join(root, ".esclusa");

/** The built Worker: `index.js` and `index_bg.wasm`. */
export const buildDirectory = join(root, "build");

/** @param {string[]} parts */
export function fromRoot(...parts) {
  return join(root, ...parts);
}
