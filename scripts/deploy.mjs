/**
 * Deploys Esclusa to a Cloudflare account: everything that a first deployment needs, in order. What is
 * there already is left alone, so a run that stopped is resumed by running it again.
 *
 *     npm run deploy
 *     npm run deploy -- --dry-run     prints each step with its commands and runs none
 */

import { steps } from "./deploy/steps.mjs";
import { runMain } from "./lib/main.mjs";
import { Problem } from "./lib/process.mjs";

/** @typedef {import("./deploy/steps.mjs").Step} Step */

async function main() {
  const wanted = process.argv.slice(2);
  const unknown = wanted.find((argument) => argument !== "--dry-run");
  if (unknown !== undefined) {
    throw new Problem(`\`${unknown}\` is not an option. The only one is --dry-run.`);
  }
  if (wanted.length > 0) explain();
  else await deploy();
}

function explain() {
  console.log("Dry run: these are the steps of a deployment. Nothing is run.");
  for (const [index, step] of steps.entries()) {
    console.log(`\n${heading(index, step)}`);
    for (const line of step.explain()) console.log(`  ${line}`);
  }
}

async function deploy() {
  const facts = { url: "" };
  for (const [index, step] of steps.entries()) {
    console.log(`\n${heading(index, step)}`);
    try {
      await step.run(facts);
    } catch (error) {
      if (error instanceof Problem) throw stopped(index, step, error);
      throw error;
    }
  }
  console.log(`
Esclusa is deployed at ${facts.url}
Create the first org, then a key for it (README.md, "Administration"):

curl ${facts.url}/admin/v1/orgs -H "Authorization: Bearer $ESCLUSA_ADMIN_KEY" \\
  -H "Content-Type: application/json" -d '{"id": "acme", "name": "Acme"}'`);
}

/** @param {number} index @param {Step} step */
function heading(index, step) {
  return `[${index + 1}/${steps.length}] ${step.title}`;
}

/** @param {number} index @param {Step} step @param {Error} problem */
function stopped(index, step, problem) {
  return new Problem(`${problem.message}

Stopped at step ${index + 1} of ${steps.length} (${step.title}). What the steps before it did stays.
Once the cause is gone, run \`npm run deploy\` again: it goes on from here.`);
}

await runMain(main);
