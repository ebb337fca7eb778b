/** A lock between processes: a directory whose creation is atomic, owned by a live process id. */

import { mkdir, readFile, rm, stat, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";

/** A lock without a readable owner is only believed for this long: its holder died while taking it. */
const ownerlessMilliseconds = 5_000;

/**
 * Runs `work` while no other process holds the lock at `path`; waits for its turn.
 * @template T
 * @param {string} path
 * @param {() => Promise<T>} work
 * @param {{ onWait?: () => void }} [options] `onWait` is called once, when it has to wait
 */
export async function withLock(path, work, { onWait } = {}) {
  await acquire(path, onWait);
  try {
    return await work();
  } finally {
    await rm(path, { recursive: true, force: true });
  }
}

/** @param {string} path @param {(() => void) | undefined} onWait */
async function acquire(path, onWait) {
  await mkdir(dirname(path), { recursive: true });
  let waiting = false;
  while (!(await tryCreate(path))) {
    if (await isAbandoned(path)) {
      await rm(path, { recursive: true, force: true });
      continue;
    }
    if (!waiting) onWait?.();
    waiting = true;
    await sleep(200);
  }
  await writeFile(join(path, "owner"), String(process.pid));
}

/** @param {string} path */
async function tryCreate(path) {
  try {
    await mkdir(path);
    return true;
  } catch (error) {
    if (codeOf(error) === "EEXIST") return false;
    throw error;
  }
}

/** @param {string} path */
async function isAbandoned(path) {
  try {
    return !isRunning(Number(await readFile(join(path, "owner"), "utf8")));
  } catch {
    const created = await stat(path).catch(() => undefined);
    return created !== undefined && Date.now() - created.mtimeMs > ownerlessMilliseconds;
  }
}

/** @param {number} pid */
function isRunning(pid) {
  if (!Number.isInteger(pid) || pid <= 0) return false;
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return codeOf(error) === "EPERM";
  }
}

/** @param {unknown} error of the system */
function codeOf(error) {
  return /** @type {NodeJS.ErrnoException} */ (error).code;
}
