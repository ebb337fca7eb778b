/** Clients that ask without a pause, and what each of their requests came to. */

import { setTimeout as sleep } from "node:timers/promises";

/** Milliseconds that a client waits between two requests, so that refusals do not spin. */
const pause = 10;
/** Milliseconds after which a request counts as not answered. */
const patience = 30_000;

/**
 * @typedef {(path: string, init: RequestInit) => Promise<Response>} Reach sends a request to a Worker
 *
 * @typedef {object} Asked a request and its answer
 * @property {number} sent when it was sent, milliseconds of `performance.now()`
 * @property {number} done when its answer was read
 * @property {number} status 0 where no answer came
 * @property {string} code of the error, where it is one; why no answer came
 * @property {Headers} headers
 */

/**
 * Puts load on Workers until it is stopped.
 * @param {object} options
 * @param {Reach[]} options.workers each client asks one of them
 * @param {string} options.key the API key
 * @param {object} options.body of a chat completion
 * @param {Record<string, string>} [options.headers]
 * @param {number} [options.clients] how many ask at a time
 * @param {AbortSignal} [options.signal] ends all waiting for more
 */
export function putLoad({ workers, key, body, headers = {}, clients = 6, signal }) {
  /** @type {Asked[]} */
  const asked = [];
  /** When those were sent that wait for their answer: of each client one at most. */
  const waiting = /** @type {Set<{ at: number }>} */ (new Set());
  let stopped = false;
  const init = {
    method: "POST",
    headers: { authorization: `Bearer ${key}`, "content-type": "application/json", ...headers },
    body: JSON.stringify(body),
  };
  const client = async (/** @type {Reach} */ reach) => {
    while (!stopped) {
      const sent = { at: performance.now() };
      waiting.add(sent);
      asked.push(await ask(reach, init, sent.at));
      waiting.delete(sent);
      await sleep(pause);
    }
  };
  const running = Array.from({ length: clients }, (_, index) =>
    client(/** @type {Reach} */ (workers[index % workers.length])),
  );
  return {
    asked,
    /** Whether its signal has ended the waiting. */
    isInterrupted: () => signal?.aborted ?? false,
    /** Those that were sent since, and are answered. */
    since: (/** @type {number} */ time) => asked.filter(({ sent }) => sent > time),
    /** Waits until so many more are answered that are sent from now on; at most so long. */
    async more(/** @type {number} */ count, milliseconds = 30_000) {
      const from = performance.now();
      const until = from + milliseconds;
      const lacks = () => asked.filter(({ sent }) => sent > from).length < count;
      while (lacks() && performance.now() < until && !signal?.aborted) await sleep(pause);
    },
    /** Waits until all are answered that were sent before. */
    async answered(/** @type {number} */ time) {
      const waits = () => [...waiting].some(({ at }) => at < time);
      while (waits() && !signal?.aborted) await sleep(pause);
    },
    /** Ends it, once everything is answered. */
    async stop() {
      stopped = true;
      await Promise.all(running);
    },
  };
}

/**
 * Sends a request; that it failed is what it came to, too.
 * @param {Reach} reach
 * @param {RequestInit} init
 * @param {number} sent
 * @returns {Promise<Asked>}
 */
async function ask(reach, init, sent) {
  const answered = async () => {
    const response = await reach("/v1/chat/completions", init);
    const text = await response.text();
    const { status, headers } = response;
    return { status, code: status === 200 ? "" : errorCode(text), headers };
  };
  const answer = await inTime(answered(), patience).catch((error) => ({
    status: 0,
    code: String(error.cause?.message ?? error.message),
    headers: new Headers(),
  }));
  return { sent, done: performance.now(), ...answer };
}

/**
 * Waits for what takes so long at most.
 * @template T
 * @param {Promise<T>} work
 * @param {number} milliseconds
 * @returns {Promise<T>}
 */
export async function inTime(work, milliseconds) {
  const timer = new AbortController();
  const late = sleep(milliseconds, undefined, { signal: timer.signal }).then(() => {
    throw new Error(`no answer in ${milliseconds / 1_000} s`);
  });
  try {
    return await Promise.race([work, late]);
  } finally {
    timer.abort();
  }
}

/** @param {string} text */
function errorCode(text) {
  try {
    return String(JSON.parse(text).error.code);
  } catch {
    return text.slice(0, 100);
  }
}
