/** wrangler's commands: as they are typed, run, and understood. */

import { capture, display, Problem, run } from "../lib/process.mjs";
import { toolEnvironment } from "../setup/environment.mjs";

/** The executable; WRANGLER_BIN names another one, as WASM_BINDGEN_BIN does for worker-build. */
const executable = process.env.WRANGLER_BIN || "wrangler";

/** A command as a person would type it. @param {string[]} args */
export function typed(args) {
  return display("wrangler", args);
}

/**
 * Runs a command with its output shown. Its standard input is closed, so it asks nothing.
 * @param {string[]} args
 * @param {Record<string, string>} [env]
 */
export async function show(args, env = {}) {
  await run(executable, args, { env: { ...toolEnvironment(), ...env } });
}

/**
 * Runs a command silently.
 * @param {string[]} args
 * @returns {Promise<{ code: number | string, stdout: string, stderr: string }>}
 */
export function ask(args) {
  return capture(executable, args, { env: toolEnvironment() });
}

/**
 * Runs a command silently and answers the JSON it prints.
 * @param {string[]} args
 * @returns {Promise<any>}
 */
export async function askJson(args) {
  const outcome = await ask(args);
  const value = outcome.code === 0 ? parse(outcome.stdout) : undefined;
  if (value === undefined) throw failed(args, outcome);
  return value;
}

/** The JSON in an output; nothing where there is none. @param {string} text @returns {any} */
export function parse(text) {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

/**
 * The problem of a command that failed, with what it printed.
 * @param {string[]} args
 * @param {{ code: number | string, stdout: string, stderr: string }} outcome
 */
export function failed(args, { code, stdout, stderr }) {
  const output = [stderr, stdout].map((text) => text.trim()).filter(Boolean);
  return new Problem(`\`${typed(args)}\` failed (exit code ${code}).\n${output.join("\n")}`);
}
