/** The environment in which the project's tools run. */

import { delimiter } from "node:path";
import { fromRoot } from "../lib/project.mjs";
import { nodeDirectory } from "./node.mjs";
import {
  binaryDirectory,
  binaryPath,
  cargoDeny,
  cargoFuzz,
  wasmBindgen,
  workerBuild,
} from "./rust-tools.mjs";

/** Variables to add to the process's own for every child: tools by name on PATH, and where worker-build finds its helpers. */
export function toolEnvironment() {
  const folders = [
    nodeDirectory(),
    fromRoot("node_modules", ".bin"),
    binaryDirectory(workerBuild),
    binaryDirectory(cargoDeny),
    binaryDirectory(cargoFuzz),
    process.env.PATH,
  ];
  return {
    PATH: folders.filter(Boolean).join(delimiter),
    ESBUILD_BIN: fromRoot("node_modules", "esbuild", "bin", "esbuild"),
    WASM_BINDGEN_BIN: binaryPath(wasmBindgen),
    WASM_OPT_BIN: fromRoot("node_modules", "binaryen", "bin", "wasm-opt"),
    WRANGLER_SEND_METRICS: "false",
  };
}
