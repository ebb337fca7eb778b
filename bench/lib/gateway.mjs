/** Prepares the gateway through its own interface: an org, a key, documents. */

import { readDocuments } from "../../scripts/demo.mjs";

const org = "benchmark";

/** Limits that are enforced and never reached. */
const config = {
  limits: [{ count: "requests", limit: 1_000_000, seconds: 60 }],
  budgets: [{ usd: "1000000.00", period: "day" }],
};

/** Answers the key of an org that may ask whatever the scenarios ask. */
export async function prepareGateway(url, adminKey) {
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
