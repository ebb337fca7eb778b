// What the platform hands to the Worker, wrapped.
import { instruments } from "./instruments.js";

/** Where tests have alerts sent to. */
const WEBHOOKS = "hooks.example.com";

/**
 * The bindings, some of which fail when that was ordered.
 * @param {Record<string, any>} env
 * @param {(namespace: any) => any} [namespace] wraps the governors
 */
export function failing(env, namespace = (it) => it) {
  const DB = methods(env.DB, {
    prepare: (/** @type {string} */ sql) => {
      if (!instruments.faults.database) return env.DB.prepare(sql);
      instruments.database_failures += 1;
      throw new Error("D1_ERROR: ordered by a test");
    },
  });
  const CACHE = methods(env.CACHE, {
    get: async (/** @type {any[]} */ ...args) => {
      if (instruments.faults.cache) throw new Error("KV GET failed: 500 Internal Server Error");
      return env.CACHE.get(...args);
    },
  });
  const FILES = methods(env.FILES, {
    put: async (/** @type {any[]} */ ...args) => {
      if (instruments.faults.files) throw new Error("put: Unspecified error (0)");
      return env.FILES.put(...args);
    },
  });
  const PROVIDERS = {
    fetch: (/** @type {Request} */ request) =>
      new URL(request.url).hostname === WEBHOOKS ? webhook(request) : env.PROVIDERS.fetch(request),
  };
  return { ...env, CACHE, DB, FILES, PROVIDERS, GOVERNOR: namespace(env.GOVERNOR) };
}

/** The governors, each call counted. */
export function governors(/** @type {any} */ namespace) {
  return {
    getByName: (/** @type {string} */ name) => ({
      fetch: async (/** @type {string} */ address, /** @type {any} */ init) => {
        const [command = "other"] = Object.keys(JSON.parse(init.body).ask.execute?.command ?? {});
        instruments.governor_calls[command] = (instruments.governor_calls[command] ?? 0) + 1;
        const { governor } = instruments.faults;
        if (governor === "overloaded") {
          const message = "Durable Object is overloaded. Too many requests queued.";
          throw Object.assign(new Error(message), { overloaded: true });
        }
        return namespace.getByName(name).fetch(address, governor ? outdated(init) : init);
      },
    }),
  };
}

/** The state of an object, its statements and alarms counted. */
export function storage(/** @type {any} */ state) {
  const sql = methods(state.storage.sql, {
    exec: (/** @type {any[]} */ ...args) => {
      const cursor = state.storage.sql.exec(...args);
      instruments.rows_written += cursor.rowsWritten;
      instruments.statements += 1;
      if (instruments.statements === instruments.faults.statement) {
        throw new Error("SQLITE_IOERR: ordered by a test");
      }
      return cursor;
    },
  });
  const wrapped = methods(state.storage, {
    setAlarm: (/** @type {any[]} */ ...args) => {
      instruments.alarms_set += 1;
      return state.storage.setAlarm(...args);
    },
  });
  Object.defineProperty(wrapped, "sql", { value: sql });
  return Object.defineProperty(methods(state, {}), "storage", { value: wrapped });
}

/** A command as the version before this one would send it. */
function outdated(/** @type {any} */ init) {
  const body = JSON.parse(init.body);
  body.ask.execute.protocol -= 1;
  return { ...init, body: JSON.stringify(body) };
}

async function webhook(/** @type {Request} */ request) {
  const body = await request.text();
  instruments.webhooks.push({ headers: Object.fromEntries(request.headers), body });
  return new Response(null, { status: instruments.faults.webhook ?? 204 });
}

/**
 * An object of the platform with some of its methods replaced; the others keep their `this`.
 * @param {any} target
 * @param {Record<string, Function>} replaced
 */
function methods(target, replaced) {
  return new Proxy(Object.create(null), {
    get: (own, name) => {
      if (name in own) return own[name];
      if (Object.hasOwn(replaced, name)) return replaced[/** @type {string} */ (name)];
      const value = target[name];
      return typeof value === "function" ? value.bind(target) : value;
    },
  });
}
