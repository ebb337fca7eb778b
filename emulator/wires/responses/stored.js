// Responses that were stored, so that the next can go on from them. In the isolate's memory for the
// reason given in faults.js.
import { badRequest, ServiceError } from "../../errors.js";

/** @import { Json } from "../../types.js" */

const MOST = 1_000;

/** @type {Map<string, { response: Json, items: Json[] }>} */
const stored = new Map();

/** @param {Json} response @param {Json[]} items everything that led to it */
export function storeResponse(response, items) {
  if (stored.size >= MOST) stored.clear();
  stored.set(response.id, { response, items: [...items, ...response.output] });
}

/** @param {string} id @returns {Json[]} */
export function itemsBefore(id) {
  const found = stored.get(id);
  if (found) return found.items;
  throw badRequest(
    `Previous response with id '${id}' not found.`,
    "previous_response_id",
    "previous_response_not_found",
  );
}

/** @param {string} id @returns {Json} */
export function findResponse(id) {
  const found = stored.get(id);
  if (found) return found.response;
  throw new ServiceError(404, "", `Response with id '${id}' not found.`);
}

/** @param {string} id @returns {Json} */
export function deleteResponse(id) {
  findResponse(id);
  stored.delete(id);
  return { id, object: "response", deleted: true };
}
