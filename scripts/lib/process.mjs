/** Child processes: run with the output shown, followed line by line, or captured. */

import { spawn } from "node:child_process";
import { root } from "./project.mjs";

/**
 * @typedef {object} Options
 * @property {string} [cwd] the project's root unless told
 * @property {NodeJS.ProcessEnv} [env] added to the process's own
 * @property {string} [input] what the command reads from its standard input
 * @property {number} [timeout] milliseconds after which it is ended
 *
 * @typedef {object} Outcome
 * @property {number | string} code exit code, or the name of the signal that ended it
 * @property {string} stdout
 * @property {string} stderr
 */

/** A problem whose message is all that a person needs; it is printed without a stack trace. */
export class Problem extends Error {}

/**
 * Runs a command with its output shown; a non-zero exit is a `Problem`.
 * @param {string} command
 * @param {string[]} args
 * @param {Options} [options]
 */
export async function run(command, args, options = {}) {
  const { code } = await start(command, args, options);
  if (code !== 0) throw new Problem(`\`${display(command, args)}\` failed (exit code ${code}).`);
}

/**
 * Runs a command silently and answers what it printed, whatever the exit code was.
 * @param {string} command
 * @param {string[]} args
 * @param {Options} [options]
 */
export function capture(command, args, options = {}) {
  return start(command, args, options, () => {});
}

/**
 * Runs a command, hands each line of its output to `onLine`, and answers its exit code.
 * @param {string} command
 * @param {string[]} args
 * @param {Options & { onLine: (line: string) => void }} options
 */
export async function follow(command, args, { onLine, ...options }) {
  let rest = "";
  const { code } = await start(command, args, options, (text) => {
    const lines = (rest + text).split("\n");
    rest = lines.pop() ?? "";
    for (const line of lines) onLine(line);
  });
  if (rest) onLine(rest);
  return code;
}

/**
 * The command as it would be typed, for messages.
 * @param {string} command
 * @param {string[]} args
 */
export function display(command, args) {
  return [command, ...args].map((part) => (/[\s"'$]/.test(part) ? `'${part}'` : part)).join(" ");
}

/**
 * Whether a command can be started at all.
 * @param {string} command
 */
export async function exists(command) {
  return (await capture(command, ["--version"])).code === 0;
}

/**
 * With `onText` the output is collected and handed over as it comes; without, it is shown.
 * @param {string} command
 * @param {string[]} args
 * @param {Options} options
 * @param {(text: string) => void} [onText]
 * @returns {Promise<Outcome>}
 */
function start(command, args, { cwd = root, env, input, timeout }, onText) {
  return new Promise((resolve) => {
    const output = onText ? "pipe" : "inherit";
    const child = spawn(command, args, {
      cwd,
      env: { ...process.env, ...env },
      timeout,
      stdio: [input === undefined ? "ignore" : "pipe", output, output],
    });
    let stdout = "";
    let stderr = "";
    child.stdout?.setEncoding("utf8").on("data", (/** @type {string} */ text) => {
      stdout += text;
      onText?.(text);
    });
    child.stderr?.setEncoding("utf8").on("data", (/** @type {string} */ text) => {
      stderr += text;
      onText?.(text);
    });
    child.on("error", (error) => resolve({ code: 127, stdout, stderr: error.message }));
    child.on("close", (code, signal) => resolve({ code: code ?? signal ?? 1, stdout, stderr }));
    child.stdin?.end(input);
  });
}
