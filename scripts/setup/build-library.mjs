/** Compiles the standard library for WebAssembly with the installed stable rustc and puts it into the sysroot. */

import { existsSync } from "node:fs";
import { copyFile, mkdir, mkdtemp, readdir, rm, symlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { run } from "../lib/process.mjs";
import { placeDirectory } from "./place.mjs";
import { wasmTarget } from "./versions.mjs";

/** @typedef {import("./wasm-library.mjs").Toolchain} Toolchain */

/** Says for which rustc we built the library. */
export const stampName = ".built-for-rustc";

const emptyCrate = "esclusa_empty";

/**
 * Builds from `source` (a folder that holds `library/`) into the sysroot's folder for the target.
 * @param {Toolchain} toolchain
 * @param {string} source
 */
export async function buildLibrary(toolchain, source) {
  const workspace = await mkdtemp(join(tmpdir(), "esclusa-library-"));
  try {
    await writeEmptyCrate(workspace);
    await withSourceLinked(toolchain, source, () => compile(toolchain, workspace));
    await placeLibrary(toolchain, join(workspace, "target", wasmTarget, "release", "deps"));
  } finally {
    await rm(workspace, { recursive: true, force: true });
  }
}

/** @param {string} workspace */
async function writeEmptyCrate(workspace) {
  await mkdir(join(workspace, "src"));
  await writeFile(join(workspace, "src", "lib.rs"), "");
  await writeFile(
    join(workspace, "Cargo.toml"),
    `[package]\nname = "${emptyCrate}"\nversion = "0.0.0"\nedition = "2021"\n\n[workspace]\n`,
  );
}

/**
 * cargo looks for the library's source in the sysroot only. The link goes again: the place is rustup's.
 * @param {Toolchain} toolchain
 * @param {string} source
 * @param {() => Promise<void>} work
 */
async function withSourceLinked(toolchain, source, work) {
  const link = join(toolchain.sysroot, "lib", "rustlib", "src", "rust");
  if (existsSync(join(link, "library"))) return work();
  await mkdir(dirname(link), { recursive: true });
  await rm(link, { force: true });
  await symlink(source, link);
  try {
    await work();
  } finally {
    await rm(link, { force: true });
  }
}

/** @param {Toolchain} toolchain @param {string} workspace */
function compile(toolchain, workspace) {
  console.log("      Compiling the standard library (about 1 min)");
  return run(
    "cargo",
    ["build", "--release", "--target", wasmTarget, "-Zbuild-std=std,panic_abort"],
    {
      cwd: workspace,
      env: {
        // The toolchain of the project, also from a folder where rustup's overrides do not reach.
        PATH: `${join(toolchain.sysroot, "bin")}:${process.env.PATH}`,
        CARGO_TARGET_DIR: join(workspace, "target"),
        // A stable compiler accepts -Zbuild-std for its own library with this.
        RUSTC_BOOTSTRAP: "1",
        // Without bitcode a build with `lto` fails.
        RUSTFLAGS: "-Cembed-bitcode=yes",
      },
    },
  );
}

/** @param {Toolchain} toolchain @param {string} compiled where cargo left the libraries */
async function placeLibrary(toolchain, compiled) {
  const destination = join(toolchain.sysroot, "lib", "rustlib", wasmTarget);
  const rlibs = (await readdir(compiled)).filter(
    (name) => name.endsWith(".rlib") && !name.startsWith(`lib${emptyCrate}`),
  );
  await placeDirectory(destination, async (partial) => {
    await mkdir(join(partial, "lib"));
    for (const name of rlibs) await copyFile(join(compiled, name), join(partial, "lib", name));
    await writeFile(join(partial, "lib", stampName), toolchain.commit);
  });
}
