import { chatStubbed } from "./chat-stubbed.mjs";
import { auditMilliseconds } from "./requests.mjs";

export const chat = {
  ...chatStubbed,
  name: "chat",
  title: "the gateway, a concrete model: key, limits, budget, audit",
  worker: "esclusa",
  afterMilliseconds: auditMilliseconds,
  against: { scenario: chatStubbed, atMost: 2.7 },
};
