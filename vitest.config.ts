import { defineConfig } from "vitest/config";

/** `edge` and `clients` need the built Worker; `tools` are the scripts, the configuration and the emulator. */
export default defineConfig({
  test: {
    projects: [
      project("tools", ["test/scripts/**/*.spec.ts", "test/emulator/**/*.spec.ts"]),
      project("edge", ["test/edge/**/*.spec.ts"]),
      project("clients", ["test/clients/**/*.spec.ts"]),
    ],
    // Each file runs workerd: more at once than cores only makes them wait for one another.
    maxWorkers: 2,
  },
});

function project(name: string, include: string[]) {
  return { test: { name, include, testTimeout: 30_000, hookTimeout: 60_000 } };
}
