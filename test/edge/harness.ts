// The built Worker in workerd, with the emulator behind AI and VECTORS and a fresh, empty database.
// Several workers of the one build share database, cache and governor, as several isolates would.
import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { parse } from "smol-toml";
import { createTestHarness, type TestHarness, type TestHarnessOptions } from "wrangler";
import type { Call, CallFilter, FaultRule } from "../../emulator/types.js";
import type { Faults, instruments } from "./instrumented/instruments.js";

/** What wrangler.dev.toml sets. */
export const adminKey = "local-admin-key";

export type Gateway = Awaited<ReturnType<typeof startGateway>>;

/** What the Worker stores into, for tests that look behind it. */
type Bindings = { DB: D1Database; FILES: R2Bucket; GOVERNOR: DurableObjectNamespace };

type Options = { workers?: number; vars?: Record<string, string>; instrumented?: boolean };

type Instruments = typeof instruments;

type Config = Extract<TestHarnessOptions["workers"][number], { config: object }>["config"];

/** The emulator's remote procedures that tests use; see emulator/README.md. */
type Emulator = {
  setFaults(rules: FaultRule[]): Promise<void>;
  clearFaults(): Promise<void>;
  calls(filter?: CallFilter): Promise<Call[]>;
  clearCalls(): Promise<void>;
};

const root = join(import.meta.dirname, "../..");

/**
 * Starts workerd with an empty state that `stop()` forgets. `npm run build` must have been run.
 *
 * @param options.workers how many workers of the one build, each with statics of its own
 * @param options.vars set beside those of wrangler.dev.toml
 * @param options.instrumented puts gauges and faults around the build, see `instrumented/`
 */
export async function startGateway(options: Options = {}) {
  const { workers = 1 } = options;
  const numbers = Array.from({ length: workers }, (_, worker) => worker);
  const server = createTestHarness({
    root,
    workers: [
      ...numbers.map((worker) => ({ config: workerConfig(worker, options) })),
      { configPath: "emulator/wrangler.toml" },
    ],
  });
  const { url } = await server.listen();
  await applySchema(server);
  return {
    /** The first worker's address, for clients that bring their own HTTP; no slash at the end. */
    baseUrl: url.origin,
    /** Requests `path` of one of the workers, over a socket for the first one. */
    fetch: (path: string, init?: RequestInit, worker = 0): Promise<Response> =>
      worker === 0
        ? fetch(new URL(path, url), init)
        : dispatch(server, workerName(worker), new URL(path, url).href, init),
    emulator: emulator(server),
    /** Asks the emulator as the provider of the URL's host, past the gateway. */
    fetchProvider: (url: string, init?: RequestInit) => dispatch(server, "emulator", url, init),
    /** The stores behind the Worker. */
    bindings: (): Promise<Bindings> => server.getWorker<Bindings>(workerName(0)).getEnv(),
    /** Does what the clock starts every hour. */
    runCron: async () => {
      const scheduledTime = new Date();
      await server.getWorker(workerName(0)).scheduled({ cron: "7 * * * *", scheduledTime });
    },
    /** Drops the memory of an org's governor; its storage stays. */
    evictGovernor: (org: string) =>
      server.getWorker(workerName(0)).evictDurableObject("GovernorObject", { name: org }),
    /** What was counted since faults were ordered last; only where it is `instrumented`. */
    instruments: async () =>
      (await (await fetch(new URL("/instruments", url))).json()) as Instruments,
    /** Orders faults, and has everything counted from zero. */
    order: async (faults: Faults) => {
      await fetch(new URL("/instruments", url), { method: "PUT", body: JSON.stringify(faults) });
    },
    /** Has the alarm of an org's governor go off before its time; only where it is `instrumented`. */
    alarm: async (org: string) => {
      const { GOVERNOR } = await server.getWorker<Bindings>(workerName(0)).getEnv();
      const response = await GOVERNOR.getByName(org).fetch("https://instruments/alarm");
      await response.text();
    },
    stop: () => server.close(),
  };
}

function workerName(worker: number): string {
  return worker === 0 ? "esclusa" : `esclusa-${worker + 1}`;
}

/** The first worker is wrangler.dev.toml, already built; the others use its governors. */
function workerConfig(worker: number, { vars, instrumented }: Options): Config {
  const build = join(root, "build/index.js");
  if (!existsSync(build)) {
    throw new Error("The Worker is not built: run `npm run build`.");
  }
  const main = instrumented ? join(root, "test/edge/instrumented/worker.js") : build;
  const file = readFileSync(join(root, "wrangler.dev.toml"), "utf8");
  const { build: _, migrations, ...config } = parse(file) as Config;
  const named = {
    ...config,
    name: workerName(worker),
    main,
    vars: { ...config.vars, ...vars },
  };
  if (worker === 0) {
    return { ...named, migrations };
  }
  const objects = config.durable_objects?.bindings ?? [];
  const bindings = objects.map((binding: object) => ({ ...binding, script_name: workerName(0) }));
  return { ...named, durable_objects: { bindings } };
}

function dispatch(server: TestHarness, worker: string, url: string, init?: RequestInit) {
  type Dispatch = (url: string, init?: RequestInit) => Promise<Response>;
  const dispatch = server.getWorker(worker).fetch as unknown as Dispatch;
  return dispatch(url, init);
}

async function applySchema(server: TestHarness) {
  const { DB } = await server.getWorker<{ DB: D1Database }>(workerName(0)).getEnv();
  const sql = readFileSync(join(root, "schema.sql"), "utf8").replace(/--.*$/gmu, "");
  const statements = sql.split(";").filter((statement) => statement.trim() !== "");
  await DB.batch(statements.map((statement) => DB.prepare(statement)));
}

function emulator(server: TestHarness): Emulator {
  const remote = async () =>
    (await server.getWorker("emulator").getExport()) as unknown as Emulator;
  return {
    setFaults: async (rules) => (await remote()).setFaults(rules),
    clearFaults: async () => (await remote()).clearFaults(),
    calls: async (filter) => (await remote()).calls(filter),
    clearCalls: async () => (await remote()).clearCalls(),
  };
}
