import { defineConfig } from "vitest/config";

/** Holds every answer of OpenAI's wire against OpenAI's own description. */
const validation = "test/support/validate_answers.ts";

/** `edge` and `clients` need the built Worker; `tools` are the scripts, the configuration and the emulator. */
export default defineConfig({
  test: {
    projects: [
      project("tools", [
        "test/scripts/**/*.spec.ts",
        "test/emulator/**/*.spec.ts",
        "test/support/**/*.spec.ts",
      ]),
      project("edge", ["test/edge/**/*.spec.ts"], [validation]),
      project("clients", ["test/clients/**/*.spec.ts"], [validation]),
    ],
    // Each file runs workerd: more at once than cores only makes them wait for one another.
    maxWorkers: 2,
  },
});

function project(name: string, include: string[], setupFiles: string[] = []) {
  return { test: { name, include, setupFiles, testTimeout: 30_000, hookTimeout: 60_000 } };
}
