// workerd is killed in the middle of a load, and what comes of it after a restart on the same disk.
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, it } from "vitest";
import { adminKey } from "./harness";
import { startOwnProcess } from "./own_process";
import { admin, createOrg, eventually, limits, type Reachable } from "./support";

const lanes = 24;

/**
 * How far the first process is behind the time, so that the alarms it sets for the deadlines of its
 * reservations, 360 s ahead, go off a quarter of a minute later by the second one's clock.
 */
const behindMilliseconds = 345_000;

/** What each way of admission promises of a load that is killed. */
const admissions = [{ admission: "strict" }, { admission: "leased" }];

/** What a client got of one request. */
type Outcome = { id: string; whole: boolean };

// biome-ignore lint/suspicious/noExplicitAny: records are asserted on, not typed
type Exported = { seq: number; record: any };

let state: string;
let running: Awaited<ReturnType<typeof startOwnProcess>> | undefined;

beforeEach(async () => {
  state = await mkdtemp(join(tmpdir(), "esclusa-kill-"));
});
afterEach(async () => {
  await running?.stop();
  running = undefined;
  await rm(state, { recursive: true, force: true });
});

async function start(behindMilliseconds = 0) {
  await running?.stop();
  running = await startOwnProcess({ state, behindMilliseconds });
  return running;
}

/** Asks until the gateway is gone: whole answers and streams in turn. */
async function lane(gateway: Reachable, key: string, outcomes: Outcome[]) {
  for (let index = 0; ; index += 1) {
    const outcome = { id: "", whole: false };
    try {
      const response = await gateway.fetch("/v1/chat/completions", {
        method: "POST",
        headers: { authorization: `Bearer ${key}`, "content-type": "application/json" },
        body: JSON.stringify({
          model: "@cf/openai/gpt-oss-120b",
          messages: [{ role: "user", content: "How long can I return it?" }],
          max_tokens: 50,
          stream: index % 2 === 1,
        }),
      });
      outcome.id = response.headers.get("x-request-id") ?? "";
      outcomes.push(outcome);
      const text = await response.text();
      const ended = index % 2 === 0 || text.trimEnd().endsWith("data: [DONE]");
      expect(response.status, text).toBe(200);
      outcome.whole = ended;
    } catch (error) {
      if (error instanceof TypeError) return;
      throw error;
    }
  }
}

async function exported(gateway: Reachable, org: string): Promise<Exported[]> {
  const headers = { authorization: `Bearer ${adminKey}` };
  const response = await gateway.fetch(`/admin/v1/audit/export?org=${org}`, { headers });
  expect(response.status).toBe(200);
  const lines = (await response.text()).split("\n").filter((line) => line !== "");
  return lines.map((line) => JSON.parse(line));
}

it.each(admissions)(
  "loses no record and no money when it is killed ($admission)",
  async ({ admission }) => {
    const first = await start(behindMilliseconds);
    await first.applySchema();
    const budgets = [{ usd: "1000", period: "lifetime" }];
    const { org, key } = await createOrg(first, { config: { admission, budgets } });

    const outcomes: Outcome[] = [];
    const load = Promise.all(Array.from({ length: lanes }, () => lane(first, key, outcomes)));
    await eventually(async () => outcomes.filter(({ whole }) => whole).length >= 150, 30);
    first.kill();
    await load;
    const whole = outcomes.filter((outcome) => outcome.whole).map(({ id }) => id);
    expect(new Set(whole).size).toBe(whole.length);

    const second = await start();
    const before = await limits(second, org);
    await eventually(async () => (await limits(second, org)).budgets[0].reserved_usd === "0", 40);
    const records = (await exported(second, org)).map(({ record }) => record);
    const requested = records.filter((record) => record.key !== "admin");
    const byRequest = Map.groupBy(requested, (record) => record.request);
    for (const id of whole) {
      const [record, ...others] = byRequest.get(id) ?? [];
      expect(others, id).toEqual([]);
      // Leased, the end of a request is told a little later: not, if the process died before.
      if (admission === "strict" || record?.outcome === "answered") {
        expect(record, id).toMatchObject({ outcome: "answered", status: 200 });
      } else if (record !== undefined) {
        expect(record, id).toMatchObject({ outcome: "expired" });
      }
    }
    const unrecorded = whole.filter((id) => !byRequest.has(id)).length;
    const lost = requested.filter((record) => record.outcome === "lease_lost");
    const lostRequests = lost.reduce((sum, record) => sum + record.count, 0);
    expect(lostRequests).toBeGreaterThanOrEqual(unrecorded);
    const extras = requested
      .filter((record) => !whole.includes(record.request))
      .filter((record) => record.outcome !== "lease_lost");
    const expired = requested.filter((record) => record.outcome === "expired");
    expect(new Set(extras.map((record) => record.request)).size).toBe(extras.length);
    expect(extras.length).toBeLessThanOrEqual(lanes);
    for (const record of [...expired, ...lost]) {
      expect(record.flags).toContain("bounded");
      expect(record.cost).toBe(record.bound);
    }
    // The others were settled, and their last bytes were on the way.
    const settled = extras.filter((record) => record.outcome !== "expired");
    expect(settled.every((record) => record.outcome === "answered")).toBe(true);
    if (admission === "strict") {
      expect(before.budgets[0].reserved_usd === "0").toBe(expired.length === 0);
    }

    const sum = records.reduce((total, record) => total + BigInt(record.cost), 0n);
    const { spent_usd } = (await limits(second, org)).budgets[0];
    expect(nanos(spent_usd)).toBe(sum);
    const { body: report } = await admin(second, "GET", `/admin/v1/audit/verify?org=${org}`);
    expect(report).toMatchObject({ verified: true, records: records.length, finding: null });
    console.log(
      `${whole.length} answers arrived, ${unrecorded} without a record; besides ${expired.length} expired, ` +
        `${settled.length} settled, ${lostRequests} lost with a lease`,
    );
  },
  90_000,
);

/** Dollars as text to nano-dollars. */
function nanos(usd: string): bigint {
  const [whole = "0", fraction = ""] = usd.split(".");
  return BigInt(whole) * 1_000_000_000n + BigInt(fraction.padEnd(9, "0"));
}
