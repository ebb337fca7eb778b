// Two answers to one request are compared without what must differ from one to the next.

/** Ids, times, what calls cost, and what only the one or the other side says. */
const passing = new Set([
  "_request_id",
  "billing",
  "completed_at",
  "costUsd",
  "cost_usd",
  "created",
  "created_at",
  "createTime",
  "emulated",
  "encrypted_content",
  "gatewayMetadata",
  "id",
  "item_id",
  "call_id",
  "request_id",
  "responseId",
  "signature",
  "sources",
  "system_fingerprint",
  "thoughtSignature",
]);

/** Objects whose being empty says something: the arguments of calls. */
const meaning = new Set(["args", "input"]);

/**
 * The answer without them, and with the model's name as its provider says it. Counts of nothing, empty
 * lists and nulls are left out: some say them, others do not.
 */
export function normal(answer: unknown): unknown {
  return JSON.parse(JSON.stringify(answer), (name, value) => {
    if (passing.has(name) || (isNothing(value) && !meaning.has(name))) {
      return undefined;
    }
    return name === "model" || name === "modelVersion" ? value.split("/").at(-1) : value;
  });
}

function isNothing(value: unknown): boolean {
  const isEmpty = typeof value === "object" && Object.keys(value ?? {}).length === 0;
  return value === 0 || isEmpty;
}

/** What a client sees of a refusal: the status, and what its error says beside the message. */
export async function refusal(answer: Promise<unknown>): Promise<unknown> {
  return answer.then(
    () => "no error",
    ({ status, type, param, error }) => ({ status, type: type ?? error?.error?.type, param }),
  );
}
