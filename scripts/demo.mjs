// Loads the demo org into a running Esclusa: one org, two keys, the documents of demo/documents.
// Idempotent: what is there already stays, what is missing or has changed is loaded.
import { createHash } from "node:crypto";
import { mkdir, readdir, readFile, rename, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import process from "node:process";
import { fileURLToPath, pathToFileURL } from "node:url";

const ROOT = dirname(dirname(fileURLToPath(import.meta.url)));
const DOCUMENTS = join(ROOT, "demo", "documents");
const STATE_FILE = join(ROOT, ".wrangler", "demo.json");
const ORG = { id: "lumbrera", name: "Lumbrera (demo)" };
const KEY_NAMES = { apiKey: "demo", secondKey: "demo-second" };
const FIELDS = ["title", "uri", "collection", "language"];
const TIMEOUT_MS = 30_000;

/** A faq that `demo/documents/returns.md` answers. */
export const demoQuestion = "How long do I have to return a battery?";

/**
 * @typedef {{ id: string, title: string, uri: string, collection: string, language: string, text: string }} DemoDocument
 * @typedef {{ apiKey?: string, secondKey?: string, documents: Record<string, string> }} State
 *   keys, and the digest of each document as it was loaded
 * @typedef {(method: string, path: string, body?: unknown) => Promise<{ status: number, body: any }>} Call
 */

/**
 * @param {object} options
 * @param {string} options.baseUrl of the Worker, without `/v1`
 * @param {string} options.adminKey its ESCLUSA_ADMIN_KEY
 * @param {string} [options.stateFile] where the keys are kept
 * @param {(line: string) => void} [options.log]
 * @returns {Promise<{ org: string, apiKey: string, secondKey: string, loaded: number }>}
 */
export async function loadDemo({ baseUrl, adminKey, stateFile = STATE_FILE, log = console.log }) {
  const admin = client(baseUrl, adminKey);
  const state = await readState(stateFile);
  const save = () => writeState(stateFile, state);
  await createOrg(admin, log);
  const apiKey = await ensureKey(baseUrl, admin, state, "apiKey", log);
  const secondKey = await ensureKey(baseUrl, admin, state, "secondKey", log);
  await save();
  const loaded = await loadDocuments(client(baseUrl, apiKey), state, save, log);
  return { org: ORG.id, apiKey, secondKey, loaded };
}

/** @param {Call} admin @param {(line: string) => void} log */
async function createOrg(admin, log) {
  const { status, body } = await admin("POST", "/admin/v1/orgs", ORG);
  if (status === 201) log(`demo: created the org ${ORG.id}`);
  else expectStatus([200, 409], status, body, `create the org ${ORG.id}`);
}

/**
 * The key of the last run where it still opens the gateway, else a new one.
 * @param {string} baseUrl
 * @param {Call} admin
 * @param {State} state
 * @param {"apiKey" | "secondKey"} which
 * @param {(line: string) => void} log
 * @returns {Promise<string>}
 */
async function ensureKey(baseUrl, admin, state, which, log) {
  const known = state[which];
  if (known && (await opens(baseUrl, known))) return known;
  const wanted = { name: KEY_NAMES[which], scopes: ["inference", "knowledge"] };
  const { status, body } = await admin("POST", `/admin/v1/orgs/${ORG.id}/keys`, wanted);
  expectStatus([201], status, body, `create the key ${wanted.name}`);
  log(`demo: created the key ${wanted.name}`);
  state[which] = body.key;
  return body.key;
}

/** @param {string} baseUrl @param {string} key */
async function opens(baseUrl, key) {
  const { status, body } = await client(baseUrl, key)("GET", "/v1/models");
  if (status === 401 || status === 403) return false;
  expectStatus([200], status, body, "check a demo key");
  return true;
}

/**
 * @param {Call} api
 * @param {State} state
 * @param {() => Promise<void>} save
 * @param {(line: string) => void} log
 * @returns {Promise<number>} how many were loaded now
 */
async function loadDocuments(api, state, save, log) {
  const { status, body } = await api("GET", "/v1/knowledge/documents");
  expectStatus([200], status, body, "list the documents");
  const there = new Set(body.data.map((/** @type {{ id: string }} */ document) => document.id));
  const documents = await readDocuments();
  const isCurrent = (/** @type {DemoDocument} */ document) =>
    there.has(document.id) && state.documents[document.id] === digest(document);
  const missing = documents.filter((document) => !isCurrent(document));
  for (const [index, document] of missing.entries()) {
    log(`demo: loading document ${index + 1} of ${missing.length}: ${document.title}`);
    const answer = await api("POST", "/v1/knowledge/documents", document);
    expectStatus([200, 201], answer.status, answer.body, `load ${document.id}`);
    state.documents[document.id] = digest(document);
    await save();
  }
  if (missing.length === 0) log(`demo: all ${documents.length} documents are there`);
  return missing.length;
}

/** @returns {Promise<DemoDocument[]>} */
export async function readDocuments() {
  const names = (await readdir(DOCUMENTS)).filter((name) => name.endsWith(".md")).sort();
  return Promise.all(
    names.map(async (name) => {
      const source = await readFile(join(DOCUMENTS, name), "utf8");
      return parseDocument(name.slice(0, -".md".length), source);
    }),
  );
}

/**
 * Text with its fields between two lines of `---` at the start.
 * @param {string} id
 * @param {string} source
 * @returns {DemoDocument}
 */
export function parseDocument(id, source) {
  const parts = /^---\r?\n(?<head>[\s\S]*?)\r?\n---\r?\n(?<text>[\s\S]+)$/u.exec(source)?.groups;
  if (!parts) throw new Error(`demo/documents/${id}.md: expected fields between lines of ---`);
  const pairs = parts.head.split(/\r?\n/u).map((line) => {
    const colon = line.indexOf(":");
    return [line.slice(0, colon).trim(), line.slice(colon + 1).trim()];
  });
  const fields = Object.fromEntries(pairs);
  const missing = FIELDS.filter((field) => !fields[field]);
  if (missing.length > 0) {
    throw new Error(`demo/documents/${id}.md: missing ${missing.join(", ")}`);
  }
  const { title, uri, collection, language } = fields;
  return { id, title, uri, collection, language, text: parts.text.trim() };
}

/** @param {DemoDocument} document */
function digest(document) {
  return createHash("sha256").update(JSON.stringify(document)).digest("hex");
}

/** @param {string} baseUrl @param {string} key @returns {Call} */
function client(baseUrl, key) {
  return async (method, path, body) => {
    const response = await fetch(new URL(path, baseUrl), {
      method,
      headers: {
        authorization: `Bearer ${key}`,
        ...(body === undefined ? {} : { "content-type": "application/json" }),
      },
      body: body === undefined ? undefined : JSON.stringify(body),
      signal: AbortSignal.timeout(TIMEOUT_MS),
    });
    const text = await response.text();
    return { status: response.status, body: parseJson(text) };
  };
}

/** @param {string} text */
function parseJson(text) {
  try {
    return JSON.parse(text);
  } catch {
    return text;
  }
}

/** @param {number[]} expected @param {number} status @param {any} body @param {string} what */
function expectStatus(expected, status, body, what) {
  if (expected.includes(status)) return;
  const reason = body?.error?.message ?? (typeof body === "string" ? body : JSON.stringify(body));
  throw new Error(`Could not ${what}: status ${status}: ${reason}`);
}

/** @param {string} file @returns {Promise<State>} */
async function readState(file) {
  const text = await readFile(file, "utf8").catch((error) => {
    if (error.code === "ENOENT") return "";
    throw error;
  });
  const state = parseJson(text);
  const usable = state !== null && typeof state === "object";
  return usable ? { ...state, documents: state.documents ?? {} } : { documents: {} };
}

/** Replaces the file in one step, readable by its owner only. @param {string} file @param {State} state */
async function writeState(file, state) {
  await mkdir(dirname(file), { recursive: true });
  const fresh = `${file}.${process.pid}`;
  await writeFile(fresh, `${JSON.stringify(state, null, 2)}\n`, { mode: 0o600 });
  await rename(fresh, file);
}

if (process.argv[1] && import.meta.url === pathToFileURL(process.argv[1]).href) {
  const baseUrl = process.argv[2];
  const adminKey = process.env.ESCLUSA_ADMIN_KEY;
  if (!baseUrl || !adminKey) {
    console.error("Usage: ESCLUSA_ADMIN_KEY=… node scripts/demo.mjs http://localhost:8787");
    process.exit(2);
  }
  const { hostname, port } = new URL(baseUrl);
  const stateFile = join(ROOT, ".wrangler", `demo-${hostname}-${port || "default"}.json`);
  const { org, apiKey } = await loadDemo({ baseUrl, adminKey, stateFile });
  console.log(`demo: the org ${org} is ready, its key is ${apiKey}`);
}
