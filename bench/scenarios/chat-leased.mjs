import { chat } from "./chat.mjs";
import { chatStubbed } from "./chat-stubbed.mjs";
import { chatRequest, leaseMilliseconds, question } from "./requests.mjs";

const users = 500;

export const chatLeased = {
  ...chat,
  name: "chat-leased",
  title: "the same, admitted from leases",
  org: "leased",
  afterMilliseconds: leaseMilliseconds,
  against: { scenario: chatStubbed, atMost: 1.3 },
};

export const chatLeasedUsers = {
  ...chatLeased,
  name: "chat-leased-users",
  title: "the same, with a limit for each user",
  org: "leased-users",
  request: (number, target) =>
    chatRequest("@cf/openai/gpt-oss-120b", question(number), target, {
      "x-ai-user": `user-${number % users}`,
    }),
  against: { scenario: chatStubbed, atMost: 2 },
};
