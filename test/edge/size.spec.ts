import { readFileSync } from "node:fs";
import { join } from "node:path";
import { gzipSync } from "node:zlib";
import { expect, it } from "vitest";

// Half of what Cloudflare takes of a Worker on its free plan, docs/ARCHITECTURE.md says why not less.
it("the Wasm stays under 1.5 MiB compressed", () => {
  const wasm = readFileSync(join(import.meta.dirname, "../../build/index_bg.wasm"));
  expect(gzipSync(wasm, { level: 9 }).length).toBeLessThan(1.5 * 1024 * 1024);
});
