/**
 * What tells an operation from a text:
 *
 *     npm run train:intent                     learns from training/intent/, writes config/intent.bin
 *     npm run eval:intent -- FILE.jsonl        how good that is on labelled lines; the held-out batch without a file
 *     npm run check:clinc -- data_full.json    the same learner on CLINC150
 */

import { resolve } from "node:path";
import { runMain } from "./lib/main.mjs";
import { run } from "./lib/process.mjs";
import { toolEnvironment } from "./setup/environment.mjs";
import { setup } from "./setup.mjs";

/** Where the data lie beside a checkout. */
const clinc = "../shared/data/clinc150/data_full.json";

async function main() {
  const [command = "train", ...given] = process.argv.slice(2);
  const files = command === "clinc" && given.length === 0 ? [clinc] : given;
  const paths = files.map((file) => resolve(file));
  await setup();
  const cargo = ["run", "--release", "--quiet", "--manifest-path", "training/Cargo.toml", "--"];
  await run("cargo", [...cargo, command, ...paths], { env: toolEnvironment() });
}

await runMain(main);
