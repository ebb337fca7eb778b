/**
 * Python's clients against the built Worker: `npm run test:clients`; arguments go to pytest. Those of
 * Node are part of `npm test`. The packages are installed into an environment of the checkout's own.
 */

import { createHash } from "node:crypto";
import { existsSync, readFileSync, rmSync } from "node:fs";
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { build } from "./build.mjs";
import { withLock } from "./lib/lock.mjs";
import { runMain } from "./lib/main.mjs";
import { capture, Problem, run } from "./lib/process.mjs";
import { fromRoot, stateDirectory } from "./lib/project.mjs";
import { toolEnvironment } from "./setup/environment.mjs";
import { setup } from "./setup.mjs";

/** The oldest Python that all the packages support. */
const minimumPython = [3, 11];

const tests = fromRoot("test", "clients", "python");
const requirements = join(tests, "requirements.txt");
const environment = join(stateDirectory, "python");
const stamp = join(environment, "requirements.stamp");
const python = join(environment, "bin", "python");

async function main() {
  const version = await pythonVersion();
  await setup();
  await withLock(join(stateDirectory, "python.lock"), () => installPackages(version), {
    onWait: () => console.log("Waiting for another installation to finish"),
  });
  await build();
  const pytest = [python, "-m", "pytest", tests, ...process.argv.slice(2)];
  await run("node", [join(tests, "serve.ts"), ...pytest], { env: toolEnvironment() });
}

/** @returns {Promise<string>} what `python3 --version` prints */
async function pythonVersion() {
  const { code, stdout } = await capture("python3", ["--version"]);
  const [major = 0, minor = 0] = (/\d[\d.]*/.exec(stdout)?.[0] ?? "").split(".").map(Number);
  const wanted = minimumPython.join(".");
  if (code !== 0 || major < minimumPython[0] || minor < minimumPython[1]) {
    throw new Problem(`Python ${wanted} or newer is missing: install it, with its module venv.`);
  }
  return stdout.trim();
}

/**
 * Makes the environment anew when the interpreter or a pinned version has changed.
 * @param {string} version
 */
async function installPackages(version) {
  const digest = createHash("sha256").update(version).update(readFileSync(requirements));
  const wanted = digest.digest("hex");
  if (existsSync(stamp) && readFileSync(stamp, "utf8") === wanted) return;
  console.log("Installing the Python packages of the client tests (about 3 min the first time)");
  rmSync(environment, { recursive: true, force: true });
  await run("python3", ["-m", "venv", environment]);
  await run(python, ["-m", "pip", "install", "--quiet", "--requirement", requirements]);
  await writeFile(stamp, wanted);
}

await runMain(main);
