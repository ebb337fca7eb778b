// The built Worker as it is, with gauges and faults around it: what the platform hands to it is
// wrapped, and /instruments reads the gauges and orders faults. Not for tsc, which would follow it
// into the build.
import { DurableObject, env as deployed, WorkerEntrypoint } from "cloudflare:workers";
import * as built from "../../../build/index.js";
import { instruments, startAnew } from "./instruments.js";
import { failing, governors, storage } from "./wrapped.js";

const behind = Number(deployed.CLOCK_BEHIND_MS ?? 0);
const realNow = Date.now;
Date.now = () => realNow() - behind;

export default class extends WorkerEntrypoint {
  #worker = new built.default(this.ctx, failing(this.env, governors));

  /** @param {Request} request */
  async fetch(request) {
    if (new URL(request.url).pathname !== "/instruments") return this.#worker.fetch(request);
    if (request.method === "PUT") startAnew(await request.json());
    return Response.json(instruments);
  }

  /** @param {ScheduledController} controller */
  scheduled(controller) {
    return this.#worker.scheduled(controller);
  }
}

export class GovernorObject extends DurableObject {
  #object = new built.GovernorObject(storage(this.ctx), failing(this.env));

  /** @param {Request} request */
  async fetch(request) {
    if (request.url !== "https://instruments/alarm") return this.#object.fetch(request);
    // As the platform does it at the time that was set.
    await this.ctx.storage.deleteAlarm();
    await this.alarm();
    return new Response();
  }

  alarm() {
    instruments.alarms_fired += 1;
    return this.#object.alarm();
  }
}
