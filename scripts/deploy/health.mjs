/** Whether the deployed Worker answers. A new address takes up to a minute to be known everywhere. */

import { setTimeout as sleep } from "node:timers/promises";
import { Problem } from "../lib/process.mjs";

const attempts = 20;
const pauseMilliseconds = 3_000;
const timeoutMilliseconds = 10_000;

export const health = {
  title: "Health",
  explain: () => [
    `GET https://ADDRESS/health   (up to ${attempts} times, ${pauseMilliseconds / 1000} s apart)`,
  ],
  /** @param {{ url: string }} facts */
  run: ({ url }) => waitUntilHealthy(url),
};

/**
 * Asks `/health` until it answers 200.
 * @param {string} url
 * @param {{ most?: number, pause?: number }} [patience]
 */
export async function waitUntilHealthy(url, { most = attempts, pause = pauseMilliseconds } = {}) {
  let last = "";
  for (let attempt = 1; attempt <= most; attempt += 1) {
    const { healthy, answer } = await check(url);
    if (healthy) {
      console.log(`  ${url}/health answers: ${answer}`);
      return;
    }
    last = answer;
    console.log(`  Attempt ${attempt} of ${most}: ${answer}`);
    if (attempt < most) await sleep(pause);
  }
  throw new Problem(`${url}/health did not answer 200 in ${most} attempts. The last one: ${last}
\`npx wrangler tail\` shows what the Worker logs.`);
}

/** @param {string} url */
async function check(url) {
  try {
    const signal = AbortSignal.timeout(timeoutMilliseconds);
    const response = await fetch(`${url}/health`, { signal });
    const text = (await response.text()).slice(0, 500);
    return { healthy: response.status === 200, answer: `${response.status} ${text}` };
  } catch (error) {
    return { healthy: false, answer: reason(error) };
  }
}

/** What made `fetch` fail, which hides it in `cause`. @param {unknown} error */
function reason(error) {
  if (!(error instanceof Error)) return String(error);
  return error.cause instanceof Error ? error.cause.message : error.message;
}
