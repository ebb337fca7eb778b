/** Rewrites Rust, JavaScript, TypeScript and JSON in the one format. */

import { runMain } from "./lib/main.mjs";
import { run } from "./lib/process.mjs";
import { toolEnvironment } from "./setup/environment.mjs";
import { setup } from "./setup.mjs";

async function main() {
  await setup();
  const env = toolEnvironment();
  await run("cargo", ["fmt"], { env });
  await run("cargo", ["fmt", "--manifest-path", "fuzz/Cargo.toml"], { env });
  await run("biome", ["check", "--write"], { env });
}

await runMain(main);
