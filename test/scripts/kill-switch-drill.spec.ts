// `npm run kill-switch-drill` against a gateway that misbehaves: nothing stays off, and nothing passes unmeasured.
import { setTimeout as sleep } from "node:timers/promises";
import { beforeEach, describe, expect, it } from "vitest";
import { drill } from "../../scripts/kill-switch-drill.mjs";

/** What a chat is answered while a switch is on. */
type WhenOff = () => Promise<Response>;

const refused: WhenOff = async () =>
  Response.json({ error: { code: "kill_switch" } }, { status: 503 });

describe("the kill switch drill", () => {
  let on: Set<string>;
  let turned: { path: string; until: number }[];
  /** When a switch was turned on last. */
  let flipped: number;

  beforeEach(() => {
    on = new Set();
    turned = [];
    flipped = 0;
  });

  /** A gateway that answers chats so while a switch is on. */
  function gateway(whenOff: WhenOff) {
    return async (path: string, { method, body }: RequestInit = {}) => {
      if (path === "/v1/chat/completions") return on.size > 0 ? whenOff() : answered();
      if (path.includes("/switches/")) turn(path, method ?? "", String(body ?? "{}"));
      return Response.json({ key: "esk_drill", id: "4f2a96cd01b7" });
    };
  }

  function answered() {
    const headers = { "cf-aig-model": "a/model", "cf-aig-provider": "a" };
    return Response.json({}, { headers });
  }

  function turn(path: string, method: string, body: string) {
    if (method === "PUT") {
      on.add(path);
      turned.push({ path, until: JSON.parse(body).until });
      flipped = performance.now();
    } else on.delete(path);
  }

  const run = (whenOff: WhenOff, signal?: AbortSignal) => {
    const options = { adminKey: "admin", deployment: true, milliseconds: 500, signal };
    return drill({ workers: [gateway(whenOff)], ...options });
  };

  it("turns each switch on for two minutes at most, and off", async () => {
    const results = await run(refused);
    expect(results.map(({ admitted }) => admitted)).toEqual(Array(9).fill(0));
    expect(on.size).toBe(0);
    for (const { until } of turned) {
      expect(until).toBeGreaterThan(Date.now());
      expect(until).toBeLessThan(Date.now() + 121_000);
    }
  });

  it("counts what was admitted and is answered after the switch is off", async () => {
    let counted = 0;
    const admitsOne = async () => {
      if (counted === turned.length || performance.now() < flipped + 20) return refused();
      counted = turned.length;
      await sleep(700);
      return answered();
    };
    const results = await run(admitsOne);
    expect(results.map(({ admitted }) => admitted)).toEqual(Array(9).fill(1));
  }, 60_000);

  it("turns off what is on where requests fail", async () => {
    const fails = () => Promise.reject(new TypeError("fetch failed"));
    await expect(run(fails)).rejects.toThrow("answered 0 fetch failed");
    expect(turned).toHaveLength(1);
    expect(on.size).toBe(0);
  });

  it("fails where too few requests are answered to tell", async () => {
    const late = () =>
      new Promise<Response>((resolve) => setTimeout(() => resolve(answered()), 2_000));
    await expect(run(late)).rejects.toThrow("only 6 of 40 requests were sent");
    expect(on.size).toBe(0);
  });

  it("turns off what is on where it is interrupted", async () => {
    const interruption = new AbortController();
    const interrupts = () => {
      interruption.abort();
      return refused();
    };
    await expect(run(interrupts, interruption.signal)).rejects.toThrow("Interrupted");
    expect(turned).toHaveLength(1);
    expect(on.size).toBe(0);
  });
});
