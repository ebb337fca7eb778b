/** One workerd with every Worker of the benchmark in it, each reached on a port of its own. */

import { existsSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { convertV4MiniflareOptions, Log, LogLevel, Miniflare } from "miniflare";
import { unstable_getMiniflareWorkerOptions, unstable_splitSqlQuery } from "wrangler";
import { buildDirectory, fromRoot } from "../../scripts/lib/project.mjs";
import { childrenNamed } from "./process-cpu.mjs";

export const adminKey = "benchmark-admin-key";

/** Linux's folder in memory. Storage there keeps the disk, which every write waits for, out of the figures. */
const MEMORY = "/dev/shm";

/** Starts the Workers. `inspect` opens V8's inspector, for a profile. */
export async function startWorkerd({ upstream, inspect = false }) {
  const storage = temporaryStorage();
  const gateway = gatewayOptions();
  const { compatibilityDate } = gateway;
  const bare = { compatibilityDate, bindings: { UPSTREAM: upstream } };
  const bareBuild = fromRoot("bench", "bare", "build");
  const workers = [
    { ...bare, name: "bare-js", modules: [javaScript("bench/workers/bare.js")] },
    { ...bare, name: "bare-rust", modules: rustModules(bareBuild) },
    { ...gateway, name: "esclusa", modules: rustModules(buildDirectory) },
    {
      ...gateway,
      name: "esclusa-stubbed",
      modules: rustModules(buildDirectory),
      durableObjects: { GOVERNOR: { className: "GovernorStub", scriptName: "governor-stub" } },
    },
    {
      name: "governor-stub",
      compatibilityDate,
      modules: [javaScript("bench/workers/governor-stub.js")],
      durableObjects: {
        STUB: "GovernorStub",
        GOVERNOR: { className: "GovernorObject", scriptName: "esclusa", useSQLite: true },
      },
    },
    {
      name: "mock",
      compatibilityDate,
      modules: [javaScript("bench/workers/mock.js"), javaScript("bench/workers/answer.js")],
    },
  ];
  const miniflare = new Miniflare(
    convertV4MiniflareOptions({
      cf: false,
      host: "127.0.0.1",
      log: new Log(LogLevel.ERROR),
      resourcePersistencePath: storage,
      // An open inspector costs something, so it is there only when it is needed.
      ...(inspect ? { inspectorPort: 0 } : {}),
      // A direct socket goes to the Worker itself, not through Miniflare's own entry.
      workers: workers.map((worker) => ({
        ...worker,
        unsafeDirectSockets: [{ host: "127.0.0.1", port: 0 }],
      })),
    }),
  );
  await miniflare.ready;
  await applySchema(await miniflare.getD1Database("DB", "esclusa"));
  return {
    pid: onlyWorkerd(),
    url: async (worker) => (await miniflare.unsafeGetDirectURL(worker)).origin,
    inspectorUrl: () => miniflare.getInspectorURL(),
    stop: () => miniflare.dispose(),
  };
}

/** A folder that is removed with this process, however it ends. */
function temporaryStorage() {
  const folder = mkdtempSync(join(existsSync(MEMORY) ? MEMORY : tmpdir(), "esclusa-bench-"));
  process.once("exit", () => rmSync(folder, { recursive: true, force: true }));
  return folder;
}

/** The local configuration, so that what is bound there is bound here; only the emulator is not. */
function gatewayOptions() {
  const { workerOptions } = unstable_getMiniflareWorkerOptions(fromRoot("wrangler.dev.toml"));
  return {
    ...workerOptions,
    bindings: { ...workerOptions.bindings, ESCLUSA_ADMIN_KEY: adminKey },
    serviceBindings: {
      ...workerOptions.serviceBindings,
      ...{ AI: "mock", VECTORS: "mock", PROVIDERS: "mock" },
    },
  };
}

/** The two modules that worker-build emits, the entry first. */
function rustModules(directory) {
  const path = (name) => join(directory, name);
  return [
    { type: "ESModule", path: path("index.js") },
    { type: "CompiledWasm", path: path("index_bg.wasm") },
  ];
}

function javaScript(path) {
  return { type: "ESModule", path: fromRoot(path) };
}

async function applySchema(database) {
  const statements = unstable_splitSqlQuery(readFileSync(fromRoot("schema.sql"), "utf8"));
  await database.batch(statements.map((statement) => database.prepare(statement)));
}

function onlyWorkerd() {
  const found = childrenNamed("workerd");
  if (found.length !== 1) throw new Error(`expected one workerd, found ${found.length}`);
  return found[0];
}
