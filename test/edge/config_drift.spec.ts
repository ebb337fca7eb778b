// wrangler.dev.toml must be wrangler.toml but for the stand-ins that a machine without an account needs.
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { parse } from "smol-toml";
import { describe, expect, it } from "vitest";

// biome-ignore lint/suspicious/noExplicitAny: a configuration is compared, not typed
type Config = Record<string, any>;

const root = join(import.meta.dirname, "../..");
const read = (name: string): Config => parse(readFileSync(join(root, name), "utf8"));

/** Secrets in production, plain variables here. */
const localSecrets: Config = { ESCLUSA_ADMIN_KEY: "local-admin-key" };

/** Providers that the AI binding does not reach: secrets that production may have or not. */
const localProviders: Config = {
  ...Object.fromEntries(
    [
      "azure-openai",
      "cerebras",
      "deepseek",
      "fireworks",
      "groq",
      "huggingface",
      "mistral",
      "openrouter",
      "together",
      "xai",
    ].map((slug) => [`${slug.toUpperCase().replaceAll("-", "_")}_API_KEY`, `local-${slug}-key`]),
  ),
  AZURE_OPENAI_BASE_URL: "https://local.openai.azure.com",
};

/** The differences that are allowed, and required: what the local file must hold instead. */
function localTwin({ ai, vectorize, secrets, ...common }: Config): Config {
  const variables = Object.fromEntries(
    secrets.required.map((name: string) => [name, localSecrets[name] ?? "unknown here"]),
  );
  const standIn = (binding: string) => ({ binding, service: "emulator" });
  return {
    ...common,
    services: [
      ...[ai, ...vectorize].map(({ binding }: { binding: string }) => standIn(binding)),
      standIn("PROVIDERS"),
    ],
    vars: { ...common.vars, ...variables, ...localProviders },
    d1_databases: common.d1_databases.map((database: Config) => ({
      ...database,
      database_id: "esclusa-local",
    })),
    kv_namespaces: common.kv_namespaces.map((namespace: Config) => ({
      ...namespace,
      id: "esclusa-local",
    })),
    r2_buckets: common.r2_buckets.map((bucket: Config) => ({
      ...bucket,
      bucket_name: "esclusa-local",
    })),
  };
}

describe("wrangler.dev.toml", () => {
  it("is wrangler.toml but for the stand-ins", () => {
    expect(read("wrangler.dev.toml")).toEqual(localTwin(read("wrangler.toml")));
  });
});

describe("the comparison", () => {
  type Change = (config: Config) => void;
  const inProduction: [string, Change][] = [
    ["another name", (config) => Object.assign(config, { name: "other" })],
    [
      "a later compatibility date",
      (config) => Object.assign(config, { compatibility_date: "2099-01-01" }),
    ],
    [
      "a compatibility flag",
      (config) => Object.assign(config, { compatibility_flags: ["nodejs_compat"] }),
    ],
    ["another build command", (config) => Object.assign(config.build, { command: "make" })],
    ["another secret", (config) => config.secrets.required.push("OTHER")],
    ["a variable", (config) => Object.assign(config, { vars: { OTHER: "1" } })],
    ["another binding for the models", (config) => Object.assign(config.ai, { binding: "MODELS" })],
    ["a second index", (config) => config.vectorize.push({ binding: "MORE", index_name: "more" })],
    ["a second database", (config) => config.d1_databases.push({ binding: "MORE" })],
    [
      "another binding for the cache",
      (config) => Object.assign(config.kv_namespaces[0], { binding: "KV" }),
    ],
    [
      "another governor class",
      (config) => Object.assign(config.durable_objects.bindings[0], { class_name: "Other" }),
    ],
    [
      "another migration",
      (config) => config.migrations.push({ tag: "v2", new_sqlite_classes: ["Other"] }),
    ],
    [
      "a queue",
      (config) =>
        Object.assign(config, { queues: { producers: [{ binding: "JOBS", queue: "jobs" }] } }),
    ],
    ["no observability", (config) => delete config.observability],
  ];
  const onThisMachine: [string, Change][] = [
    [
      "another administrator key",
      (config) => Object.assign(config.vars, { ESCLUSA_ADMIN_KEY: "x" }),
    ],
    [
      "a provider's real address",
      (config) => Object.assign(config.vars, { AZURE_OPENAI_BASE_URL: "https://acme.example" }),
    ],
    ["a provider's key missing", (config) => delete config.vars.GROQ_API_KEY],
    ["a further variable", (config) => Object.assign(config.vars, { DEBUG: "1" })],
    ["a real model binding", (config) => Object.assign(config, { ai: { binding: "AI" } })],
    [
      "a further service",
      (config) => config.services.push({ binding: "MORE", service: "emulator" }),
    ],
    ["a stand-in missing", (config) => config.services.pop()],
    ["another stand-in", (config) => Object.assign(config.services[0], { service: "other" })],
    ["no governor", (config) => delete config.durable_objects],
    [
      "the id of a real database",
      (config) => Object.assign(config.d1_databases[0], { database_id: "0f3a" }),
    ],
    ["an environment", (config) => Object.assign(config, { env: { staging: {} } })],
  ];

  it.each(inProduction)("sees %s in production only", (_, change) => {
    const production = read("wrangler.toml");
    change(production);
    expect(read("wrangler.dev.toml")).not.toEqual(localTwin(production));
  });

  it.each(onThisMachine)("sees %s on this machine only", (_, change) => {
    const local = read("wrangler.dev.toml");
    change(local);
    expect(local).not.toEqual(localTwin(read("wrangler.toml")));
  });
});
