#!/usr/bin/env node
// Stands in for wrangler: keeps an account in the file FAKE_ACCOUNT, a database beside it, and a log
// of its calls. Output, errors and exit codes are those of wrangler 4.164.
import { appendFileSync, readFileSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { DatabaseSync } from "node:sqlite";

const file = process.env.FAKE_ACCOUNT ?? "";
const outputFile = process.env.WRANGLER_OUTPUT_FILE_PATH ?? "";
const folder = dirname(file);
const account = JSON.parse(readFileSync(file, "utf8"));
const args = process.argv.slice(2);
const command = args.filter((argument) => !argument.startsWith("-"));

appendFileSync(join(folder, "calls.ndjson"), `${JSON.stringify(["wrangler", ...args])}\n`);
if (account.failing && args.join(" ").startsWith(account.failing)) {
  fail(`the fake account fails ${account.failing}`);
}
/** @type {Record<string, () => void>} */
const handlers = {
  whoami,
  "vectorize list": () => print(account.indexes),
  "vectorize create": createIndex,
  "vectorize list-metadata-index": () => print(account.metadata),
  "vectorize create-metadata-index": createMetadataIndex,
  "secret list": listSecrets,
  deploy,
  "d1 execute": execute,
};
const handler = handlers[command.slice(0, 2).join(" ")] ?? handlers[command[0] ?? ""];
if (!handler) throw new Error(`the fake knows no command ${args.join(" ")}`);
handler();
writeFileSync(file, JSON.stringify(account));

function whoami() {
  if (account.loggedIn) return print({ loggedIn: true, accounts: account.accounts });
  print({ loggedIn: false });
  process.exit(1);
}

function createIndex() {
  const config = { dimensions: Number(option("dimensions")), metric: option("metric") };
  account.indexes.push({ name: command[2], config });
}

function createMetadataIndex() {
  // The service answers types with a capital letter.
  const indexType = (option("type") ?? "").replace(/^./, (first) => first.toUpperCase());
  account.metadata.push({ propertyName: option("propertyName"), indexType });
}

function listSecrets() {
  if (!account.secrets) fail('Worker "esclusa" not found.\n\nIf this is a new Worker, …');
  print(Object.keys(account.secrets).map((name) => ({ name, type: "secret_text" })));
}

function deploy() {
  const secretsFile = option("secrets-file");
  if (secretsFile) {
    const secrets = JSON.parse(readFileSync(secretsFile, "utf8"));
    account.secrets = { ...account.secrets, ...secrets };
  }
  if (!account.secrets?.ESCLUSA_ADMIN_KEY) {
    fail("The following required secrets have not been set: ESCLUSA_ADMIN_KEY");
  }
  const entry = { type: "deploy", version: 1, targets: account.targets };
  appendFileSync(outputFile, '{"type":"wrangler-session"}\n');
  appendFileSync(outputFile, `${JSON.stringify(entry)}\n`);
}

/** Runs the SQL: a file in one transaction, as D1 imports it. */
function execute() {
  const database = new DatabaseSync(join(folder, "d1.sqlite"));
  const sqlFile = option("file");
  if (sqlFile) {
    database.exec("BEGIN");
    database.exec(readFileSync(sqlFile, "utf8"));
    database.exec("COMMIT");
    return;
  }
  const statements = (option("command") ?? "").split("; ");
  print(statements.map((sql) => ({ success: true, results: database.prepare(sql).all() })));
}

/** The value of `--name value` or `--name=value`. @param {string} name */
function option(name) {
  const at = args.findIndex((argument) => argument.split("=")[0] === `--${name}`);
  return at < 0 ? undefined : (args[at]?.split("=")[1] ?? args[at + 1]);
}

/** @param {unknown} value */
function print(value) {
  console.log(JSON.stringify(value, null, 2));
}

/** @param {string} message */
function fail(message) {
  console.error(`✘ [ERROR] ${message}`);
  process.exit(1);
}
