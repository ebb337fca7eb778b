/**
 * Turns kill switches on and off under load, and says whether anything was admitted after that was
 * answered:
 *
 *     npm run kill-switch-drill -- http://localhost:8787 --admin-key local-admin-key
 *
 * The load is its own: an org and a key that it creates. Switches of the whole deployment stop every org
 * for some seconds, so another host than this one takes `--deployment` too. Ends with code 1 if
 * anything was admitted, or too little was asked to tell. Interrupted it turns off what is on; where it
 * cannot, the switch goes off by itself after two minutes.
 */

import { randomBytes } from "node:crypto";
import { parseArgs } from "node:util";
import { inTime, putLoad } from "./lib/load.mjs";
import { isMain, runMain } from "./lib/main.mjs";
import { Problem } from "./lib/process.mjs";

/** Requests that are answered in each state. */
const requests = 40;
/** Milliseconds after which a switch goes off by itself, whatever becomes of this process. */
const longest = 120_000;
/** Milliseconds that the administration has for an answer: more than any switch takes. */
const patience = 60_000;
/** How often a switch is turned off until that works. */
const mostTries = 3;

const operation = "summarize";

const body = {
  model: "light",
  messages: [{ role: "user", content: "A drill: is this admitted?" }],
  max_tokens: 16,
};

/**
 * @typedef {import("./lib/load.mjs").Reach} Reach
 * @typedef {import("./lib/load.mjs").Asked} Asked
 *
 * @typedef {object} Result of a switch
 * @property {string} path
 * @property {number} after how many requests were sent after it was on
 * @property {number} admitted how many of them were admitted all the same
 * @property {number} flip milliseconds until it was on
 * @property {number} recovery milliseconds from turning it off to the first request that was admitted
 */

/**
 * @param {object} options
 * @param {Reach[]} options.workers
 * @param {string} options.adminKey
 * @param {boolean} options.deployment whether switches of the whole deployment are turned too
 * @param {"strict" | "leased"} [options.admission] of the org
 * @param {number} [options.milliseconds] for which answers are waited for while a switch is on
 * @param {AbortSignal} [options.signal] ends it, with every switch off
 * @param {(line: string) => void} [options.log]
 * @returns {Promise<Result[]>}
 */
export async function drill(options) {
  const { workers, adminKey, deployment, admission = "strict", signal, log } = options;
  const admin = administrator(workers, adminKey);
  const { org, key, keyId } = await prepare(admin, admission);
  const headers = { "x-ai-operation": operation, "cf-aig-skip-cache": "true" };
  const load = putLoad({ workers, key, body, headers, signal });
  const results = [];
  try {
    await load.more(requests);
    if (signal?.aborted) throw interrupted();
    for (const { path, meant } of switches({ org, keyId, deployment, first: first(load.asked) })) {
      if (signal?.aborted) throw interrupted();
      const result = await turn({ admin, load, path, meant, milliseconds: options.milliseconds });
      log?.(told(result));
      results.push(result);
    }
  } finally {
    await load.stop();
    await admin("DELETE", `/admin/v1/orgs/${org}/keys/${keyId}`);
  }
  return results;
}

function interrupted() {
  return new Problem("Interrupted. What was on is off.");
}

/**
 * What there is to turn, and which answers are those of what it turns off.
 * @param {{ org: string, keyId: string, deployment: boolean, first: Asked }} options
 */
function switches({ org, keyId, deployment, first }) {
  const model = first.headers.get("cf-aig-model") ?? "";
  const provider = first.headers.get("cf-aig-provider") ?? "";
  const any = () => true;
  const shared = [
    { name: `operation/${operation}`, meant: any },
    {
      name: `model/${model}`,
      meant: (/** @type {Asked} */ it) => it.headers.get("cf-aig-model") === model,
    },
    {
      name: `provider/${provider}`,
      meant: (/** @type {Asked} */ it) => it.headers.get("cf-aig-provider") === provider,
    },
  ];
  const own = [{ name: "org", meant: any }, { name: `key/${keyId}`, meant: any }, ...shared];
  const all = deployment ? [{ name: "everything", meant: any }, ...shared] : [];
  return [
    ...own.map(({ name, meant }) => ({ path: `/admin/v1/orgs/${org}/switches/${name}`, meant })),
    ...all.map(({ name, meant }) => ({ path: `/admin/v1/switches/${name}`, meant })),
  ];
}

/**
 * @param {object} options
 * @param {Admin} options.admin
 * @param {ReturnType<typeof putLoad>} options.load
 * @param {string} options.path
 * @param {(asked: Asked) => boolean} options.meant
 * @param {number} [options.milliseconds]
 * @returns {Promise<Result>}
 */
