import { auditMilliseconds, cacheStatusIs, chatRequest, question } from "./requests.mjs";

export const chat = {
  name: "chat",
  title: "the gateway, a concrete model: key, limits, budget, audit",
  worker: "esclusa",
  requests: 1_000,
  afterMilliseconds: auditMilliseconds,
  request: (number, target) => chatRequest("@cf/openai/gpt-oss-120b", question(number), target),
  check: cacheStatusIs("BYPASS"),
};
