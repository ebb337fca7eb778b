// The local stand-in for the AI and Vectorize bindings and for providers over HTTP: one class,
// called by what is a service binding locally and the real thing in production. See README.md.
import { WorkerEntrypoint } from "cloudflare:workers";
import { interpret } from "./binding.js";
import { clearCalls, recordCall, recordedCalls } from "./calls.js";
import { clearFaults, setFaults, takeFault } from "./faults.js";
import { serve } from "./providers/serve.js";
import { respond } from "./run.js";
import { hang } from "./stream.js";
import {
  readIds,
  readQueryOptions,
  readQueryVector,
  readVectors,
  vectorizeError,
  vectorizeFault,
} from "./vectorize.js";

/** @import { Call, CallFilter, FaultRule, IndexInfo } from "./types.js" */
/** @import { Matches, QueryOptions, RunOptions, Vector } from "./types.js" */
/** @import { Operation } from "./vectorize.js" */

export { VectorIndex } from "./vector_index.js";

/** @extends {WorkerEntrypoint<Env>} */
export default class Emulator extends WorkerEntrypoint {
  /**
   * Providers over HTTP: the gateway's calls with their full address, an SDK's with the provider
   * as first segment of the path.
   * @override
   * @param {Request} request
   * @returns {Promise<Response>}
   */
  async fetch(request) {
    return serve(request);
  }

  /**
   * Workers AI: `env.AI.run`.
   * @param {string} model
   * @param {unknown} inputs
   * @param {RunOptions} [options]
   * @returns {Promise<Response | ReadableStream | object>}
   */
  async run(model, inputs, options) {
    const id = String(model);
    const given = options ?? {};
    const outcome = recordCall(id, inputs, given);
    const response = await respond(id, inputs, given, outcome);
    return given.returnRawResponse ? response : interpret(response);
  }

  /** @param {Vector[]} vectors @returns {Promise<{ mutationId: string }>} */
  async insert(vectors) {
    return this.#vectorize("insert", shapeOf(vectors), undefined, () =>
      this.#index().write(readVectors("insert", vectors, this.#dimensions()), false),
    );
  }

  /** @param {Vector[]} vectors @returns {Promise<{ mutationId: string }>} */
  async upsert(vectors) {
    return this.#vectorize("upsert", shapeOf(vectors), undefined, () =>
      this.#index().write(readVectors("upsert", vectors, this.#dimensions()), true),
    );
  }

  /**
   * @param {number[] | Float32Array | Float64Array} vector
   * @param {QueryOptions} [options]
   * @returns {Promise<Matches>}
   */
  async query(vector, options) {
    return this.#vectorize("query", { dimensions: vector?.length }, options, () => {
      const indexes = this.#indexes();
      const query = readQueryOptions("query", options, indexes);
      return this.#index().query(readQueryVector(vector, this.#dimensions()), query, indexes);
    });
  }

  /** @param {string} id @param {QueryOptions} [options] @returns {Promise<Matches>} */
  async queryById(id, options) {
    return this.#vectorize("queryById", { id }, options, async () => {
      const indexes = this.#indexes();
      const query = readQueryOptions("queryById", options, indexes);
      const matches = await this.#index().queryById(String(id), query, indexes);
      if (!matches) throw vectorizeError("queryById", `vector with id="${id}" not found`);
      return matches;
    });
  }

  /** @param {string[]} ids @returns {Promise<Vector[]>} */
  async getByIds(ids) {
    return this.#vectorize("getByIds", { ids }, undefined, () =>
      this.#index().get(readIds("getByIds", ids)),
    );
  }

  /** @param {string[]} ids @returns {Promise<{ mutationId: string }>} */
  async deleteByIds(ids) {
    return this.#vectorize("deleteByIds", { ids }, undefined, () =>
      this.#index().delete(readIds("deleteByIds", ids)),
    );
  }

  /** @returns {Promise<IndexInfo>} */
  async describe() {
    return this.#vectorize("describe", {}, undefined, () =>
      this.#index().describe(this.#dimensions()),
    );
  }

  /** Replaces every fault rule. @param {FaultRule[]} rules */
  async setFaults(rules) {
    setFaults(rules);
  }

  /** Forgets every rule and how often directives in prompts have fired. */
  async clearFaults() {
    clearFaults();
  }

  /** Recorded calls, most recent last. @param {CallFilter} [filter] @returns {Promise<Call[]>} */
  async calls(filter) {
    return recordedCalls(filter);
  }

  async clearCalls() {
    clearCalls();
  }

  /**
   * Records the operation, applies faults, then does it.
   * @template T
   * @param {Operation} operation
   * @param {unknown} inputs what is recorded: never the floats
   * @param {unknown} options
   * @param {() => T | Promise<T>} act
   * @returns {Promise<T>}
   */
  async #vectorize(operation, inputs, options, act) {
    const target = `vectorize.${operation}`;
    const outcome = recordCall(target, inputs, options);
    const fault = takeFault(target);
    outcome.fault = fault !== undefined;
    try {
      if (fault?.delay_ms) await scheduler.wait(fault.delay_ms);
      if (fault?.hang) await hang();
      const error = fault && vectorizeFault(operation, fault);
      if (error) throw error;
      const result = await act();
      outcome.status = 200;
      return result;
    } catch (error) {
      outcome.status = fault?.status ?? 400;
      throw error;
    }
  }

  /**
   * @returns {any} the one index; untyped, since RPC wraps every result in a promise
   */
  #index() {
    return this.env.VECTOR_INDEX.getByName("default");
  }

  #dimensions() {
    return Number(this.env.VECTOR_DIMENSIONS);
  }

  #indexes() {
    return this.env.VECTOR_METADATA_INDEXES.split(",").map((name) => name.trim());
  }
}

/** Ids, namespaces and metadata of a batch. @param {any} vectors */
function shapeOf(vectors) {
  if (!Array.isArray(vectors)) return vectors;
  return vectors.map(({ id, namespace, metadata, values } = {}) => ({
    id,
    namespace,
    metadata,
    dimensions: values?.length,
  }));
}