async function turn({ admin, load, path, meant, milliseconds }) {
  const isAdmitted = (/** @type {Asked} */ it) => it.status === 200 && meant(it);
  const began = performance.now();
  let on = 0;
  let off = 0;
  try {
    await admin("PUT", path, { why: "a drill", until: Date.now() + longest });
    on = performance.now();
    await load.more(requests, milliseconds);
  } finally {
    off = performance.now();
    await turnOff(admin, path);
  }
  // What is admitted takes longer than a refusal: the last of them would be missed.
  await load.answered(off);
  const after = load.since(on).filter(({ sent }) => sent < off);
  const strange = after.find(({ status, code }) => status !== 200 && code !== "kill_switch");
  if (strange)
    throw new Problem(`${path}: a request was answered ${strange.status} ${strange.code}.`);
  if (load.isInterrupted()) throw interrupted();
  if (after.length < requests) {
    const message = `${path}: only ${after.length} of ${requests} requests were sent while it was on`;
    throw new Problem(`${message}: too few to tell.`);
  }
  const recovered = await firstSince(load, off, isAdmitted);
  return {
    path,
    after: after.length,
    admitted: after.filter(isAdmitted).length,
    flip: on - began,
    recovery: recovered.done - off,
  };
}

/** @param {Admin} admin @param {string} path */
async function turnOff(admin, path) {
  for (let tries = 1; ; tries += 1) {
    try {
      return await admin("DELETE", path);
    } catch (error) {
      if (tries === mostTries) throw error;
    }
  }
}

/**
 * @param {ReturnType<typeof putLoad>} load
 * @param {number} time
 * @param {(asked: Asked) => boolean} isAdmitted
 */
async function firstSince(load, time, isAdmitted) {
  for (let tries = 0; tries < 20; tries += 1) {
    const found = load.since(time).find(isAdmitted);
    if (found) return found;
    await load.more(1);
  }
  throw new Problem("Nothing was admitted again after the switch was off.");
}

/** @param {Asked[]} asked */
function first(asked) {
  const answered = asked.find(({ status }) => status === 200);
  if (answered) return answered;
  const [refused] = asked;
  throw new Problem(`Nothing is answered: ${refused?.status} ${refused?.code}.`);
}

/** @typedef {(method: string, path: string, body?: object) => Promise<any>} Admin */

/**
 * Asks each Worker in turn.
 * @param {Reach[]} workers
 * @param {string} adminKey
 * @returns {Admin}
 */
function administrator(workers, adminKey) {
  let turn = 0;
  return async (method, path, body) => {
    const reach = /** @type {Reach} */ (workers[turn++ % workers.length]);
    const headers = { authorization: `Bearer ${adminKey}`, "content-type": "application/json" };
    const init = { method, headers, body: body && JSON.stringify(body) };
    const answered = reach(path, init).then(async (it) => ({ it, text: await it.text() }));
    const { it, text } = await inTime(answered, patience).catch((error) => {
      throw new Problem(`${method} ${path}: ${error.cause?.message ?? error.message}`);
    });
    if (!it.ok) throw new Problem(`${method} ${path} was answered ${it.status}: ${text}`);
    return text === "" ? undefined : JSON.parse(text);
  };
}

/** @param {Admin} admin @param {string} admission */
async function prepare(admin, admission) {
  const org = `drill-${randomBytes(4).toString("hex")}`;
  await admin("POST", "/admin/v1/orgs", { id: org, name: "Kill switch drill" });
  await admin("PUT", `/admin/v1/orgs/${org}/config`, { admission, limits: [] });
  const { key, id } = await admin("POST", `/admin/v1/orgs/${org}/keys`, { name: "drill" });
  return { org, key, keyId: id };
}

/** @param {Result} result */
function told({ path, after, admitted, flip, recovery }) {
  const name = path.replace("/admin/v1/", "");
  const took = `on after ${Math.round(flip)} ms, recovered after ${Math.round(recovery)} ms`;
  return `${name}: ${admitted} of ${after} requests admitted after the answer; ${took}`;
}

async function main() {
  const { url, values } = read();
  const deployment = values.deployment || ["localhost", "127.0.0.1"].includes(url.hostname);
  if (!deployment) console.log("Switches of the whole deployment are left out: see --deployment.");
  /** @type {Reach} */
  const reach = (path, init) => fetch(new URL(path, url), init);
  const adminKey = values["admin-key"] ?? process.env.ESCLUSA_ADMIN_KEY ?? "local-admin-key";
  const interruption = new AbortController();
  for (const signal of /** @type {const} */ (["SIGINT", "SIGTERM"])) {
    process.once(signal, () => interruption.abort());
  }
  const results = [];
  for (const admission of /** @type {const} */ (["strict", "leased"])) {
    console.log(`An org with ${admission} admission:`);
    const { signal } = interruption;
    const options = { workers: [reach], adminKey, deployment, admission, signal, log: console.log };
    results.push(...(await drill(options)));
  }
  const admitted = results.reduce((sum, result) => sum + result.admitted, 0);
  if (admitted > 0) throw new Problem(`${admitted} requests were admitted after the answer.`);
  console.log("Nothing was admitted after any answer.");
}

function read() {
  const usage =
    "npm run kill-switch-drill -- URL [--admin-key KEY, else ESCLUSA_ADMIN_KEY] [--deployment]";
  try {
    const { values, positionals } = parseArgs({
      allowPositionals: true,
      options: { "admin-key": { type: "string" }, deployment: { type: "boolean" } },
    });
    return { url: new URL(String(positionals[0])), values };
  } catch {
    throw new Problem(`Say which gateway: ${usage}`);
  }
}

if (isMain(import.meta.url)) await runMain(main);
