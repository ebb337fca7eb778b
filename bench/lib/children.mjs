/** The benchmark's own child processes. They end with it. */

import { fork } from "node:child_process";
import { once } from "node:events";
import { fileURLToPath } from "node:url";

/** Starts `upstream.mjs`; answers its address. */
export async function startUpstream() {
  const child = start("../upstream.mjs");
  const port = await reply(child);
  return { url: `http://127.0.0.1:${port}/`, stop: () => child.disconnect() };
}

/** Starts `load.mjs`; `run` carries out an order. */
export function startLoad() {
  const child = start("../load.mjs");
  return {
    run(order) {
      child.send(order);
      return reply(child);
    },
    stop: () => child.disconnect(),
  };
}

function start(path) {
  return fork(fileURLToPath(new URL(path, import.meta.url)), { stdio: "inherit" });
}

async function reply(child) {
  const ended = new AbortController();
  const exit = once(child, "exit", ended).then(([code]) => {
    throw new Error(`${child.spawnargs[1]} ended with code ${code}`);
  });
  try {
    const [message] = await Promise.race([once(child, "message", ended), exit]);
    return message;
  } finally {
    exit.catch(() => {});
    ended.abort();
  }
}
