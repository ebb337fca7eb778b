/** Builds the bare proxy in Rust the way the gateway is built; nothing where nothing changed. */

import { createHash } from "node:crypto";
import { existsSync, readFileSync } from "node:fs";
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { Problem, run } from "../../scripts/lib/process.mjs";
import { fromRoot } from "../../scripts/lib/project.mjs";
import { toolEnvironment } from "../../scripts/setup/environment.mjs";
import { versions } from "../../scripts/setup/versions.mjs";

const crate = fromRoot("bench", "bare");
const output = join(crate, "build", "index_bg.wasm");
const stamp = join(crate, "build", "esclusa.stamp");
const inputs = ["Cargo.toml", "Cargo.lock", "src/lib.rs"].map((path) => join(crate, path));

/** Of whatever is platform here, the gateway has the same version, or the comparison means nothing. */
const shared = ["js-sys", "wasm-bindgen", "wasm-bindgen-futures", "web-sys", "worker"];

export async function buildBare() {
  requireSameVersions();
  const digest = inputDigest();
  if (existsSync(output) && existsSync(stamp) && readFileSync(stamp, "utf8") === digest) return;
  console.log("Building the bare proxy in Rust (about 1 min the first time)");
  await run("worker-build", ["--release"], {
    cwd: crate,
    env: {
      ...toolEnvironment(),
      RUN_TO_COMPLETION: "1",
      CARGO_TARGET_DIR: fromRoot("target", "bench"),
    },
  });
  await writeFile(stamp, digest);
}

function inputDigest() {
  const hash = createHash("sha256").update(JSON.stringify(versions));
  for (const path of inputs) hash.update(readFileSync(path));
  return hash.digest("hex");
}

function requireSameVersions() {
  const [ours, theirs] = [join(crate, "Cargo.lock"), fromRoot("Cargo.lock")].map(lockedVersions);
  const different = shared.filter((name) => ours.get(name) !== theirs.get(name));
  if (different.length === 0) return;
  const list = different.map((name) => `${name} ${theirs.get(name)}`).join(", ");
  throw new Problem(`bench/bare must use the gateway's ${list}: \`cargo update --precise\` there.`);
}

/** @param {string} path */
function lockedVersions(path) {
  const packages = readFileSync(path, "utf8").matchAll(/^name = "(.+)"\nversion = "(.+)"$/gmu);
  return new Map([...packages].map(([, name, version]) => [name, version]));
}
