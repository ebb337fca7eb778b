// Vectorize as a Worker sees it: limits, error codes and messages. Storage is vector_index.js.
// https://developers.cloudflare.com/vectorize/platform/limits/
import { compileFilter } from "./filter.js";
import { truncateUtf8, utf8Length } from "./text.js";

/** @import { QueryOptions, Vector } from "./types.js" */

const MAX_BATCH = 1_000;
const MAX_ID_BYTES = 64;
const MAX_NAMESPACE_BYTES = 64;
const MAX_METADATA_BYTES = 10_240;
const DEFAULT_TOP_K = 5;
const MAX_TOP_K = 100;
const MAX_TOP_K_WITH_CONTENT = 50;
const MAX_IDS_TO_GET = 20;
const MAX_IDS_TO_DELETE = 100;

/** @typedef {"insert" | "upsert" | "deleteByIds"} Mutation */
/** @typedef {Mutation | "query" | "queryById" | "getByIds" | "describe"} Operation */

/** The operation's name in error messages. @type {Record<Operation, string>} */
const NAMES = {
  insert: "VECTOR_INSERT",
  upsert: "VECTOR_UPSERT",
  query: "VECTOR_QUERY",
  queryById: "VECTOR_QUERY",
  getByIds: "VECTOR_GET",
  deleteByIds: "VECTOR_DELETE",
  describe: "INDEX_GET",
};

/**
 * An error as the runtime's binding words it.
 * @param {Operation} operation
 * @param {string} message
 * @param {number | string} [code]
 */
export function vectorizeError(operation, message, code) {
  const shown = code === undefined ? "" : ` (code = ${code})`;
  return new Error(`${NAMES[operation]}_ERROR${shown}: ${message}`);
}

/**
 * The error for a fault rule.
 * @param {Operation} operation
 * @param {import("./types.js").FaultRule} rule
 */
export function vectorizeFault(operation, { status, code, message, body }) {
  if ([status, code, message, body].every((part) => part === undefined)) return undefined;
  if (code === undefined && message === undefined) {
    if (status === 429) return vectorizeError(operation, "Too Many Requests", 40041);
    // The binding's words for a body it cannot parse.
    return vectorizeError(operation, `Status + ${status ?? 500}`);
  }
  const text = message ?? (code === 40041 ? "Too Many Requests" : "emulated failure");
  return vectorizeError(operation, text, code);
}

/**
 * Checks a batch and makes its values plain 32-bit floats.
 * @param {"insert" | "upsert"} operation
 * @param {unknown} vectors
 * @param {number} dimensions
 * @returns {(Omit<Vector, "values"> & { values: Float32Array })[]}
 */
export function readVectors(operation, vectors, dimensions) {
  if (!Array.isArray(vectors) || vectors.length === 0) {
    throw vectorizeError(operation, "failed to parse upsert vectors request", 40023);
  }
  if (vectors.length > MAX_BATCH) {
    throw vectorizeError(operation, `max batch is ${MAX_BATCH} vectors, got ${vectors.length}`);
  }
  return vectors.map((vector) => readVector(operation, vector, dimensions));
}

/** @param {"insert" | "upsert"} operation @param {any} vector @param {number} dimensions */
function readVector(operation, vector, dimensions) {
  const { id, namespace, metadata } = vector ?? {};
  const numbers = toFloats(vector?.values);
  if (typeof id !== "string" || id === "" || numbers === undefined) {
    throw vectorizeError(operation, "failed to parse upsert vectors request", 40023);
  }
  const idBytes = utf8Length(id);
  if (idBytes > MAX_ID_BYTES) {
    const message = `id too long; max is ${MAX_ID_BYTES} bytes, got ${idBytes} bytes`;
    throw vectorizeError(operation, message, 40008);
  }
  if (numbers.length !== dimensions) {
    const message =
      `invalid vector for id="${shortId(id)}", expected ${dimensions} dimensions, ` +
      `and got ${numbers.length} dimensions`;
    throw vectorizeError(operation, message, 40012);
  }
  checkNamespace(operation, namespace);
  checkMetadata(operation, id, metadata);
  return { id, values: numbers, namespace, metadata };
}

/** @param {unknown} values @returns {Float32Array | undefined} */
function toFloats(values) {
  if (!Array.isArray(values) && !ArrayBuffer.isView(values)) return undefined;
  const floats = Float32Array.from(
    /** @type {ArrayLike<number>} */ (/** @type {unknown} */ (values)),
  );
  return floats.every(Number.isFinite) ? floats : undefined;
}

