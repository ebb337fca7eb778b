// `npm run deploy` against an account that is a file: test/scripts/deploy/wrangler.mjs.
import { spawn } from "node:child_process";
import { cp, mkdir, mkdtemp, readFile, rm, symlink, writeFile } from "node:fs/promises";
import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { delimiter, join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { parse } from "smol-toml";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { waitUntilHealthy } from "../../scripts/deploy/health.mjs";
import { binding } from "../../scripts/deploy/schema.mjs";
import { index } from "../../scripts/deploy/vectors.mjs";
import { address, secretName } from "../../scripts/deploy/worker.mjs";

const root = join(import.meta.dirname, "../..");
const fakes = join(import.meta.dirname, "deploy");
const keyLine = /ESCLUSA_ADMIN_KEY=([0-9a-f]{64})\n/;

interface Account {
  loggedIn: boolean;
  accounts: { id: string; name: string }[];
  indexes: { name: string; config: { dimensions: number; metric: string } }[];
  metadata: { propertyName: string; indexType: string }[];
  secrets?: Record<string, string>;
  targets: string[];
  /** How the command begins that fails. */
  failing?: string;
}

let healthStatus: number;
let server: Server;
let url: string;
let folder: string;
let fresh: Account;

beforeAll(async () => {
  server = createServer((request, response) => {
    response.statusCode = request.url === "/health" ? healthStatus : 404;
    response.end(JSON.stringify({ status: "fake" }));
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
});

afterAll(() => server.close());

// A project of its own, so that a test can add migrations.
beforeEach(async () => {
  healthStatus = 200;
  folder = await mkdtemp(join(tmpdir(), "esclusa-deploy-"));
  await cp(join(root, "scripts"), join(folder, "project/scripts"), { recursive: true });
  await cp(join(root, "schema.sql"), join(folder, "project/schema.sql"));
  await mkdir(join(folder, "bin"));
  await symlink(join(fakes, "npm.mjs"), join(folder, "bin/npm"));
  fresh = {
    loggedIn: true,
    accounts: [{ id: "a1", name: "Acme" }],
    indexes: [],
    metadata: [],
    targets: [url],
  };
});

afterEach(() => rm(folder, { recursive: true }));

describe("npm run deploy", () => {
  it("explains its steps in order without an account, tools or a build", async () => {
    const { code, output } = await deploy(undefined, "--dry-run");
    expect(code).toBe(0);
    const expected = [
      "npm run --silent setup",
      "wrangler whoami --json",
      "npm run --silent build",
      "wrangler vectorize create esclusa --dimensions=1024 --metric=cosine",
      "wrangler vectorize create-metadata-index esclusa --propertyName=collection --type=string",
      "wrangler vectorize create-metadata-index esclusa --propertyName=document --type=string",
      "wrangler secret list --format=json",
      "wrangler deploy --secrets-file FILE",
      "wrangler d1 execute DB --remote --yes --file FILE   (FILE: schema.sql",
      "GET https://ADDRESS/health",
    ];
    const places = expected.map((text) => output.indexOf(text));
    expect(places).not.toContain(-1);
    expect(places).toEqual(places.toSorted((left, right) => left - right));
    expect(await calls()).toEqual([]);
  });

  it("refuses an option it does not know, before it does anything", async () => {
    const { code, output } = await deploy(fresh, "--dryrun");
    expect(code).toBe(1);
    expect(output).toContain("`--dryrun` is not an option");
    expect(await calls()).toEqual([]);
  });

  it("stops without a login and says how to log in", async () => {
    const { code, output } = await deploy({ ...fresh, loggedIn: false });
    expect(code).toBe(1);
    expect(output).toContain("npx wrangler login");
    expect(output).toContain("CLOUDFLARE_API_TOKEN");
    expect(await calls()).toEqual(["npm run --silent setup", "wrangler whoami --json"]);
  });

  it("asks which of several accounts", async () => {
    const accounts = [...fresh.accounts, { id: "b2", name: "Bravo" }];
    const { code, output } = await deploy({ ...fresh, accounts });
    expect(code).toBe(1);
    expect(output).toContain("set CLOUDFLARE_ACCOUNT_ID to one of\n  a1  Acme\n  b2  Bravo");
  });

  it("does everything in order the first time", async () => {
    await addMigration("0002_second.sql", "ALTER TABLE first ADD COLUMN more TEXT;");
    await addMigration("0001_first.sql", "CREATE TABLE first (id TEXT);");
    const { code, output } = await deploy(fresh);
    expect(output).toContain(`Esclusa is deployed at ${url}`);
    expect(code).toBe(0);
    expect(await calls()).toEqual([
      "npm run --silent setup",
      "wrangler whoami --json",
      "npm run --silent build",
      "wrangler vectorize list --json",
      "wrangler vectorize create esclusa --dimensions=1024 --metric=cosine",
      "wrangler vectorize list-metadata-index esclusa --json",
      "wrangler vectorize create-metadata-index esclusa --propertyName=collection --type=string",
      "wrangler vectorize create-metadata-index esclusa --propertyName=document --type=string",
      "wrangler secret list --format=json",
      "wrangler deploy --secrets-file secrets.json",
      "wrangler d1 execute DB --remote --yes --json --command …",
      "wrangler d1 execute DB --remote --yes --file schema.sql",
      "wrangler d1 execute DB --remote --yes --file 0001_first.sql",
      "wrangler d1 execute DB --remote --yes --file 0002_second.sql",
    ]);
    expect(applied()).toEqual(["schema.sql", "0001_first.sql", "0002_second.sql"]);
    expect(tables()).toEqual(expect.arrayContaining(["orgs", "api_keys", "audit", "first"]));
    const shown = keyLine.exec(output)?.[1];
    expect((await account()).secrets).toEqual({ ESCLUSA_ADMIN_KEY: shown });
  });

  it("creates nothing again and leaves the key alone the second time", async () => {
    await deploy(fresh);
    const before = await account();
    await rm(join(folder, "calls.ndjson"));
    const { code, output } = await deploy(before);
    expect(code).toBe(0);
    expect(await account()).toEqual(before);
    expect(output).not.toMatch(keyLine);
    expect(output).toContain("The index esclusa is there");
    expect(output).toContain("The metadata index on collection is there");
    expect(output).toContain("The secret ESCLUSA_ADMIN_KEY is set already");
    expect(output).toContain("schema.sql was applied already");
    const made = (await calls()).filter((call) => /create|--file|secrets-file/.test(call));
    expect(made).toEqual([]);
    expect(await calls()).toContain("wrangler deploy");
  });

  it("applies only what is new when a migration has come", async () => {
    await deploy(fresh);
    await addMigration("0001_first.sql", "CREATE TABLE first (id TEXT);");
    const { output } = await deploy(await account());
    expect(output).toContain("schema.sql was applied already");
    expect(output).toContain("Applied 0001_first.sql");
    expect(applied()).toEqual(["schema.sql", "0001_first.sql"]);
  });

  it("does not record a migration that fails", async () => {
    await addMigration(
      "0001_wrong.sql",
      "CREATE TABLE half (id TEXT); INSERT INTO nowhere VALUES (1);",
    );
    const { code } = await deploy(fresh);
    expect(code).toBe(1);
    expect(applied()).toEqual(["schema.sql"]);
    expect(tables()).not.toContain("half");
  });

  it("stops at an index of other dimensions and says what to do", async () => {
    const config = { dimensions: 768, metric: "cosine" };
    const { code, output } = await deploy({ ...fresh, indexes: [{ name: "esclusa", config }] });
    expect(code).toBe(1);
    expect(output).toContain("with 768 dimensions and the metric cosine");
    expect(output).toContain("npx wrangler vectorize delete esclusa");
    expect(await calls()).not.toContainEqual(expect.stringContaining("wrangler deploy"));
  });

  it("stops at a metadata index of another type", async () => {
    const metadata = [{ propertyName: "document", indexType: "Number" }];
    const { code, output } = await deploy({ ...fresh, metadata });
    expect(code).toBe(1);
    expect(output).toContain("vectorize delete-metadata-index esclusa --propertyName=document");
  });

  it("says where it stopped and how to go on, and goes on from there", async () => {
    const stopped = await deploy({ ...fresh, failing: "d1 execute" });
    expect(stopped.code).toBe(1);
    expect(stopped.output).toContain("the fake account fails d1 execute");
    expect(stopped.output).toContain("Stopped at step 7 of 8 (Database schema)");
    expect(stopped.output).toContain("run `npm run deploy` again: it goes on from here");
    const { failing: _, ...repaired } = await account();
    const resumed = await deploy(repaired);
    expect(resumed.code).toBe(0);
    expect(resumed.output).not.toMatch(keyLine);
    expect(applied()).toEqual(["schema.sql"]);
  });

  it("does not take an unreadable list of secrets for a Worker that does not exist", async () => {
    const { code, output } = await deploy({ ...fresh, failing: "secret list" });
    expect(code).toBe(1);
    expect(output).toContain("`wrangler secret list --format=json` failed");
    expect((await account()).secrets).toBeUndefined();
  });

  it("shows the new key also where the deployment then fails", async () => {
    const { code, output } = await deploy({ ...fresh, failing: "deploy" });
    expect(code).toBe(1);
    expect(output).toMatch(keyLine);
  });
});

describe("the parts of a deployment", () => {
  it("agree with wrangler.toml", async () => {
    const config = parse(await readFile(join(root, "wrangler.toml"), "utf8"));
    expect(config.vectorize).toEqual([{ binding: "VECTORS", index_name: index.name }]);
    expect(config.d1_databases).toEqual([expect.objectContaining({ binding })]);
    expect(config.secrets).toEqual({ required: [secretName] });
  });

  it.each([
    ["https://esclusa.acme.workers.dev", "https://esclusa.acme.workers.dev"],
    ["ai.example.com (custom domain)", "https://ai.example.com"],
    ["ai.example.com/* (zone name: example.com)", "https://ai.example.com"],
  ])("find the address in %s", (target, expected) => {
    expect(address(JSON.stringify({ type: "deploy", targets: [target] }))).toBe(expected);
  });

  it("ask for an address where there is none", () => {
    const report = JSON.stringify({ type: "deploy", targets: ["*.example.com/*", "schedule: 1"] });
    expect(() => address(report)).toThrow("workers_dev = true");
  });

  it("give up on a Worker that stays unhealthy, with its last answer", async () => {
    healthStatus = 503;
    const waiting = waitUntilHealthy(url, { most: 2, pause: 1 });
    await expect(waiting).rejects.toThrow(`in 2 attempts. The last one: 503 {"status":"fake"}`);
  });
});

/** Runs the script; `account` is what wrangler finds, none where it must not be asked. */
function deploy(state: Account | undefined, ...args: string[]) {
  return new Promise<{ code: number | null; output: string }>((resolve, reject) => {
    const file = join(folder, "account.json");
    const { CLOUDFLARE_ACCOUNT_ID: _, ...inherited } = process.env;
    const env = {
      ...inherited,
      FAKE_ACCOUNT: file,
      PATH: [join(folder, "bin"), process.env.PATH].join(delimiter),
      WRANGLER_BIN: join(fakes, "wrangler.mjs"),
    };
    const start = async () => {
      if (state) await writeFile(file, JSON.stringify(state));
      const script = join(folder, "project/scripts/deploy.mjs");
      const child = spawn(process.execPath, [script, ...args], { env, timeout: 25_000 });
      let output = "";
      child.stdout.setEncoding("utf8").on("data", (text) => (output += text));
      child.stderr.setEncoding("utf8").on("data", (text) => (output += text));
      child.on("error", reject);
      child.on("close", (code) => resolve({ code, output }));
    };
    start().catch(reject);
  });
}

async function account(): Promise<Account> {
  return JSON.parse(await readFile(join(folder, "account.json"), "utf8"));
}

/** The commands that were run, in order. */
async function calls(): Promise<string[]> {
  const log = await readFile(join(folder, "calls.ndjson"), "utf8").catch(() => "");
  const lines = log.split("\n").filter(Boolean);
  return lines.map((line) => shortened((JSON.parse(line) as string[]).join(" ")));
}

/** Without the folders of temporary files and the text of SQL. */
function shortened(call: string) {
  return call.replace(/--command .*/, "--command …").replace(/(--\S*file) \S*\//, "$1 ");
}

async function addMigration(name: string, sql: string) {
  await mkdir(join(folder, "project/migrations"), { recursive: true });
  await writeFile(join(folder, "project/migrations", name), sql);
}

function applied() {
  return names("SELECT name FROM d1_migrations ORDER BY id");
}

function tables() {
  return names("SELECT name FROM sqlite_schema WHERE type = 'table'");
}

function names(sql: string) {
  const database = new DatabaseSync(join(folder, "d1.sqlite"));
  const rows = database.prepare(sql).all();
  database.close();
  return rows.map((row) => row.name);
}
