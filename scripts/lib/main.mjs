/** What a script that is started from the command line does around its `main`. */

import { pathToFileURL } from "node:url";
import { Problem } from "./process.mjs";

/**
 * Whether the module at `moduleUrl` is the one the process was started with.
 * @param {string} moduleUrl
 */
export function isMain(moduleUrl) {
  return moduleUrl === pathToFileURL(process.argv[1] ?? "").href;
}

/**
 * Runs a script: a `Problem` is printed as one message, anything else with its trace, and both end
 * the process with code 1.
 * @param {() => Promise<void>} main
 */
export async function runMain(main) {
  try {
    await main();
  } catch (error) {
    console.error(error instanceof Problem ? `\n${error.message}` : error);
    process.exit(1);
  }
}
