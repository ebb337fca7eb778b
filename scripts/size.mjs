/** Prints how big the built Worker is: what Cloudflare counts against a plan's limit is the compressed size. */

import { readFileSync } from "node:fs";
import { join } from "node:path";
import { brotliCompressSync, gzipSync } from "node:zlib";
import { build } from "./build.mjs";
import { runMain } from "./lib/main.mjs";
import { buildDirectory } from "./lib/project.mjs";
import { setup } from "./setup.mjs";

const parts = ["index_bg.wasm", "index.js"];

async function main() {
  await setup();
  await build();
  console.log(
    `${"".padEnd(14)}${["raw", "gzip", "brotli"].map((name) => name.padStart(12)).join("")}`,
  );
  for (const part of parts) {
    const content = readFileSync(join(buildDirectory, part));
    const sizes = [content, gzipSync(content, { level: 9 }), brotliCompressSync(content)];
    console.log(part.padEnd(14) + sizes.map(({ length }) => kibibytes(length)).join(""));
  }
}

/** @param {number} bytes */
function kibibytes(bytes) {
  return `${(bytes / 1024).toFixed(1)} KiB`.padStart(12);
}

await runMain(main);
