/** Configuration documents in files, each with the version it was pulled at in a file beside it. */

import { readFile, writeFile } from "node:fs/promises";
import { isNode, LineCounter, parseDocument, stringify } from "yaml";
import { Problem } from "../lib/process.mjs";

/**
 * @typedef {object} Files
 * @property {string[]} names
 * @property {boolean} merge whether they are sections that change the document in force
 * @property {string} text what is sent
 * @property {string} contentType
 * @property {string | undefined} etag the version it was pulled at
 * @property {(etag: string) => Promise<void>} keep notes the version it is at now
 * @property {Source[]} sources several files that were made one text
 *
 * @typedef {object} Source
 * @property {string} name
 * @property {import("yaml").Document} document
 * @property {LineCounter} lines
 *
 * @typedef {{ path: string, line?: number, reason: string }} Told
 */

/**
 * Writes a document that was pulled.
 * @param {string} name
 * @param {unknown} document
 * @param {string} etag
 */
export async function writeDocument(name, document, etag) {
  const text = isYaml(name) ? stringify(document) : `${JSON.stringify(document, null, 2)}\n`;
  await writeFile(name, text);
  await keep(name, etag);
}

/**
 * @param {string[]} names
 * @param {boolean} merge
 * @returns {Promise<Files>}
 */
export async function readFiles(names, merge) {
  const [name = "", ...others] = names;
  if (others.length > 0) return sections(names);
  return {
    names,
    merge,
    text: await text(name),
    contentType: isYaml(name) ? "application/yaml" : "application/json",
    etag: merge ? undefined : await etag(name),
    keep: (etag) => keep(name, etag),
    sources: [],
  };
}

/**
 * Several files as one text, so that they are put in force together.
 * @param {string[]} names
 * @returns {Promise<Files>}
 */
async function sections(names) {
  const sources = await Promise.all(names.map(source));
  /** @type {Record<string, unknown>} */
  const merged = {};
  for (const { name, document } of sources) {
    for (const [section, value] of Object.entries(plain(name, document))) {
      if (section in merged)
        throw new Problem(`${name}: another file has the section ${section} too.`);
      merged[section] = value;
    }
  }
  return {
    names,
    merge: true,
    text: JSON.stringify(merged),
    contentType: "application/json",
    etag: undefined,
    keep: async () => {},
    sources,
  };
}

/** @param {string} name @param {import("yaml").Document} document */
function plain(name, document) {
  try {
    // As the gateway reads it: a few lines of aliases can stand for gigabytes.
    return document.toJS({ maxAliasCount: 0 }) ?? {};
  } catch {
    throw new Problem(`${name}: aliases are not taken.`);
  }
}

/** @param {string} name @returns {Promise<Source>} */
async function source(name) {
  const lines = new LineCounter();
  const document = parseDocument(await text(name), { lineCounter: lines });
  const [error] = document.errors;
  if (error) throw new Problem(`${name}: ${error.message}`);
  return { name, document, lines };
}

/**
 * Problems with their files, and their lines in these.
 * @param {Files} files
 * @param {Told[]} problems
 * @returns {(Told & { file?: string })[]}
 */
export function placed({ names, sources }, problems) {
  if (sources.length === 0) return problems.map((problem) => ({ ...problem, file: names[0] }));
  return problems.map(({ line: _, ...problem }) => {
    const keys = problem.path.match(/[^.[\]]+/g) ?? [];
    const found = sources.find(({ document }) => document.has(keys[0]));
    return found ? { ...problem, file: found.name, line: line(found, keys) } : problem;
  });
}

/**
 * The line of the value at a path, or of the nearest around it.
 * @param {Source} source
 * @param {string[]} keys
 * @returns {number | undefined}
 */
function line({ document, lines }, keys) {
  for (let length = keys.length; length > 0; length -= 1) {
    const path = keys.slice(0, length).map((key) => (/^\d+$/.test(key) ? Number(key) : key));
    const node = document.getIn(path, true);
    if (isNode(node) && node.range) return lines.linePos(node.range[0]).line;
  }
  return undefined;
}

/** @param {string} name */
function isYaml(name) {
  return /\.ya?ml$/i.test(name);
}

/** @param {string} name */
async function text(name) {
  try {
    return await readFile(name, "utf8");
  } catch {
    throw new Problem(`There is no file ${name} to read.`);
  }
}

/** @param {string} name */
function beside(name) {
  return `${name}.etag`;
}

/** @param {string} name @param {string} etag */
async function keep(name, etag) {
  await writeFile(beside(name), `${etag}\n`);
}

/** @param {string} name */
async function etag(name) {
  try {
    return (await readFile(beside(name), "utf8")).trim();
  } catch {
    return undefined;
  }
}
