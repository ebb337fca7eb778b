// Bodies a broken upstream sends instead of an answer.
import { chunkStream } from "./stream.js";

/** @import { CallOutcome, FaultRule } from "./types.js" */

const BLOCK = 64 * 1_024;
const PAGE =
  "<!DOCTYPE html>\n<html><head><title>502 Bad Gateway</title></head>\n<body>nginx</body></html>\n";

/**
 * @param {FaultRule} fault
 * @param {CallOutcome} outcome
 * @param {boolean} streamed whether the caller asked for a stream, which `endless` then gives
 * @returns {Response | undefined} undefined when the fault asks for none
 */
export function rawBody(fault, outcome, streamed) {
  const { body, status, content_type: type = "application/json", bytes } = fault;
  if (body !== undefined) return bodyOf(body, status ?? 200, type);
  if (fault.empty) return bodyOf("", status ?? 200, type);
  if (fault.html) return bodyOf(PAGE, status ?? 502, "text/html");
  if (bytes === undefined && (!fault.endless || streamed)) return undefined;
  const length = bytes ?? Number.POSITIVE_INFINITY;
  return new Response(padding(length, outcome), {
    status: status ?? 200,
    headers: { "content-type": type },
  });
}

/**
 * 204, 205 and 304 may not carry a body.
 * @param {string} body
 * @param {number} status
 * @param {string} type
 */
function bodyOf(body, status, type) {
  const content = [204, 205, 304].includes(status) ? null : body;
  return new Response(content, { status, headers: { "content-type": type } });
}

/** `{"padding":"xxx…"}` of so many bytes. @param {number} length @param {CallOutcome} outcome */
function padding(length, outcome) {
  const encoder = new TextEncoder();
  const block = "x".repeat(BLOCK);
  let left = length - '{"padding":""}'.length;
  const steps = (function* () {
    yield '{"padding":"';
    for (; left > 0; left -= BLOCK) yield left < BLOCK ? block.slice(0, left) : block;
    yield '"}';
  })();
  return chunkStream(outcome, async () => {
    const { value, done } = steps.next();
    return done ? undefined : encoder.encode(value);
  });
}
