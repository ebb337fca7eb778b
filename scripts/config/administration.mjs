/** The administration of a running Esclusa, as far as it is about configuration. */

import { Problem } from "../lib/process.mjs";

const milliseconds = 60_000;

/**
 * @typedef {object} Newest
 * @property {number} version
 * @property {string} etag
 * @property {unknown} config
 * @property {{ path: string, reason: string }[]} warnings
 *
 * @typedef {object} Validation
 * @property {boolean} valid
 * @property {number} version the newest, with which the changes are compared
 * @property {{ path: string, line?: number, reason: string }[]} problems
 * @property {{ path: string, reason: string }[]} warnings
 * @property {{ path: string, before?: unknown, after?: unknown }[]} changes
 *
 * @typedef {import("./files.mjs").Files} Files
 */

export class Administration {
  #path;
  #key;

  /**
   * @param {string} url
   * @param {string | undefined} org none for the deployment's
   * @param {string} key
   */
  constructor(url, org, key) {
    this.whose = org ?? "the deployment";
    this.#key = key;
    const path = org === undefined ? "config" : `orgs/${encodeURIComponent(org)}/config`;
    this.#path = new URL(`/admin/v1/${path}`, base(url)).href;
  }

  /** @returns {Promise<Newest>} */
  async newest() {
    return newest(await this.#ask("", {}));
  }

  /**
   * Says what is wrong with the files and what they would change; stores nothing.
   * @param {Files} files
   * @returns {Promise<Validation>}
   */
  async validate(files) {
    const query = files.merge ? "?merge=true" : "";
    const response = await this.#ask(`/validate${query}`, { method: "POST", ...content(files) });
    return /** @type {Promise<Validation>} */ (response.json());
  }

  /**
   * Stores the files as the version after `expected` and puts it in force.
   * @param {Files} files
   * @param {string} expected an ETag
   * @param {string} note
   * @returns {Promise<Newest>}
   */
  async save(files, expected, note) {
    const { headers, body } = content(files);
    const query = note ? `?${new URLSearchParams({ note })}` : "";
    const response = await this.#ask(query, {
      method: files.merge ? "PATCH" : "PUT",
      headers: { ...headers, "if-match": expected },
      body,
    });
    return newest(response);
  }

  /**
   * @param {string} path
   * @param {{ method?: string, headers?: Record<string, string>, body?: string }} init
   */
  async #ask(path, { headers, ...init }) {
    const response = await fetch(this.#path + path, {
      ...init,
      headers: { authorization: `Bearer ${this.#key}`, ...headers },
      signal: AbortSignal.timeout(milliseconds),
    }).catch((error) => {
      throw new Problem(`${this.#path} is out of reach: ${error.cause?.message ?? error.message}`);
    });
    if (response.ok) return response;
    throw new Problem(await refusal(response));
  }
}

/** @param {string} url */
function base(url) {
  try {
    return new URL(url);
  } catch {
    throw new Problem(`${url} is no address, like https://esclusa.example.com`);
  }
}

/** @param {Files} files */
function content(files) {
  return { headers: { "content-type": files.contentType }, body: files.text };
}

/** @param {Response} response @returns {Promise<Newest>} */
async function newest(response) {
  const body = /** @type {Omit<Newest, "etag">} */ (await response.json());
  // What compresses an answer on its way makes its `ETag` a weak one.
  const etag = response.headers.get("etag") ?? "";
  return { ...body, etag: etag.replace(/^W\//, "") };
}

/** @param {Response} response */
async function refusal(response) {
  const text = await response.text();
  try {
    return `${response.status}: ${JSON.parse(text).error.message}`;
  } catch {
    return `${response.status}: ${text.slice(0, 500)}`;
  }
}
