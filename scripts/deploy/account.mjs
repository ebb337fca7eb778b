/** Which account wrangler is logged in to. */

import { Problem } from "../lib/process.mjs";
import { nodeDirectory } from "../setup/node.mjs";
import { ask, failed, parse, typed } from "./wrangler.mjs";

const whoami = ["whoami", "--json"];

export const account = {
  title: "Cloudflare account",
  explain: () => [typed(whoami)],
  run: findAccount,
};

async function findAccount() {
  const outcome = await ask(whoami);
  const answer = parse(outcome.stdout);
  if (answer?.loggedIn === false) throw new Problem(notLoggedIn());
  if (outcome.code !== 0 || !answer?.loggedIn) throw failed(whoami, outcome);
  const { id, name } = choose(answer.accounts ?? []);
  console.log(`  Logged in: ${name} (${id})`);
}

/** @param {{ id: string, name: string }[]} accounts */
function choose(accounts) {
  const wanted = process.env.CLOUDFLARE_ACCOUNT_ID;
  const [first, ...others] = accounts;
  if (wanted) return accounts.find(({ id }) => id === wanted) ?? { id: wanted, name: "by its id" };
  if (!first) throw new Problem("The login reaches no account. Log in as a member of one.");
  if (others.length === 0) return first;
  const list = accounts.map(({ id, name }) => `  ${id}  ${name}`).join("\n");
  throw new Problem(
    `The login reaches several accounts. Say which: set CLOUDFLARE_ACCOUNT_ID to one of\n${list}`,
  );
}

function notLoggedIn() {
  const node = nodeDirectory();
  const login = `${node ? `PATH="${node}:$PATH" ` : ""}npx wrangler login`;
  return `wrangler is not logged in to a Cloudflare account. Do one of these, then run \`npm run deploy\` again:

- With a browser: ${login}
- Without one: make a token at https://dash.cloudflare.com/profile/api-tokens that may edit Workers
  Scripts, Workers KV Storage, Workers R2 Storage, D1 and Vectorize and read Workers AI and Account
  Settings, and set CLOUDFLARE_API_TOKEN to it.

An account is free: https://dash.cloudflare.com/sign-up`;
}
