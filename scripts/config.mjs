/**
 * The configuration of an org, or of the deployment, in files: fetched, compared and put in force.
 *
 *   npm run config -- pull --url URL --org ORG FILE
 *   npm run config -- diff --url URL --org ORG FILE…
 *   npm run config -- push --url URL --org ORG [--note TEXT] FILE…
 *
 * With --deployment in place of --org ORG it is the deployment's, which holds in every org whose own says
 * nothing else.
 *
 * One file is the whole document, as `pull` writes it: YAML where its name ends so, else JSON. One that
 * was not pulled is pushed as such only with --replace. Several files, and one with --merge, are sections
 * that change the document in force: ai_partition_map.yaml ai_cost_model.yaml. Exit codes: 0; 1 for what went
 * wrong; 2 where `diff` finds changes.
 */

import { parseArgs } from "node:util";
import { Administration } from "./config/administration.mjs";
import { placed, readFiles, writeDocument } from "./config/files.mjs";
import { isMain, runMain } from "./lib/main.mjs";
import { Problem } from "./lib/process.mjs";

const usage =
  "npm run config -- pull|diff|push --url URL --org ORG|--deployment [--admin-key KEY] FILE…";
const foundChanges = 2;

/**
 * @typedef {import("./config/files.mjs").Files} Files
 * @typedef {import("./config/administration.mjs").Validation} Validation
 * @typedef {{ path: string, line?: number, reason: string }} Told
 */

/**
 * Runs a command; answers the exit code.
 * @param {string[]} args
 * @param {(line: string) => void} [log]
 * @returns {Promise<number>}
 */
export async function config(args, log = console.log) {
  const { command, names, merge, replace, note, administration } = read(args);
  if (command === "pull") return pull(administration, names, log);
  const files = await readFiles(names, merge);
  return command === "diff"
    ? diff(administration, files, log)
    : push(administration, files, { note, replace }, log);
}

/** @param {string[]} args */
function read(args) {
  const options = /** @type {const} */ ({
    url: { type: "string" },
    org: { type: "string" },
    deployment: { type: "boolean" },
    "admin-key": { type: "string" },
    note: { type: "string" },
    merge: { type: "boolean" },
    replace: { type: "boolean" },
  });
  const { values, positionals } = parsed(args, options);
  const [command = "", ...names] = positionals;
  const key = values["admin-key"] ?? process.env.ESCLUSA_ADMIN_KEY;
  if (!["pull", "diff", "push"].includes(command) || names.length === 0) {
    throw new Problem(`Say what to do, and with which file: ${usage}`);
  }
  const { url, org, deployment = false } = values;
  if (!url || deployment === Boolean(org)) throw new Problem(`Say where and whose: ${usage}`);
  if (!key)
    throw new Problem("Set ESCLUSA_ADMIN_KEY, or pass --admin-key: yours, or the deployment's.");
  if (values.merge && values.replace) throw new Problem("Say either --merge or --replace.");
  return {
    command,
    names,
    merge: values.merge ?? false,
    replace: values.replace ?? false,
    note: values.note ?? "",
    administration: new Administration(url, org, key),
  };
}

/**
 * @template {import("node:util").ParseArgsOptionsConfig} T
 * @param {string[]} args
 * @param {T} options
 */
function parsed(args, options) {
  try {
    return parseArgs({ args, options, allowPositionals: true });
  } catch (error) {
    throw new Problem(`${/** @type {Error} */ (error).message}\n${usage}`);
  }
}

/**
 * @param {Administration} administration
 * @param {string[]} names
 * @param {(line: string) => void} log
 */
async function pull(administration, names, log) {
  const [name, ...others] = names;
  if (name === undefined || others.length > 0) throw new Problem("Pull writes one file.");
  const newest = await administration.newest();
  await writeDocument(name, newest.config, newest.etag);
  log(`${name}: version ${newest.version} of ${administration.whose}`);
  tell(log, "warning", newest.warnings);
  return 0;
}

/**
 * @param {Administration} administration
 * @param {Files} files
 * @param {(line: string) => void} log
 */
async function diff(administration, files, log) {
  const validation = await administration.validate(files);
  show(log, files, validation);
  if (!validation.valid) return 1;
  return validation.changes.length > 0 ? foundChanges : 0;
}

/**
 * Puts the files in force, unless somebody else changed what they were made from.
 * @param {Administration} administration
 * @param {Files} files
 * @param {{ note: string, replace: boolean }} options
 * @param {(line: string) => void} log
 */
async function push(administration, files, { note, replace }, log) {
  const validation = await administration.validate(files);
  show(log, files, validation);
  if (!validation.valid) return 1;
  if (!files.merge && !replace && files.etag === undefined) {
    const message = `${files.names.join(", ")} was not pulled, and would take the place of the whole document.`;
    throw new Problem(
      `${message} Say --merge where it changes sections of that, --replace where it is all of it.`,
    );
  }
  const read = `"${validation.version}"`;
  const expected = files.etag ?? read;
  if (expected !== read) {
    const message = `${files.names.join(", ")} was pulled at version ${expected}, the newest is ${read}.`;
    throw new Problem(`${message} Pull it elsewhere, bring both together, and push that.`);
  }
  const newest = await administration.save(files, expected, note);
  if (!files.merge) await files.keep(newest.etag);
  log(`version ${newest.version} of ${administration.whose} is in force`);
  return 0;
}

/**
 * @param {(line: string) => void} log
 * @param {Files} files
 * @param {Validation} validation
 */
function show(log, files, { problems, warnings, changes }) {
  tell(log, "problem", placed(files, problems));
  tell(log, "warning", warnings);
  for (const { path, before, after } of changes) {
    const [was, is] = [before, after].map((value) => JSON.stringify(value));
    if (was === undefined) log(`+ ${path}: ${is}`);
    else if (is === undefined) log(`- ${path}: ${was}`);
    else log(`~ ${path}: ${was} → ${is}`);
  }
  if (problems.length === 0 && changes.length === 0) log("no changes");
}

/**
 * @param {(line: string) => void} log
 * @param {string} kind
 * @param {(Told & { file?: string })[]} told
 */
function tell(log, kind, told) {
  for (const { file, path, line, reason } of told) {
    const place = [file, line].filter((part) => part !== undefined).join(":");
    log([`${kind}:`, place, path && `${path}:`, reason].filter(Boolean).join(" "));
  }
}

if (isMain(import.meta.url)) {
  await runMain(async () => {
    process.exitCode = await config(process.argv.slice(2));
  });
}
