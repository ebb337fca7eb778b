import { auditMilliseconds, cacheStatusIs, chatRequest, question } from "./requests.mjs";

export const faqMiss = {
  name: "faq-miss",
  title: "the gateway, a grounded answer that is not cached yet",
  worker: "esclusa",
  requests: 400,
  afterMilliseconds: auditMilliseconds,
  request: (number, target) => chatRequest("operation/faq", question(number), target),
  check: (headers) =>
    cacheStatusIs("MISS")(headers) ??
    (headers["x-ai-sources"] === "0" ? "the answer is not grounded" : undefined),
};
