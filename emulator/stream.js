// Server-sent events as a stream that can be cut, slowed and stalled.
/** @import { CallOutcome, FaultRule } from "./types.js" */

const HANG_MS = 600_000;
const encoder = new TextEncoder();

/** One data-only event. @param {unknown} data */
export function dataEvent(data) {
  return `data: ${JSON.stringify(data)}\n\n`;
}

/** The end marker of OpenAI's and Workers AI's streams. */
export const DONE = "data: [DONE]\n\n";

/** Waits for as long as any client would. */
export async function hang() {
  await scheduler.wait(HANG_MS);
}

/**
 * Each event is one chunk, made when the reader asks for it.
 * @param {Iterator<string>} events
 * @param {FaultRule} fault
 * @param {CallOutcome} outcome
 * @returns {ReadableStream<Uint8Array>}
 */
export function eventStream(events, fault, outcome) {
  outcome.stream = "running";
  outcome.chunks = 0;
  const cutAfter = fault.cut_after_chunks ?? Number.POSITIVE_INFINITY;
  return new ReadableStream(
    {
      async pull(controller) {
        if (fault.chunk_delay_ms) await scheduler.wait(fault.chunk_delay_ms);
        const sent = outcome.chunks ?? 0;
        if (sent >= cutAfter) return cut(controller, fault, outcome);
        const { value, done } = events.next();
        if (done) {
          outcome.stream = "completed";
          return controller.close();
        }
        outcome.chunks = sent + 1;
        controller.enqueue(encoder.encode(value));
      },
      cancel() {
        outcome.stream = "cancelled";
      },
    },
    { highWaterMark: 0 },
  );
}

/**
 * @param {ReadableStreamDefaultController} controller
 * @param {FaultRule} fault
 * @param {CallOutcome} outcome
 */
async function cut(controller, fault, outcome) {
  if (fault.hang) await hang();
  outcome.stream = "cut";
  if (fault.cut_error) controller.error(new Error("emulated break of the stream"));
  else controller.close();
}
