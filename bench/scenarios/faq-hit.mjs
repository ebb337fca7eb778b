import { auditMilliseconds, cacheStatusIs, chatRequest } from "./requests.mjs";

export const faqHit = {
  name: "faq-hit",
  title: "the gateway, the same answer from its cache",
  worker: "esclusa",
  requests: 1_000,
  afterMilliseconds: auditMilliseconds,
  fillsCache: true,
  request: (_number, target) => chatRequest("operation/faq", "How long is the warranty?", target),
  check: cacheStatusIs("HIT"),
};
