// Who may call: any key but none, an obviously wrong one, and the gateway's own.
import { ServiceError } from "../errors.js";

/** @import { Provider } from "./hosts.js" */

/** Keys that every provider refuses. `esk_` is the gateway's own, which must never leave it. */
const WRONG = /^esk_|bad|invalid|revoked|wrong/iu;

const DENIED =
  "Access denied due to invalid subscription key or wrong API endpoint. Make sure to provide a " +
  "valid key for an active subscription and use a correct regional API endpoint for your resource.";

/**
 * @type {Record<string, { missing: string, wrong: (key: string) => string, status?: number, code?: string }>}
 */
const WORDS = {
  openai: {
    missing:
      "You didn't provide an API key. You need to provide your API key in an Authorization header " +
      "using Bearer auth (i.e. Authorization: Bearer YOUR_KEY).",
    wrong: (key) =>
      `Incorrect API key provided: ${masked(key)}. You can find your API key at ` +
      "https://platform.openai.com/account/api-keys.",
  },
  azure: { missing: DENIED, wrong: () => DENIED },
  anthropic: { missing: "x-api-key header is required", wrong: () => "invalid x-api-key" },
  google: {
    missing:
      "Method doesn't allow unregistered callers (callers without established identity). Please " +
      "use API Key or other form of API consumer identity to call this API.",
    wrong: () => "API key not valid. Please pass a valid API key.",
  },
};

/**
 * @param {Provider} provider
 * @param {URL} url
 * @param {Headers} headers
 * @throws {ServiceError} no key, or a wrong one
 */
export function authenticate(provider, url, headers) {
  const key = keyOf(provider, url, headers);
  const words = WORDS[provider.errors] ?? WORDS.openai;
  const google = provider.errors === "google";
  if (key === "") throw new ServiceError(google ? 403 : 401, undefined, words?.missing ?? "");
  if (!WRONG.test(key)) return;
  throw new ServiceError(google ? 400 : 401, undefined, words?.wrong(key) ?? "");
}

/** @param {Provider} provider @param {URL} url @param {Headers} headers */
function keyOf({ key }, url, headers) {
  const bearer = /^Bearer (.+)$/u.exec(headers.get("authorization") ?? "")?.[1] ?? "";
  if (key === "bearer") return bearer;
  const inQuery = key === "x-goog-api-key" ? url.searchParams.get("key") : null;
  return headers.get(key) ?? inQuery ?? bearer;
}

const SECRET = /authorization|api-key|cookie|token/iu;

/** Headers as the log keeps them: keys shortened, but told apart. @param {Headers} headers */
export function maskedHeaders(headers) {
  return Object.fromEntries(
    [...headers].map(([name, value]) => [name, SECRET.test(name) ? maskedValue(value) : value]),
  );
}

/** @param {string} value */
function maskedValue(value) {
  return value.startsWith("Bearer ") ? `Bearer ${masked(value.slice(7))}` : masked(value);
}

/** `sk-test-…cret`. @param {string} key */
function masked(key) {
  return key.length <= 12 ? `${key.slice(0, 3)}…` : `${key.slice(0, 8)}…${key.slice(-4)}`;
}
