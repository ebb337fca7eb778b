import type { VectorIndex } from "./vector_index.js";

declare global {
  /** The emulator's bindings; see wrangler.toml. */
  interface Env {
    VECTOR_INDEX: DurableObjectNamespace<VectorIndex>;
    VECTOR_DIMENSIONS: number;
    VECTOR_METADATA_INDEXES: string;
  }
}
