import { cacheStatusIs, chatRequest, question } from "./requests.mjs";

export const chatStubbed = {
  name: "chat-stubbed",
  title: "the gateway with a governor that does nothing",
  worker: "esclusa-stubbed",
  requests: 1_000,
  request: (number, target) => chatRequest("@cf/openai/gpt-oss-120b", question(number), target),
  check: cacheStatusIs("BYPASS"),
};
