// `npm run config` against the Worker: what is pulled, compared and pushed.
import { spawn } from "node:child_process";
import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { config } from "../../scripts/config.mjs";
import { adminKey, type Gateway, startGateway } from "./harness";
import { admin, createOrg } from "./support";

describe("npm run config", () => {
  let gateway: Gateway;
  let folder: string;
  let org: string;

  beforeAll(async () => {
    gateway = await startGateway();
  });
  afterAll(() => gateway.stop());

  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), "esclusa-config-"));
    ({ org } = await createOrg(gateway, {
      config: { limits: [{ count: "requests", limit: 7, seconds: 60 }] },
    }));
  });
  afterEach(() => rm(folder, { recursive: true, force: true }));

  const file = (name: string) => join(folder, name);
  const arguments_ = (command: string, names: string[], key = adminKey) => {
    const place = ["--url", gateway.baseUrl, "--org", org, "--admin-key", key];
    return [command, ...place, ...names.map((name) => (name.startsWith("-") ? name : file(name)))];
  };

  /** Runs a command; gives the exit code and what was said. */
  async function run(command: string, ...names: string[]) {
    const lines: string[] = [];
    const code = await config(arguments_(command, names), (line) => lines.push(line));
    return { code, said: lines.join("\n") };
  }

  const inForce = async () => (await admin(gateway, "GET", `/admin/v1/orgs/${org}/config`)).body;

  it("pulls a document as JSON or YAML, and finds no changes in it", async () => {
    for (const name of ["org.json", "org.yaml"]) {
      expect(await run("pull", name)).toMatchObject({ code: 0 });
      expect(await run("diff", name)).toEqual({ code: 0, said: "no changes" });
    }
    expect(await readFile(file("org.yaml"), "utf8")).toContain("limits:\n  - count: requests");
    expect(JSON.parse(await readFile(file("org.json"), "utf8"))).toEqual((await inForce()).config);
  });

  it("shows what a push would change, and pushes it", async () => {
    await run("pull", "org.yaml");
    const text = await readFile(file("org.yaml"), "utf8");
    await writeFile(file("org.yaml"), `${text.replace("7", "9")}time_zone: Europe/Rome\n`);
    const changes = '~ limits[0].limit: 7 → 9\n+ time_zone: "Europe/Rome"';
    expect(await run("diff", "org.yaml")).toEqual({ code: 2, said: changes });
    expect((await inForce()).version).toBe(2);
    const pushed = await run("push", "org.yaml", "--note=Rome");
    expect(pushed).toEqual({ code: 0, said: `${changes}\nversion 3 of ${org} is in force` });
    expect(await inForce()).toMatchObject({ version: 3, in_force: 3, note: "Rome" });
    expect(await run("diff", "org.yaml")).toMatchObject({ code: 0 });
    await writeFile(file("org.yaml"), `${text}`);
    expect(await run("push", "org.yaml")).toMatchObject({ code: 0 });
  });

  it("pushes nothing over what somebody else has changed", async () => {
    await run("pull", "mine.json");
    await run("pull", "yours.json");
    await writeFile(file("yours.json"), '{"limits": []}');
    await run("push", "yours.json");
    await writeFile(file("mine.json"), '{"budgets": []}');
    await expect(run("push", "mine.json")).rejects.toThrow(
      'pulled at version "2", the newest is "3"',
    );
    expect((await inForce()).config).toEqual({ limits: [] });
  });

  it("puts the partition map and the cost model in force together", async () => {
    await writeFile(
      file("ai_cost_model.yaml"),
      `models:
  "ollama/house":
    provider: ollama
    kind: chat
    price: { tokens: { input: "0", output: "0" } }
    context_window: 8000
    max_output: 2000
`,
    );
    await writeFile(
      file("ai_partition_map.yaml"),
      `operations:
  quote_price:
    tier: medium
    models: ["ollama/house"]
    output_cap: 300
`,
    );
    const names = ["ai_partition_map.yaml", "ai_cost_model.yaml"];
    const { code, said } = await run("push", ...names);
    expect(code, said).toBe(0);
    const { config, version } = await inForce();
    expect(version).toBe(3);
    expect(config.limits).toHaveLength(1);
    expect(config.operations.quote_price.output_cap).toBe(300);
    expect(Object.keys(config.models)).toEqual(["ollama/house"]);
    await writeFile(
      file("ai_partition_map.yaml"),
      "# Ours\noperations:\n  quote_price:\n    tier: huge\n",
    );
    const refused = await run("push", ...names);
    expect(refused.code).toBe(1);
    expect(refused.said).toContain(
      `problem: ${file("ai_partition_map.yaml")}:4 operations.quote_price.tier`,
    );
    await writeFile(file("other.yaml"), "operations: {}\n");
    await expect(run("push", ...names, "other.yaml")).rejects.toThrow(
      "has the section operations too",
    );
    expect((await inForce()).version).toBe(3);
  });

  it("names file and line of what is wrong, and pushes nothing", async () => {
    await writeFile(file("org.yaml"), "limits: []\ntiers:\n  light:\n    - nobody/knows\n");
    for (const command of ["diff", "push"]) {
      const { code, said } = await run(command, "org.yaml");
      expect(code).toBe(1);
      expect(said).toContain(`problem: ${file("org.yaml")}:4 tiers.light[0]:`);
    }
    await writeFile(file("org.yaml"), "a: &a [1]\nb: *a\n");
    await expect(run("push", "org.yaml")).rejects.toThrow("line 1");
    await writeFile(file("other.yaml"), "c: *a\n");
    await expect(run("push", "org.yaml", "other.yaml")).rejects.toThrow();
    expect((await inForce()).version).toBe(2);
  });

  it("says what is missing", async () => {
    await expect(run("pull", "a.json", "b.json")).rejects.toThrow("one file");
    await expect(run("push", "nowhere.json")).rejects.toThrow("There is no file");
    await expect(run("drop", "a.json")).rejects.toThrow("pull|diff|push");
    const wrong = config(arguments_("pull", ["a.json"], "wrong"), () => {});
    await expect(wrong).rejects.toThrow("401: Send the admin key");
    await expect(config(["pull", "--org", org, "a.json"])).rejects.toThrow("--url");
    await expect(config(["pull", "--colour", "red"])).rejects.toThrow("--colour");
    const nobody = arguments_("pull", ["a.json"]).map((it) => (it === org ? "nobody" : it));
    await expect(config(nobody, () => {})).rejects.toThrow("404");
  });

  it("ends with the exit code of what it found", async () => {
    const script = join(import.meta.dirname, "../../scripts/config.mjs");
    const end = (command: string, name: string) =>
      new Promise((resolve) => {
        const child = spawn(process.execPath, [script, ...arguments_(command, [name])]);
        child.on("close", resolve);
      });
    expect(await end("pull", "org.json")).toBe(0);
    await writeFile(file("org.json"), "{}");
    expect(await end("diff", "org.json")).toBe(2);
    await writeFile(file("org.json"), '{"limits": 5}');
    expect(await end("push", "org.json")).toBe(1);
  });
});
