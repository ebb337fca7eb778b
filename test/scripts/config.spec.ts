// `npm run config` against an administration that is imitated: what reaches it, and what does not.
import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { config } from "../../scripts/config.mjs";

describe("npm run config", () => {
  let folder: string;
  let server: Server;
  let changes: { method?: string; ifMatch?: string }[];

  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), "esclusa-config-"));
    changes = [];
    server = createServer((request, response) => {
      if (request.method === "PUT" || request.method === "PATCH") {
        changes.push({ method: request.method, ifMatch: request.headers["if-match"] });
      }
      const validation = { valid: true, problems: [], changes: [] };
      // As what compresses an answer on its way makes of "7".
      response.setHeader("etag", 'W/"7"');
      response.setHeader("content-type", "application/json");
      response.end(JSON.stringify({ version: 7, config: {}, warnings: [], ...validation }));
    });
    await new Promise<void>((resolve) => {
      server.listen(0, "127.0.0.1", resolve);
    });
  });
  afterEach(async () => {
    server.close();
    await rm(folder, { recursive: true, force: true });
  });

  const file = () => join(folder, "org.json");
  const run = (command: string, ...options: string[]) => {
    const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
    const place = ["--url", url, "--org", "acme", "--admin-key", "admin"];
    return config([command, ...place, ...options, file()], () => {});
  };

  it("pushes what it pulled through a proxy that compresses", async () => {
    await run("pull");
    expect((await readFile(`${file()}.etag`, "utf8")).trim()).toBe('"7"');
    expect(await run("push")).toBe(0);
    expect(changes).toEqual([{ method: "PUT", ifMatch: '"7"' }]);
  });

  it("replaces a document by a file that was not pulled only where that is said", async () => {
    await writeFile(file(), '{"limits": []}');
    await expect(run("push")).rejects.toThrow("--merge");
    expect(changes).toEqual([]);
    expect(await run("push", "--merge")).toBe(0);
    expect(await run("push", "--replace")).toBe(0);
    expect(changes.map(({ method }) => method)).toEqual(["PATCH", "PUT"]);
    await expect(run("push", "--merge", "--replace")).rejects.toThrow("either");
  });
});
