// A governor that decides, keeps and records nothing: each command gets the answer that the real one
// gave to the first of its kind that went well. What the gateway costs beside it is what governing costs.
import { DurableObject } from "cloudflare:workers";

const COMMAND = /"command":\{"(?<command>reserve|settle)":/u;
const DONE = /^\{"(?:admitted|settled)":/u;

export class GovernorStub extends DurableObject {
  #answers = new Map();

  async fetch(request) {
    const body = await request.text();
    const { command } = COMMAND.exec(body)?.groups ?? {};
    const known = this.#answers.get(command);
    if (known) return new Response(known);
    const { org } = JSON.parse(body);
    const real = this.env.GOVERNOR.getByName(org);
    const answer = await (await real.fetch(request.url, { method: "POST", body })).text();
    if (DONE.test(answer)) this.#answers.set(command, answer);
    return new Response(answer);
  }
}

export default {
  fetch() {
    return new Response(null, { status: 404 });
  },
};
