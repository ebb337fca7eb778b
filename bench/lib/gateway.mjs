/** Prepares the gateway through its own interface: an org, a key, documents. */

import { readDocuments } from "../../scripts/demo.mjs";

/** Limits that are enforced and never reached. */
const config = {
  limits: [{ count: "requests", limit: 1_000_000, seconds: 60 }],
  budgets: [{ usd: "1000000.00", period: "day" }],
};
const perUser = { per: "user", count: "requests", limit: 1_000_000, seconds: 60 };

/** The orgs that scenarios may name. */
const orgs = {
  strict: config,
  leased: { ...config, admission: "leased" },
  "leased-users": { ...config, admission: "leased", limits: [...config.limits, perUser] },
};

/** The keys, by org, that may ask whatever the scenarios ask. */
export async function prepareGateway(url, adminKey) {
  const keys = new Map();
  for (const [org, config] of Object.entries(orgs)) {
    keys.set(org, await prepareOrg(url, adminKey, org, config));
  }
  return keys;
}

async function prepareOrg(url, adminKey, org, config) {
  const admin = (method, path, body) => call(url, adminKey, method, `/admin/v1/orgs${path}`, body);
  await admin("POST", "", { id: org });
  await admin("PUT", `/${org}/config`, config);
  const scopes = ["inference", "knowledge"];
  const { key } = await admin("POST", `/${org}/keys`, { name: "benchmark", scopes });
  for (const document of await readDocuments()) {
    await call(url, key, "POST", "/v1/knowledge/documents", document);
  }
  return key;
}

async function call(url, key, method, path, body) {
  const response = await fetch(new URL(path, url), {
    method,
    headers: { authorization: `Bearer ${key}`, "content-type": "application/json" },
    body: JSON.stringify(body),
    signal: AbortSignal.timeout(30_000),
  });
  if (!response.ok) {
    throw new Error(`${method} ${path}: ${response.status}: ${await response.text()}`);
  }
  return response.json();
}
