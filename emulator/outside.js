// Hosts that are no provider: pictures for tests, and whatever else, which is asked for real: a
// developer's own Ollama.
import { fromBase64 } from "./media/bytes.js";
import { SAMPLES } from "./media/samples.js";

const PICTURES = "images.example";
const HUGE_BYTES = 11 * 1_024 * 1_024;
const SLOW_MS = 10_000;
/** Marks what the emulator asks for, so that it never asks itself. */
const FORWARDED = "x-emulator-forwarded";

/** @param {Request} request @returns {Promise<Response>} */
export async function outside(request) {
  const { hostname, pathname } = new URL(request.url);
  if (hostname === PICTURES) return picture(pathname);
  if (request.headers.has(FORWARDED)) return notFound(request.url);
  const headers = new Headers(request.headers);
  headers.set(FORWARDED, "1");
  return fetch(new Request(request, { headers, redirect: "manual" }));
}

/** @param {string} pathname @returns {Promise<Response>} */
async function picture(pathname) {
  switch (pathname) {
    case "/page.html":
      return new Response("<p>No picture</p>", { headers: { "content-type": "text/html" } });
    case "/huge.png":
      return imageResponse(new Uint8Array(HUGE_BYTES), "image/png");
    case "/slow.png":
      await scheduler.wait(SLOW_MS);
      return picture("/cat.png");
    case "/redirect.png":
      return new Response(null, { status: 302, headers: { location: "http://127.0.0.1/" } });
    default: {
      const sample = SAMPLES[pathname];
      const bytes = sample && fromBase64(sample.base64);
      return bytes ? imageResponse(bytes, sample.type) : notFound(pathname);
    }
  }
}

/** @param {Uint8Array} bytes @param {string} type */
function imageResponse(bytes, type) {
  return new Response(bytes, { headers: { "content-type": type } });
}

/** @param {string} what */
function notFound(what) {
  return new Response(`The emulator has no ${what}\n`, { status: 404 });
}
