// The text of a document: plain text, or the strings that a PDF without compression shows.
import { inflateSync } from "node:zlib";
import { latin, utf8 } from "./bytes.js";

/** @param {Uint8Array} bytes */
export function isPdf(bytes) {
  return latin(bytes, 0, 5) === "%PDF-";
}

/** @param {Uint8Array} bytes @returns {string} */
export function documentText(bytes) {
  return isPdf(bytes) ? pdfText(latin(bytes, 0, bytes.length)) : utf8(bytes);
}

/** What `Tj` and `TJ` show, a line each. @param {string} pdf */
function pdfText(pdf) {
  const streams = [...pdf.matchAll(/stream\r?\n(.*?)\r?\n?endstream/gsu)];
  const shown = streams.flatMap(([, body = ""]) =>
    [...inflated(body).matchAll(/(\((?:\\.|[^\\)])*\)|\[[^\]]*\])\s*T[jJ]/gsu)].map(
      ([, operand = ""]) =>
        [...operand.matchAll(/\(((?:\\.|[^\\)])*)\)/gsu)]
          .map(([, text = ""]) => text.replace(/\\(.)/gsu, "$1"))
          .join(""),
    ),
  );
  return shown.join("\n");
}

/** @param {string} body */
function inflated(body) {
  try {
    return inflateSync(Buffer.from(body, "latin1")).toString("latin1");
  } catch {
    return body;
  }
}
