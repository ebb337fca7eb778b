// What a picture's header tells: its format, its size, and the text in its comment.
import { latin, utf8 } from "./bytes.js";

/**
 * @typedef {{ format: string, type: string, width: number, height: number, text: string }} Picture
 */

/** @param {Uint8Array} bytes @returns {Picture | undefined} undefined for anything but a picture */
export function readPicture(bytes) {
  if (bytes.length < 16) return undefined;
  if (latin(bytes, 1, 3) === "PNG") return readPng(bytes);
  if (bytes[0] === 0xff && bytes[1] === 0xd8) return readJpeg(bytes);
  if (latin(bytes, 0, 4) === "GIF8") return readGif(bytes);
  if (latin(bytes, 0, 4) === "RIFF" && latin(bytes, 8, 4) === "WEBP") return readWebP(bytes);
  return undefined;
}

/** https://www.w3.org/TR/png/#5DataRep @param {Uint8Array} bytes @returns {Picture | undefined} */
function readPng(bytes) {
  if (bytes.length < 33 || latin(bytes, 12, 4) !== "IHDR") return undefined;
  const view = viewOf(bytes);
  /** @type {string[]} */
  const texts = [];
  let at = 8;
  while (at + 12 <= bytes.length) {
    const length = view.getUint32(at);
    const kind = latin(bytes, at + 4, 4);
    const data = bytes.subarray(at + 8, at + 8 + length);
    if (kind === "tEXt") texts.push(latin(data, data.indexOf(0) + 1, data.length));
    if (kind === "iTXt") texts.push(internationalText(data));
    at += length + 12;
  }
  const text = texts.filter((found) => found !== "").join("\n");
  return {
    format: "PNG",
    type: "image/png",
    width: view.getUint32(16),
    height: view.getUint32(20),
    text,
  };
}

/** Keyword, two flags, language, translated keyword, then UTF-8. @param {Uint8Array} data */
function internationalText(data) {
  const keyword = data.indexOf(0);
  if (data[keyword + 1] === 1) return "";
  const language = data.indexOf(0, keyword + 3);
  const translated = data.indexOf(0, language + 1);
  return utf8(data.subarray(translated + 1));
}

/** @param {Uint8Array} bytes @returns {Picture | undefined} */
function readJpeg(bytes) {
  const view = viewOf(bytes);
  let text = "";
  let at = 2;
  while (at + 9 < bytes.length && bytes[at] === 0xff) {
    const marker = bytes[at + 1] ?? 0;
    const length = view.getUint16(at + 2);
    if (marker === 0xfe) text = utf8(bytes.subarray(at + 4, at + 2 + length));
    // Every start of frame but the tables that share its range: DHT, JPG and DAC.
    if (marker >= 0xc0 && marker <= 0xcf && ![0xc4, 0xc8, 0xcc].includes(marker)) {
      const [height, width] = [view.getUint16(at + 5), view.getUint16(at + 7)];
      return { format: "JPEG", type: "image/jpeg", width, height, text };
    }
    at += length + 2;
  }
  return undefined;
}

/** @param {Uint8Array} bytes @returns {Picture} */
function readGif(bytes) {
  const view = viewOf(bytes);
  const [width, height] = [view.getUint16(6, true), view.getUint16(8, true)];
  return { format: "GIF", type: "image/gif", width, height, text: "" };
}

/** https://developers.google.com/speed/webp/docs/riff_container @param {Uint8Array} bytes */
function readWebP(bytes) {
  const picture = { format: "WebP", type: "image/webp", width: 0, height: 0, text: "" };
  if (bytes.length < 30) return picture;
  const view = viewOf(bytes);
  switch (latin(bytes, 12, 4)) {
    case "VP8X":
      picture.width = 1 + (view.getUint32(24, true) & 0xff_ffff);
      picture.height = 1 + (view.getUint32(26, true) >>> 8);
      break;
    case "VP8L": {
      const bits = view.getUint32(21, true);
      picture.width = 1 + (bits & 0x3fff);
      picture.height = 1 + ((bits >>> 14) & 0x3fff);
      break;
    }
    default:
      picture.width = view.getUint16(26, true) & 0x3fff;
      picture.height = view.getUint16(28, true) & 0x3fff;
  }
  return picture;
}

/** @param {Uint8Array} bytes */
function viewOf(bytes) {
  return new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}
