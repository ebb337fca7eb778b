/**
 * Builds and serves Esclusa on this machine, with the emulator in place of Workers AI and Vectorize:
 *
 *     npm start                    http://localhost:8787
 *     npm start -- --port 9000     or PORT=9000
 *
 * The state stays under .wrangler/; deleting that folder starts afresh.
 */

import { createServer } from "node:net";
import { parseArgs } from "node:util";
import { build } from "./build.mjs";
import { demoQuestion, loadDemo } from "./demo.mjs";
import { isMain, runMain } from "./lib/main.mjs";
import { capture, Problem } from "./lib/process.mjs";
import { startService } from "./lib/service.mjs";
import { toolEnvironment } from "./setup/environment.mjs";
import { setup } from "./setup.mjs";

/** As wrangler.dev.toml says. */
const adminKey = "local-admin-key";

const millisecondsToReady = 60_000;

async function main() {
  const port = readPort();
  await requireFree(port);
  await setup();
  await build();
  console.log(`Starting on http://localhost:${port}`);
  await applySchema();
  await serve(port);
}

/** @param {number} port */
async function serve(port) {
  const baseUrl = `http://localhost:${port}`;
  const configs = ["-c", "wrangler.dev.toml", "-c", "emulator/wrangler.toml"];
  const args = ["dev", ...configs, "--port", String(port), "--inspector-port", "0"];
  const wrangler = startService("wrangler", args, toolEnvironment());
  try {
    await Promise.race([interruption(), serveUntilEnd(wrangler, baseUrl)]);
  } finally {
    await wrangler.stop();
  }
}

/** @param {import("./lib/service.mjs").Service} wrangler @param {string} baseUrl */
async function serveUntilEnd(wrangler, baseUrl) {
  await wrangler.waitFor(`${baseUrl}/health`, millisecondsToReady);
  const { apiKey } = await loadDemo({ baseUrl, adminKey });
  console.log(welcome(baseUrl, apiKey));
  wrangler.show();
  await wrangler.ended;
  throw new Problem("wrangler has ended.");
}

/** Resolves when a person or the system wants this to end. */
function interruption() {
  return new Promise((resolve) => {
    for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"]) process.once(signal, resolve);
  });
}

/** @param {string} baseUrl @param {string} apiKey */
function welcome(baseUrl, apiKey) {
  const body = JSON.stringify({
    model: "operation/faq",
    messages: [{ role: "user", content: demoQuestion }],
  });
  return `
Esclusa is up. Ask it something (the same again comes from the cache):

curl -i ${baseUrl}/v1/chat/completions \\
  -H "authorization: Bearer ${apiKey}" \\
  -H "content-type: application/json" \\
  -d '${body}'

OpenAI clients: base URL ${baseUrl}/v1, API key as above.
Administration: ${baseUrl}/admin/v1, Authorization: Bearer ${adminKey}
Answers come from the emulator, not from a model. Ctrl-C ends.
`;
}

function readPort() {
  const wanted = portArgument() ?? process.env.PORT ?? "8787";
  const port = Number(wanted);
  if (Number.isInteger(port) && port > 0 && port < 65_536) return port;
  throw new Problem(`\`${wanted}\` is not a port: give a number from 1 to 65535.`);
}

function portArgument() {
  try {
    return parseArgs({ options: { port: { type: "string" } } }).values.port;
  } catch (error) {
    throw new Problem(`${/** @type {Error} */ (error).message}. The only option is --port.`);
  }
}

/** @param {number} port @returns {Promise<void>} */
function requireFree(port) {
  return new Promise((resolve, reject) => {
    const server = createServer();
    server.on("error", () => {
      reject(
        new Problem(`Port ${port} is in use: end what uses it, or \`npm start -- --port 9000\`.`),
      );
    });
    server.listen(port, "localhost", () => server.close(() => resolve()));
  });
}

/** Applying it again changes nothing. */
async function applySchema() {
  const args = [
    "d1",
    "execute",
    "DB",
    "--local",
    "-c",
    "wrangler.dev.toml",
    "--file",
    "schema.sql",
  ];
  const { code, stdout, stderr } = await capture("wrangler", [...args, "--yes"], {
    env: toolEnvironment(),
  });
  if (code !== 0)
    throw new Problem(`The local database could not be prepared:\n${stdout}${stderr}`);
}

if (isMain(import.meta.url)) await runMain(main);
