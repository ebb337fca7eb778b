/**
 * The tables of D1: schema.sql, then migrations/*.sql in the order of their names, each once. What was
 * applied stands in `d1_migrations`, the table of wrangler's own `d1 migrations`.
 */

import { existsSync, readdirSync } from "node:fs";
import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { basename, join } from "node:path";
import { Problem } from "../lib/process.mjs";
import { fromRoot } from "../lib/project.mjs";
import { askJson, show, typed } from "./wrangler.mjs";

/** The binding in wrangler.toml, by which wrangler finds the database it provisioned. */
export const binding = "DB";

/** As wrangler creates it, so that its own commands can read it. */
const createTable =
  "CREATE TABLE IF NOT EXISTS d1_migrations (id INTEGER PRIMARY KEY AUTOINCREMENT, " +
  "name TEXT UNIQUE, applied_at TIMESTAMP DEFAULT CURRENT_TIMESTAMP NOT NULL)";

const list = execute("--json", "--command", `${createTable}; SELECT name FROM d1_migrations`);

export const schema = {
  title: "Database schema",
  explain: () => [
    typed(list),
    ...files().map(
      (file) =>
        `${typed(execute("--file", "FILE"))}   (FILE: ${name(file)} and its row in d1_migrations; where that is missing)`,
    ),
  ],
  run: applySchema,
};

/** @param {string[]} options */
function execute(...options) {
  return ["d1", "execute", binding, "--remote", "--yes", ...options];
}

async function applySchema() {
  /** @type {{ results: { name: string }[] }[]} */
  const answers = await askJson(list);
  const applied = new Set(answers.at(-1)?.results.map((row) => row.name));
  for (const file of files()) {
    if (applied.has(name(file))) console.log(`  ${name(file)} was applied already`);
    else await apply(file);
  }
}

/** The files in the order in which they are applied. */
function files() {
  const migrations = fromRoot("migrations");
  const names = existsSync(migrations) ? readdirSync(migrations) : [];
  const changes = names.filter((file) => file.endsWith(".sql")).sort();
  return [fromRoot("schema.sql"), ...changes.map((file) => join(migrations, file))];
}

/** What a file is recorded as. @param {string} file */
function name(file) {
  return basename(file);
}

/** Applies a file together with its row: D1 takes a file whole or not at all. @param {string} file */
async function apply(file) {
  if (!/^[\w.-]+$/.test(name(file))) {
    throw new Problem(`Rename ${file}: letters, digits, dots, hyphens and underscores only.`);
  }
  const directory = await mkdtemp(join(tmpdir(), "esclusa-"));
  try {
    const copy = join(directory, name(file));
    const sql = await readFile(file, "utf8");
    await writeFile(copy, `${sql}\nINSERT INTO d1_migrations (name) VALUES ('${name(file)}');\n`);
    await show(execute("--file", copy));
  } finally {
    await rm(directory, { recursive: true, force: true });
  }
  console.log(`  Applied ${name(file)}`);
}
