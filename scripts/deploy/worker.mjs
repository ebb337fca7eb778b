/**
 * The Worker and its administrator key.
 *
 * wrangler.toml requires the secret, so the first deployment must bring it along: wrangler refuses to
 * deploy a new Worker without it, and cannot set a secret of a Worker that does not exist.
 */

import { randomBytes } from "node:crypto";
import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Problem } from "../lib/process.mjs";
import { ask, failed, parse, show, typed } from "./wrangler.mjs";

export const secretName = "ESCLUSA_ADMIN_KEY";

const listSecrets = ["secret", "list", "--format=json"];

export const worker = {
  title: "Worker, with its KV namespace, D1 database, R2 bucket and administrator key",
  explain: () => [
    typed(listSecrets),
    `${typed(["deploy"])}   (where ${secretName} is set)`,
    `${typed(["deploy", "--secrets-file", "FILE"])}   (where it is not: FILE holds a new key of 256 bits, shown once)`,
  ],
  run: deployWorker,
};

/** @param {{ url: string }} facts */
async function deployWorker(facts) {
  const isSet = (await secretNames()).includes(secretName);
  const directory = await mkdtemp(join(tmpdir(), "esclusa-"));
  try {
    const report = join(directory, "wrangler.ndjson");
    const secrets = isSet ? [] : ["--secrets-file", await newSecrets(directory)];
    if (isSet) console.log(`  The secret ${secretName} is set already and stays as it is`);
    await show(["deploy", ...secrets], { WRANGLER_OUTPUT_FILE_PATH: report });
    facts.url = address(await readFile(report, "utf8"));
  } finally {
    await rm(directory, { recursive: true, force: true });
  }
  console.log(`  Deployed to ${facts.url}`);
}

/** The names of the Worker's secrets; none where there is no Worker yet. @returns {Promise<string[]>} */
async function secretNames() {
  const outcome = await ask(listSecrets);
  if (outcome.code !== 0 && /Worker ".*" not found/.test(outcome.stderr + outcome.stdout))
    return [];
  /** @type {{ name: string }[] | undefined} */
  const secrets = outcome.code === 0 ? parse(outcome.stdout) : undefined;
  if (!secrets) throw failed(listSecrets, outcome);
  return secrets.map(({ name }) => name);
}

/**
 * Writes a new key to a file that only this user can read. The key is shown before the deployment: one
 * that uploads the Worker and then fails has set it.
 * @param {string} directory
 */
async function newSecrets(directory) {
  const key = randomBytes(32).toString("hex");
  const file = join(directory, "secrets.json");
  await writeFile(file, JSON.stringify({ [secretName]: key }), { mode: 0o600 });
  console.log(`  ${secretName}=${key}
  This is the administrator key, shown this once. Keep it where you keep passwords.
  It is in force as soon as the Worker is deployed.`);
  return file;
}

/**
 * The address among the targets that wrangler reports, one JSON object a line.
 * @param {string} report
 */
export function address(report) {
  const deployed = report
    .split("\n")
    .map(parse)
    .findLast((entry) => entry?.type === "deploy");
  /** @type {string[]} */
  const targets = deployed?.targets ?? [];
  const found = targets.map(origin).find((url) => url !== undefined);
  if (found) return found;
  throw new Problem(
    "wrangler reports no address of the Worker. Give it one in wrangler.toml (`workers_dev = true`, or `routes`).",
  );
}

/**
 * The origin of a target: `https://esclusa.name.workers.dev`, `ai.example.com (custom domain)` or a
 * route like `ai.example.com/* (zone name: example.com)`. A pattern over several hosts has none.
 * @param {string} target
 */
function origin(target) {
  const [place = ""] = target.trim().split(" ");
  const url = /^https?:\/\//.test(place) ? place : `https://${place}`;
  const host = url.replace(/^https?:\/\//, "").split("/")[0] ?? "";
  return /^[\w.-]+(:\d+)?$/.test(host) ? new URL(url).origin : undefined;
}
