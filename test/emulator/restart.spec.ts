// Vectors outlive a restart of `wrangler dev`, with which people run the emulator.
import { type ChildProcess, spawn } from "node:child_process";
import { mkdtemp, rm } from "node:fs/promises";
import { createRequire } from "node:module";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { afterAll, beforeAll, expect, it } from "vitest";
import { client } from "./harness.js";

const ROOT = join(import.meta.dirname, "../..");
const WRANGLER = join(
  dirname(createRequire(import.meta.url).resolve("wrangler/package.json")),
  "bin/wrangler.js",
);

let state: string;
let running: ChildProcess | undefined;
beforeAll(async () => {
  state = await mkdtemp(join(tmpdir(), "emulator-state-"));
});
afterAll(async () => {
  await stop();
  await rm(state, { recursive: true, force: true });
});

/** Starts `wrangler dev` on a free port and gives a client of it. */
async function start() {
  const configs = ["test/emulator/caller/wrangler.toml", "emulator/wrangler.toml"];
  const flags = [
    "--ip",
    "127.0.0.1",
    "--port",
    "0",
    "--inspector-port",
    "0",
    "--persist-to",
    state,
  ];
  const args = [WRANGLER, "dev", ...configs.flatMap((config) => ["-c", config]), ...flags];
  const child = spawn(process.execPath, args, {
    cwd: ROOT,
    stdio: ["ignore", "pipe", "pipe"],
    env: { ...process.env, CI: "1", WRANGLER_SEND_METRICS: "false" },
  });
  running = child;
  const url = await new Promise<string>((resolve, reject) => {
    let output = "";
    const read = (data: Buffer) => {
      output += data;
      const ready = /Ready on (http:\/\/\S+)/u.exec(output)?.[1];
      if (ready) resolve(ready);
    };
    child.stdout.on("data", read);
    child.stderr.on("data", read);
    child.on("exit", () => reject(new Error(`wrangler dev ended:\n${output}`)));
  });
  return client((path, init) => fetch(new URL(path, url), init));
}

async function stop() {
  const child = running;
  running = undefined;
  if (!child || child.exitCode !== null) return;
  const ended = new Promise((resolve) => child.once("exit", resolve));
  child.kill("SIGTERM");
  await ended;
}

it("keeps vectors and forgets faults over a restart", async () => {
  const values = Array.from({ length: 1024 }, (_, index) => (index === 0 ? 1 : 0));
  const first = await start();
  await first.upsert([{ id: "kept", values, namespace: "one" }]);
  await first.setFaults([{ status: 500 }]);
  await stop();
  const second = await start();
  const { matches } = await second.query(values, { namespace: "one" });
  expect(matches).toEqual([{ id: "kept", score: 1, namespace: "one" }]);
}, 90_000);
