// The life every call has, whoever it is for: its fault if any, else its answer, else its error.
import { errorBody } from "./envelopes.js";
import { faultError, ServiceError } from "./errors.js";
import { takeFault } from "./faults.js";
import { rawBody } from "./raw.js";
import { hang, markAborted } from "./stream.js";

/** @import { CallOutcome, ErrorStyle, FaultRule } from "./types.js" */

/**
 * @typedef {object} Subject
 * @property {string} target model id
 * @property {string} prompt the text that may hold directives
 * @property {boolean} general whether directives that name no model speak of it
 * @property {boolean} streamed whether it asks for a stream
 * @property {ErrorStyle} errors
 * @property {AbortSignal} [signal] of the caller's connection
 */

/**
 * @param {Subject} subject
 * @param {CallOutcome} outcome filled in
 * @param {(fault: FaultRule) => Response | Promise<Response>} act
 * @returns {Promise<Response>}
 */
export async function underFault(subject, outcome, act) {
  const { target, prompt, general, streamed, errors, signal } = subject;
  signal?.addEventListener("abort", () => {
    if (outcome.stream !== "completed") markAborted(outcome);
  });
  /** @type {FaultRule} */
  let fault = {};
  /** @type {Response} */
  let response;
  try {
    fault = takeFault(target, prompt, general) ?? {};
    outcome.fault = Object.keys(fault).length > 0;
    if (fault.delay_ms) await scheduler.wait(fault.delay_ms);
    if (fault.hang && fault.cut_after_chunks === undefined) await hang();
    const error = faultError(fault, errors);
    if (error) throw error;
    response = rawBody(fault, outcome, streamed) ?? (await act(fault));
  } catch (thrown) {
    const error = asServiceError(thrown);
    if (error.code !== undefined) outcome.code = error.code;
    const body = errorBody(error, errors, fault.envelope);
    response = Response.json(body, { status: error.status });
  }
  outcome.status = response.status;
  for (const [name, value] of Object.entries(fault.headers ?? {})) {
    response.headers.set(name, value);
  }
  return response;
}

/**
 * A bug here must not look like the gateway's: it is reported as the service's own failure.
 * @param {unknown} thrown
 */
function asServiceError(thrown) {
  if (thrown instanceof ServiceError) return thrown;
  console.error("emulator:", thrown);
  return new ServiceError(500, undefined, `Internal server error: ${String(thrown)}`);
}
