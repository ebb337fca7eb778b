// Runs a command beside the gateway: `node serve.ts pytest …`. The command finds its address in
// ESCLUSA_URL and two keys: ESCLUSA_KEY of an org without limits, and ESCLUSA_LIMITED_KEY of one that may
// ask once a minute. The gateway stops with the command, and its exit code is the command's.
// `npm run build` must have been run.
import { spawn } from "node:child_process";
import { once } from "node:events";
import process from "node:process";
import { adminKey, type Gateway, startGateway } from "../../edge/harness.ts";

async function main(command: string, args: string[]): Promise<number> {
  // OpenAI's models other than of chat are reached over HTTPS only.
  const gateway = await startGateway({ vars: { OPENAI_API_KEY: "local-openai-key" } });
  try {
    const environment = {
      ESCLUSA_URL: gateway.baseUrl,
      ESCLUSA_KEY: await createKey(gateway, "unlimited", null),
      ESCLUSA_LIMITED_KEY: await createKey(gateway, "limited", 1),
    };
    const env = { ...process.env, ...environment };
    const child = spawn(command, args, { env, stdio: ["ignore", "inherit", "inherit"] });
    const [code] = await once(child, "close");
    return code ?? 1;
  } finally {
    await gateway.stop();
  }
}

/** A key of a new org that no budget stops. */
async function createKey(gateway: Gateway, org: string, perMinute: number | null) {
  await administer(gateway, "POST", "/orgs", { id: org });
  const limits = perMinute ? [{ count: "requests", limit: perMinute, seconds: 60 }] : [];
  // Tests fail models on purpose, and share an isolate.
  const attempts = { circuit_breaker: "off" };
  await administer(gateway, "PUT", `/orgs/${org}/config`, { attempts, limits, budgets: [] });
  const scopes = ["inference"];
  const { key } = await administer(gateway, "POST", `/orgs/${org}/keys`, { scopes });
  return key;
}

async function administer(gateway: Gateway, method: string, path: string, body: object) {
  const response = await gateway.fetch(`/admin/v1${path}`, {
    method,
    headers: { authorization: `Bearer ${adminKey}`, "content-type": "application/json" },
    body: JSON.stringify(body),
  });
  if (!response.ok) {
    throw new Error(`${method} ${path} was answered with ${response.status}`);
  }
  return (await response.json()) as { key: string };
}

const [command = "", ...args] = process.argv.slice(2);
process.exitCode = await main(command, args);
