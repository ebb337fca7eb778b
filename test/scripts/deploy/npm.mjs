#!/usr/bin/env node
// Stands in for npm: setting up and building have tests of their own.
import { appendFileSync } from "node:fs";
import { dirname, join } from "node:path";

const calls = join(dirname(process.env.FAKE_ACCOUNT ?? ""), "calls.ndjson");
appendFileSync(calls, `${JSON.stringify(["npm", ...process.argv.slice(2)])}\n`);
