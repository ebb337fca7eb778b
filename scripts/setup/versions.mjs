/** The tools that neither Cargo.lock nor package-lock.json pins. */

export const versions = {
  cargoDeny: "0.20.2",
  cargoFuzz: "0.13.2",
  /** Installed only where the host's Node is older than `minimumNode`. */
  node: "24.9.0",
  /** Must equal the `wasm-bindgen` of Cargo.toml: the tool reads only its own version's output. */
  wasmBindgen: "0.2.129",
  workerBuild: "0.8.7",
};

/** What wrangler needs. */
export const minimumNode = [22, 12];

export const wasmTarget = "wasm32-unknown-unknown";
