/**
 * What was counted since the last order, and what was ordered to fail.
 *
 * @typedef {object} Faults
 * @property {boolean} [cache] whether nothing can be read from KV
 * @property {boolean} [database] whether D1 fails
 * @property {boolean} [files] whether R2 takes nothing
 * @property {"overloaded" | "outdated"} [governor] an object that has too much to do, or a Worker of
 *   an older version than the object
 * @property {number} [statement] the number of the statement that fails after it was run
 * @property {number} [webhook] the status that webhooks are answered with
 *
 * @typedef {object} Webhook
 * @property {Record<string, string>} headers
 * @property {string} body
 */

export const instruments = fresh({});

/** @param {Faults} faults */
export function startAnew(faults) {
  Object.assign(instruments, fresh(faults));
}

/** @param {Faults} faults */
function fresh(faults) {
  return {
    faults,
    /** Calls of governors by the Worker, by the name of the command. */
    governor_calls: /** @type {Record<string, number>} */ ({}),
    /** Rows that statements of governors' objects wrote or deleted. */
    rows_written: 0,
    /** Alarms that were set: one row each. */
    alarms_set: 0,
    alarms_fired: 0,
    /** Statements of governors' objects. */
    statements: 0,
    /** Statements that D1 refused. */
    database_failures: 0,
    /** @type {Webhook[]} */
    webhooks: [],
  };
}