/** @param {string} id */
function shortId(id) {
  return truncateUtf8(id, MAX_ID_BYTES);
}

/** @param {Operation} operation @param {unknown} namespace */
function checkNamespace(operation, namespace) {
  if (namespace === undefined || namespace === null) return;
  if (typeof namespace !== "string" || utf8Length(namespace) > MAX_NAMESPACE_BYTES) {
    throw vectorizeError(operation, `namespace too long; max is ${MAX_NAMESPACE_BYTES} bytes`);
  }
}

/** @param {Operation} operation @param {string} id @param {unknown} metadata */
function checkMetadata(operation, id, metadata) {
  if (metadata === undefined || metadata === null) return;
  if (typeof metadata !== "object" || Array.isArray(metadata)) {
    throw vectorizeError(operation, "failed to parse upsert vectors request", 40023);
  }
  const bytes = utf8Length(JSON.stringify(metadata));
  if (bytes <= MAX_METADATA_BYTES) return;
  const message =
    `oversized metadata for vector id="${shortId(id)}"; the compact JSON representation of the ` +
    `metadata must not exceed ${MAX_METADATA_BYTES} bytes, got ${bytes} bytes`;
  throw vectorizeError(operation, message, 40016);
}

/** @param {unknown} vector @param {number} dimensions @returns {Float32Array} */
export function readQueryVector(vector, dimensions) {
  const floats = toFloats(vector) ?? new Float32Array();
  if (floats.length === dimensions) return floats;
  const message =
    `invalid query vector, expected ${dimensions} dimensions, ` +
    `and got ${floats.length} dimensions`;
  throw vectorizeError("query", message, 40006);
}

/**
 * Checks query options and fills in their defaults.
 * @param {Operation} operation
 * @param {QueryOptions | undefined} options
 * @param {string[]} indexes
 */
export function readQueryOptions(operation, options, indexes) {
  const given = options ?? {};
  const returnMetadata = readReturnMetadata(given.returnMetadata);
  const returnValues = given.returnValues === true;
  const topK = given.topK ?? DEFAULT_TOP_K;
  checkTopK(operation, topK, returnValues || returnMetadata === "all");
  checkNamespace(operation, given.namespace);
  checkFilter(operation, given.filter, indexes);
  const { namespace, filter } = given;
  return { topK, namespace, returnValues, returnMetadata, filter };
}

/** @param {unknown} given @returns {"all" | "indexed" | "none"} */
function readReturnMetadata(given) {
  if (given === undefined || given === null || given === false) return "none";
  if (given === true) return "all";
  if (given === "all" || given === "indexed" || given === "none") return given;
  throw new Error(
    'Invalid returnMetadata option. Expected: true, false, "none", "indexed" or "all"; ' +
      `got: ${given}`,
  );
}

/** @param {Operation} operation @param {unknown} topK @param {boolean} withContent */
function checkTopK(operation, topK, withContent) {
  if (!Number.isSafeInteger(topK) || Number(topK) < 1) {
    throw vectorizeError(
      operation,
      `top K must be an integer of at least 1, but got ${topK}`,
      40025,
    );
  }
  if (Number(topK) > MAX_TOP_K) {
    throw vectorizeError(operation, `max top K is ${MAX_TOP_K}, but got ${topK}`, 40025);
  }
  if (withContent && Number(topK) > MAX_TOP_K_WITH_CONTENT) {
    const message =
      `with returnValues=true or returnMetadata=all, max top K is ${MAX_TOP_K_WITH_CONTENT}, ` +
      `but got ${topK}; for a top K up to ${MAX_TOP_K}, retry with returnValues=false and ` +
      "returnMetadata=indexed";
    throw vectorizeError(operation, message, 40025);
  }
}

/** @param {Operation} operation @param {unknown} filter @param {string[]} indexes */
function checkFilter(operation, filter, indexes) {
  try {
    compileFilter(filter, indexes);
  } catch (error) {
    throw vectorizeError(operation, /** @type {Error} */ (error).message);
  }
}

/**
 * @param {"getByIds" | "deleteByIds"} operation
 * @param {unknown} ids
 * @returns {string[]}
 */
export function readIds(operation, ids) {
  const max = operation === "getByIds" ? MAX_IDS_TO_GET : MAX_IDS_TO_DELETE;
  if (!Array.isArray(ids) || !ids.every((id) => typeof id === "string")) {
    throw vectorizeError(operation, "failed to parse the request body as JSON", 40026);
  }
  if (ids.length <= max) return ids;
  throw vectorizeError(
    operation,
    `too many ids in payload; max id count is ${max}, got ${ids.length}`,
    40007,
  );
}
