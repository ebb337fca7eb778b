/**
 * What is measured, in the order in which it is driven and printed. The first is what the others
 * are compared with.
 *
 * @typedef {object} Target where a scenario's requests go
 * @property {string} url
 * @property {string} apiKey a key of the benchmark's org
 *
 * @typedef {object} Scenario
 * @property {string} name
 * @property {string} title what it does, in one line
 * @property {string} worker the Worker it is sent to, of those in `lib/workerd.mjs`
 * @property {"strict" | "leased" | "leased-users"} [org] whose key it uses; usually `strict`
 * @property {number} requests how many make one phase
 * @property {number} [afterMilliseconds] how long after the last answer its deferred work begins
 * @property {boolean} [fillsCache] whether its first request is another than those that follow
 * @property {(number: number, target: Target) => { path: string, headers?: object, body: string }} request
 *   the request of that number; numbers never repeat within a run
 * @property {{ scenario: Scenario, atMost: number }} [against] what it is compared with beside the
 *   floors, and how many times the CPU of that it may cost
 * @property {(headers: object, body: string) => string | undefined} [check]
 *   what is wrong with an answer of status 200
 */

import { bareJavaScript } from "./scenarios/bare-js.mjs";
import { bareRust } from "./scenarios/bare-rust.mjs";
import { chat } from "./scenarios/chat.mjs";
import { chatLeased, chatLeasedUsers } from "./scenarios/chat-leased.mjs";
import { chatStubbed } from "./scenarios/chat-stubbed.mjs";
import { faqHit } from "./scenarios/faq-hit.mjs";
import { faqMiss } from "./scenarios/faq-miss.mjs";

/** @type {Scenario[]} */
export const scenarios = [
  bareJavaScript,
  bareRust,
  chatStubbed,
  chat,
  chatLeased,
  chatLeasedUsers,
  faqHit,
  faqMiss,
];

/** The scenarios that every other is compared with. */
export const floors = [bareJavaScript, bareRust];
