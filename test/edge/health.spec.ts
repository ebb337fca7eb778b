import { afterAll, beforeAll, expect, it } from "vitest";
import { type Gateway, startGateway } from "./harness";

let gateway: Gateway;

beforeAll(async () => {
  gateway = await startGateway();
});
afterAll(() => gateway.stop());

it("says what is up, to anybody", async () => {
  const response = await gateway.fetch("/health");
  expect(response.status).toBe(200);
  expect(await response.json()).toMatchObject({
    status: "ok",
    checks: { admin_key: "ok", catalogue: "ok", database: "ok" },
  });
});
