/** The steps of a deployment, in order. */

import { display, run } from "../lib/process.mjs";
import { account } from "./account.mjs";
import { health } from "./health.mjs";
import { schema } from "./schema.mjs";
import { metadataIndexes, vectorIndex } from "./vectors.mjs";
import { worker } from "./worker.mjs";

/**
 * @typedef {object} Step
 * @property {string} title
 * @property {() => string[]} explain the commands, one a line, for a dry run
 * @property {(facts: { url: string }) => Promise<void>} run prints what it did or that it was there already
 */

/** @type {Step[]} */
export const steps = [
  npmScript("Tools", "setup"),
  account,
  npmScript("Build", "build"),
  vectorIndex,
  metadataIndexes,
  worker,
  schema,
  health,
];

/** @param {string} title @param {string} script @returns {Step} */
function npmScript(title, script) {
  const args = ["run", "--silent", script];
  return {
    title,
    explain: () => [display("npm", args)],
    run: async () => {
      await run("npm", args);
      console.log(`  ${title}: up to date`);
    },
  };
}
