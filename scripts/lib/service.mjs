/** A long-running child process with everything it starts: ready when it says so, ended as a whole. */

import { spawn } from "node:child_process";
import { setTimeout as sleep } from "node:timers/promises";
import { Problem } from "./process.mjs";
import { root } from "./project.mjs";

const millisecondsToEnd = 5_000;

/**
 * @typedef {object} Service
 * @property {(url: string, milliseconds: number) => Promise<void>} waitFor resolves when `url` answers 200;
 *   a `Problem` with the output if the process ends before, or the time is over
 * @property {() => void} show from now on its output is shown
 * @property {Promise<void>} ended resolves when the process has ended
 * @property {() => Promise<void>} stop ends it and all its descendants
 */

/**
 * Starts a command with its output hidden, so that what matters can be said first.
 * @param {string} command
 * @param {string[]} args
 * @param {NodeJS.ProcessEnv} env in addition to this process's own
 * @returns {Service}
 */
export function startService(command, args, env) {
  // A group of its own: a signal to the group reaches the descendants too, which wrangler's wrapper
  // would leave behind.
  const child = spawn(command, args, {
    cwd: root,
    env: { ...process.env, ...env },
    detached: true,
    stdio: ["ignore", "pipe", "pipe"],
  });
  let output = "";
  let shown = false;
  const keep = (/** @type {Buffer} */ data) => {
    if (shown) process.stdout.write(data);
    else output += data;
  };
  child.stdout.on("data", keep);
  child.stderr.on("data", keep);
  /** @type {Promise<void>} */
  const ended = new Promise((resolve) => {
    child.on("error", (error) => {
      output += error.message;
      resolve();
    });
    // Not "exit": wrangler's wrapper ends at once, "close" comes when what it started has ended too.
    child.on("close", () => resolve());
  });
  const failure = (/** @type {string} */ what) =>
    new Problem(`${command} ${what}:\n${output.trim()}`);

  return {
    async waitFor(url, milliseconds) {
      const deadline = Date.now() + milliseconds;
      const over = ended.then(() => true);
      while (!(await isUp(url))) {
        if (Date.now() > deadline) throw failure("did not get ready");
        if (await Promise.race([over, sleep(100, false)])) throw failure("ended");
      }
    },
    show() {
      shown = true;
    },
    ended,
    async stop() {
      signalGroup(child.pid, "SIGINT");
      await Promise.race([ended, sleep(millisecondsToEnd, undefined, { ref: false })]);
      signalGroup(child.pid, "SIGKILL");
    },
  };
}

/** @param {string} url */
async function isUp(url) {
  try {
    return (await fetch(url, { signal: AbortSignal.timeout(2_000) })).ok;
  } catch {
    return false;
  }
}

/** @param {number | undefined} pid @param {NodeJS.Signals} signal */
function signalGroup(pid, signal) {
  if (pid === undefined) return;
  try {
    process.kill(-pid, signal);
  } catch {
    // Nobody is left.
  }
}
