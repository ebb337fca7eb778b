// What the gateway has bound as AI and VECTORS here: every call is answered at once with something
// fixed in the real service's shape, so that the gateway is measured and not its upstream.
import { WorkerEntrypoint } from "cloudflare:workers";
import { completion } from "./answer.js";

const DIMENSIONS = 1024;
const vector = Array.from({ length: DIMENSIONS }, (_, at) => Number(Math.sin(at).toFixed(6)));
const json = { headers: { "content-type": "application/json" } };

/** Ids of the vectors of each namespace. */
const stored = new Map();

export default class Mock extends WorkerEntrypoint {
  /** `env.AI.run` with `returnRawResponse`. */
  run(_model, inputs) {
    if (inputs.text) return new Response(embeddings(inputs.text.length), json);
    if (inputs.contexts) return new Response(ranking(inputs.contexts.length), json);
    return new Response(completion, json);
  }

  upsert(vectors) {
    for (const { id, namespace } of vectors) idsOf(namespace).add(id);
    return { mutationId: "mock" };
  }

  query(_vector, { topK, namespace }) {
    const ids = [...idsOf(namespace)].slice(0, topK);
    return { count: ids.length, matches: ids.map((id, at) => ({ id, score: score(at) })) };
  }

  deleteByIds(ids) {
    for (const namespace of stored.values()) {
      for (const id of ids) namespace.delete(id);
    }
    return { mutationId: "mock" };
  }
}

function embeddings(count) {
  const data = Array.from({ length: count }, () => vector);
  return JSON.stringify({ shape: [count, DIMENSIONS], data, pooling: "cls" });
}

function ranking(count) {
  return JSON.stringify({
    response: Array.from({ length: count }, (_, id) => ({ id, score: score(id) })),
  });
}

function score(at) {
  return 0.9 / (at + 1);
}

function idsOf(namespace) {
  const ids = stored.get(namespace) ?? new Set();
  stored.set(namespace, ids);
  return ids;
}
