// Server-sent events as a stream that can be cut, slowed and stalled.
/** @import { CallOutcome, FaultRule } from "./types.js" */

const HANG_MS = 600_000;
const encoder = new TextEncoder();

/** One data-only event. @param {unknown} data */
export function dataEvent(data) {
  return `data: ${JSON.stringify(data)}\n\n`;
}

/** One named event. @param {string} type @param {object} data */
export function namedEvent(type, data) {
  return `event: ${type}\n${dataEvent({ type, ...data })}`;
}

/** The end marker of OpenAI's and Workers AI's streams. */
export const DONE = "data: [DONE]\n\n";

/** Waits for as long as any client would. */
export async function hang() {
  await scheduler.wait(HANG_MS);
}

/**
 * Each event is one chunk, made when the reader asks for it; bytes are sent as they are.
 * @param {Iterable<string | Uint8Array>} events
 * @param {FaultRule} fault
 * @param {CallOutcome} outcome
 * @param {string} [errorEvent] what a cut with `cut_event` ends with
 * @returns {ReadableStream<Uint8Array>}
 */
export function eventStream(events, fault, outcome, errorEvent = "") {
  const cutAfter = fault.cut_after_chunks ?? Number.POSITIVE_INFINITY;
  const source = (fault.endless ? repeated([...events]) : events)[Symbol.iterator]();
  return chunkStream(outcome, async (controller, sent) => {
    if (fault.chunk_delay_ms) await scheduler.wait(fault.chunk_delay_ms);
    if (sent >= cutAfter) {
      if (fault.hang) await hang();
      outcome.stream = "cut";
      if (fault.cut_event) controller.enqueue(encoder.encode(errorEvent));
      if (fault.cut_error) controller.error(new Error("emulated break of the stream"));
      else controller.close();
      return undefined;
    }
    const { value, done } = source.next();
    if (done) return undefined;
    return typeof value === "string" ? encoder.encode(value) : value;
  });
}

/**
 * Its first half, then the event in the middle without end.
 * @param {(string | Uint8Array)[]} events
 */
function* repeated(events) {
  const middle = Math.floor(events.length / 2);
  yield* events.slice(0, middle);
  for (;;) yield events[middle] ?? ":\n\n";
}

/**
 * A stream of what `next` gives, each when the reader asks for it, that notices a reader who leaves.
 * @param {CallOutcome} outcome
 * @param {(controller: ReadableStreamDefaultController, sent: number) => Promise<Uint8Array | undefined>} next
 *   undefined at the end
 * @returns {ReadableStream<Uint8Array>}
 */
export function chunkStream(outcome, next) {
  outcome.stream = "running";
  outcome.chunks = 0;
  return new ReadableStream(
    {
      async pull(controller) {
        const chunk = await next(controller, outcome.chunks ?? 0);
        if (chunk !== undefined) {
          outcome.chunks = (outcome.chunks ?? 0) + 1;
          return controller.enqueue(chunk);
        }
        if (outcome.stream !== "running") return;
        outcome.stream = "completed";
        controller.close();
      },
      cancel() {
        outcome.stream = "cancelled";
        markAborted(outcome);
      },
    },
    { highWaterMark: 0 },
  );
}

/** The reader went away. @param {CallOutcome} outcome */
export function markAborted(outcome) {
  outcome.aborted = true;
  outcome.aborted_at ??= Date.now();
}
