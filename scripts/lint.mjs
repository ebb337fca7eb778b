/** Formatters, linters and type checks. Runs all of them, then says which failed. */

import { runMain } from "./lib/main.mjs";
import { capture, Problem, run } from "./lib/process.mjs";
import { runStages } from "./lib/stages.mjs";
import { toolEnvironment } from "./setup/environment.mjs";
import { wasmTarget } from "./setup/versions.mjs";
import { setup } from "./setup.mjs";

const fetchMilliseconds = 120_000;
const denyWarnings = ["--", "--deny", "warnings"];

/** Workspaces of their own. */
const inFuzz = ["--manifest-path", "fuzz/Cargo.toml"];
const inTraining = ["--manifest-path", "training/Cargo.toml"];

const stages = [
  command("Cargo.lock", ["cargo", "fetch", "--locked", "--quiet"]),
  command("Rust format", ["cargo", "fmt", "--check"]),
  command("Rust format of fuzz/", ["cargo", "fmt", "--check", ...inFuzz]),
  command("Rust format of training/", ["cargo", "fmt", "--check", ...inTraining]),
  command("clippy", ["cargo", "clippy", "--all-targets", ...denyWarnings]),
  command("clippy for WebAssembly", [
    ...["cargo", "clippy", "--lib", "--target", wasmTarget],
    ...denyWarnings,
  ]),
  { title: "dependencies", run: checkDependencies },
  command("JavaScript and TypeScript", ["biome", "ci", "--error-on-warnings"]),
  command("types", ["tsc", "--noEmit"]),
];

/**
 * @param {string} title
 * @param {string[]} words
 */
function command(title, [name, ...args]) {
  return { title, run: () => run(name, args, { env: toolEnvironment() }) };
}

/** Licences, sources and bans always; known vulnerabilities where their database can be had. */
async function checkDependencies() {
  const env = toolEnvironment();
  const checks = ["licenses", "bans", "sources"];
  const database = await capture("cargo", ["deny", "fetch", "db"], {
    env,
    timeout: fetchMilliseconds,
  });
  if (database.code === 0) checks.push("advisories");
  else console.log("Vulnerabilities are not checked: their database is out of reach.");
  await run("cargo", ["deny", "--log-level", "error", "check", ...checks], { env });
}

async function main() {
  await setup({ forLint: true });
  const failed = await runStages(stages);
  if (failed.length > 0) throw new Problem(`Failed: ${failed.join(", ")}.`);
}

await runMain(main);
