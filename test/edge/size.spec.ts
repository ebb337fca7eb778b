import { readFileSync } from "node:fs";
import { join } from "node:path";
import { gzipSync } from "node:zlib";
import { expect, it } from "vitest";

// Cloudflare takes 3 MiB of a Worker on its free plan, docs/ARCHITECTURE.md says what takes the room.
it("the Wasm stays under 1.75 MiB compressed", () => {
  const wasm = readFileSync(join(import.meta.dirname, "../../build/index_bg.wasm"));
  expect(gzipSync(wasm, { level: 9 }).length).toBeLessThan(1.75 * 1024 * 1024);
});
