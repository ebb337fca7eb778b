// The built Worker in a workerd that can be killed, with its storage on disk.
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { convertV4MiniflareOptions, Log, LogLevel, Miniflare } from "miniflare";
import { unstable_getMiniflareWorkerOptions, unstable_splitSqlQuery } from "wrangler";
import { childrenNamed } from "../../bench/lib/process-cpu.mjs";

const root = join(import.meta.dirname, "../..");

type Options = { state: string; behindMilliseconds?: number };

/**
 * Starts workerd on what is stored in the folder `state`.
 *
 * @param options.behindMilliseconds how far the Worker's clock is behind this machine's
 */
export async function startOwnProcess({ state, behindMilliseconds = 0 }: Options) {
  const before = childrenNamed("workerd");
  const configuration = unstable_getMiniflareWorkerOptions(join(root, "wrangler.dev.toml"));
  // biome-ignore lint/suspicious/noExplicitAny: it is handed on
  const workerOptions = configuration.workerOptions as any;
  const model = { AI: "model", VECTORS: "model", PROVIDERS: "model" };
  const miniflare = new Miniflare(
    convertV4MiniflareOptions({
      cf: false,
      host: "127.0.0.1",
      log: new Log(LogLevel.NONE),
      resourcePersistencePath: state,
      workers: [
        {
          ...workerOptions,
          modulesRoot: root,
          name: "esclusa",
          modules: modules([
            "test/edge/instrumented/worker.js",
            "test/edge/instrumented/instruments.js",
            "test/edge/instrumented/wrapped.js",
            "build/index.js",
            "build/index_bg.wasm",
          ]),
          bindings: { ...workerOptions.bindings, CLOCK_BEHIND_MS: behindMilliseconds },
          serviceBindings: { ...workerOptions.serviceBindings, ...model },
        },
        {
          name: "model",
          modulesRoot: root,
          compatibilityDate: workerOptions.compatibilityDate,
          modules: modules(["test/edge/instrumented/model.js"]),
        },
      ],
    }),
  );
  const url = await miniflare.ready;
  const [pid] = childrenNamed("workerd").filter((found) => !before.includes(found));
  if (pid === undefined) throw new Error("workerd is not there");
  return {
    fetch: (path: string, init?: RequestInit): Promise<Response> => fetch(new URL(path, url), init),
    /** Creates the tables of the database. */
    applySchema: async () => {
      const database = await miniflare.getD1Database("DB", "esclusa");
      const sql = unstable_splitSqlQuery(readFileSync(join(root, "schema.sql"), "utf8"));
      await database.batch(sql.map((statement) => database.prepare(statement)));
    },
    /** Ends the process as the kernel does it, with no time to write anything. */
    kill: () => process.kill(pid, "SIGKILL"),
    stop: () => miniflare.dispose(),
  };
}

function modules(paths: string[]) {
  return paths.map((path) => ({
    type: path.endsWith(".wasm") ? ("CompiledWasm" as const) : ("ESModule" as const),
    path: join(root, path),
  }));
}
