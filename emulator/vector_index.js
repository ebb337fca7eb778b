// The stored vectors: one Durable Object with SQLite, so that they outlive isolates and restarts.
import { DurableObject } from "cloudflare:workers";
import { compileFilter, indexedMetadata } from "./filter.js";
/** @import { IndexInfo, Match, Matches, Metadata, Vector } from "./types.js" */

/**
 * @typedef {object} Row
 * @property {string} id
 * @property {string | null} namespace
 * @property {ArrayBuffer} floats
 * @property {string | null} metadata
 */

/**
 * @typedef {object} Stored
 * @property {string} id
 * @property {string | undefined} namespace
 * @property {Float32Array} values
 * @property {number} length Euclidean
 * @property {Metadata | undefined} metadata
 */

/**
 * @typedef {object} Query
 * @property {number} topK
 * @property {string} [namespace]
 * @property {boolean} returnValues
 * @property {"all" | "indexed" | "none"} returnMetadata
 * @property {Record<string, unknown>} [filter]
 */

export class VectorIndex extends DurableObject {
  /**
   * Every vector, parsed once; dropped whenever something is written.
   * @type {Stored[] | undefined}
   */
  #parsed;

  /** @param {DurableObjectState} state @param {Env} env */
  constructor(state, env) {
    super(state, env);
    this.sql = state.storage.sql;
    this.sql.exec(
      "CREATE TABLE IF NOT EXISTS vectors " +
        "(id TEXT PRIMARY KEY, namespace TEXT, floats BLOB NOT NULL, metadata TEXT)",
    );
    this.sql.exec(
      "CREATE TABLE IF NOT EXISTS mutations (id TEXT PRIMARY KEY, at INTEGER NOT NULL)",
    );
  }

  /**
   * @param {(Omit<Vector, "values"> & { values: Float32Array })[]} vectors
   * @param {boolean} replace whether an existing id is replaced or left as it is
   * @returns {{ mutationId: string }}
   */
  write(vectors, replace) {
    const verb = replace ? "INSERT OR REPLACE" : "INSERT OR IGNORE";
    return this.#mutate(() => {
      for (const { id, namespace, values, metadata } of vectors) {
        this.sql.exec(
          `${verb} INTO vectors (id, namespace, floats, metadata) VALUES (?, ?, ?, ?)`,
          id,
          namespace ?? null,
          values.slice().buffer,
          metadata ? JSON.stringify(metadata) : null,
        );
      }
    });
  }

  /** @param {string[]} ids @returns {{ mutationId: string }} */
  delete(ids) {
    return this.#mutate(() => {
      for (const id of ids) this.sql.exec("DELETE FROM vectors WHERE id = ?", id);
    });
  }

  /** @param {string[]} ids @returns {Vector[]} in the order asked for */
  get(ids) {
    return ids.flatMap((id) => {
      const stored = this.#find(id);
      if (!stored) return [];
      const { namespace, metadata, values } = stored;
      return [{ id, values: Array.from(values), ...optional({ namespace, metadata }) }];
    });
  }

  /**
   * Cosine similarity with every vector that passes namespace and filter, best first.
   * @param {Float32Array} vector
   * @param {Query} query
   * @param {string[]} indexes indexed metadata properties
   * @returns {Matches}
   */
  query(vector, query, indexes) {
    const passes = compileFilter(query.filter, indexes);
    const length = norm(vector);
    const scored = this.#all()
      .filter(({ namespace }) => query.namespace === undefined || namespace === query.namespace)
      .filter(({ metadata }) => passes(metadata ?? {}))
      .map((stored) => ({ stored, score: cosine(vector, length, stored) }))
      .sort(
        (left, right) => right.score - left.score || (left.stored.id < right.stored.id ? -1 : 1),
      )
      .slice(0, query.topK);
    const matches = scored.map(({ stored, score }) => toMatch(stored, score, query, indexes));
    return { count: matches.length, matches };
  }

  /**
   * @param {string} id
   * @param {Query} query
   * @param {string[]} indexes
   * @returns {Matches | undefined} undefined when there is no such vector
   */
  queryById(id, query, indexes) {
    const stored = this.#find(id);
    return stored && this.query(stored.values, query, indexes);
  }

  /** @param {number} dimensions @returns {IndexInfo} */
  describe(dimensions) {
    const [count] = this.sql.exec("SELECT count(*) AS total FROM vectors").toArray();
    const [last] = this.sql.exec("SELECT id, at FROM mutations").toArray();
    return {
      vectorCount: Number(count?.total ?? 0),
      dimensions,
      processedUpToDatetime: new Date(Number(last?.at ?? 0)).toISOString(),
      processedUpToMutation: String(last?.id ?? ""),
    };
  }

  /** All or nothing. @param {() => void} change */
  #mutate(change) {
    const mutationId = crypto.randomUUID();
    this.ctx.storage.transactionSync(() => {
      change();
      this.sql.exec("DELETE FROM mutations");
      this.sql.exec("INSERT INTO mutations (id, at) VALUES (?, ?)", mutationId, Date.now());
    });
    this.#parsed = undefined;
    return { mutationId };
  }

  /** @param {string} id @returns {Stored | undefined} */
  #find(id) {
    const [row] = this.sql.exec("SELECT * FROM vectors WHERE id = ?", id).toArray();
    return row && parse(/** @type {Row} */ (/** @type {unknown} */ (row)));
  }

  #all() {
    this.#parsed ??= this.sql
      .exec("SELECT * FROM vectors")
      .toArray()
      .map((row) => parse(/** @type {Row} */ (/** @type {unknown} */ (row))));
    return this.#parsed;
  }
}

/** @param {Row} row @returns {Stored} */
function parse({ id, namespace, floats, metadata }) {
  const values = new Float32Array(floats);
  return {
    id,
    namespace: namespace ?? undefined,
    values,
    length: norm(values),
    metadata: metadata === null ? undefined : JSON.parse(metadata),
  };
}

/** @param {Float32Array} vector */
function norm(vector) {
  let sum = 0;
  for (const value of vector) sum += value * value;
  return Math.sqrt(sum);
}

/** @param {Float32Array} vector @param {number} length @param {Stored} stored */
function cosine(vector, length, stored) {
  let sum = 0;
  for (let at = 0; at < vector.length; at += 1) sum += (vector[at] ?? 0) * (stored.values[at] ?? 0);
  return sum / (length * stored.length || 1);
}

/**
 * @param {Stored} stored
 * @param {number} score
 * @param {Query} query
 * @param {string[]} indexes
 * @returns {Match}
 */
function toMatch({ id, namespace, values, metadata = {} }, score, query, indexes) {
  const shown = query.returnMetadata === "all" ? metadata : indexedMetadata(metadata, indexes);
  return {
    id,
    score,
    ...optional({ namespace }),
    ...(query.returnValues ? { values: Array.from(values) } : {}),
    ...(query.returnMetadata === "none" ? {} : { metadata: shown }),
  };
}

/**
 * The members that are there.
 * @template {object} T
 * @param {T} members
 * @returns {Partial<T>}
 */
function optional(members) {
  const present = Object.entries(members).filter(([, value]) => value !== undefined);
  return /** @type {Partial<T>} */ (Object.fromEntries(present));
}
