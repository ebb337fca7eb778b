/** Puts things in the cache whole or not at all: work in a temporary folder, then rename. */

import { chmod, mkdir, mkdtemp, rename, rm } from "node:fs/promises";
import { dirname, join } from "node:path";

/**
 * Lets `fill(temporaryDirectory)` make the content of `directory`, which appears only if it succeeds.
 * @param {string} directory
 * @param {(partial: string) => Promise<void>} fill
 */
export async function placeDirectory(directory, fill) {
  await mkdir(dirname(directory), { recursive: true });
  const partial = await mkdtemp(join(dirname(directory), ".partial-"));
  try {
    await fill(partial);
    // A temporary folder is private; what is placed may be used by everyone.
    await chmod(partial, 0o755);
    await rm(directory, { recursive: true, force: true });
    await rename(partial, directory);
  } finally {
    await rm(partial, { recursive: true, force: true });
  }
}
