/** Measures the gateway against bare proxies: builds what is needed, then runs bench/. See bench/README.md. */

import { buildBare } from "../bench/lib/build-bare.mjs";
import { build } from "./build.mjs";
import { isMain, runMain } from "./lib/main.mjs";
import { run } from "./lib/process.mjs";
import { fromRoot } from "./lib/project.mjs";
import { toolEnvironment } from "./setup/environment.mjs";
import { setup } from "./setup.mjs";

async function main() {
  await setup();
  await build({ names: process.argv.includes("--profile") });
  await buildBare();
  const program = fromRoot("bench", "main.mjs");
  await run("node", [program, ...process.argv.slice(2)], {
    cwd: process.cwd(),
    env: toolEnvironment(),
  });
}

if (isMain(import.meta.url)) await runMain(main);
