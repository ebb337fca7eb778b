// What the header of a recording tells: its format, how long it lasts, and the words in its
// comment. Speech made by speech.js carries its text there, so that it can be heard again.
import { latin, utf8 } from "./bytes.js";

/** @typedef {{ format: string, type: string, seconds: number, text: string }} Sound */

/** Bytes a second where no header tells: 32 kbit/s, usual for speech. */
const GUESSED_RATE = 4_000;
const WAV_HEADER = 44;

/** First bytes of formats whose length is guessed. @type {[string, string, string][]} */
const MAGIC = [
  ["OggS", "Ogg", "audio/ogg"],
  ["fLaC", "FLAC", "audio/flac"],
  ["\x1aE\xdf\xa3", "WebM", "audio/webm"],
];

/** @param {Uint8Array} bytes @returns {Sound | undefined} undefined for anything but a recording */
export function readSound(bytes) {
  if (bytes.length < 12) return undefined;
  if (latin(bytes, 0, 4) === "RIFF" && latin(bytes, 8, 4) === "WAVE") return readWav(bytes);
  if (latin(bytes, 0, 3) === "ID3" || isMpegFrame(bytes)) return readMp3(bytes);
  if (latin(bytes, 4, 4) === "ftyp") return guessed("M4A", "audio/mp4", bytes);
  const known = MAGIC.find(([magic]) => latin(bytes, 0, 4) === magic);
  return known && guessed(known[1], known[2], bytes);
}

/** Size of each chunk stands before it. @param {Uint8Array} bytes @returns {Sound} */
function readWav(bytes) {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  let rate = 0;
  let length = 0;
  let text = "";
  let at = 12;
  while (at + 8 <= bytes.length) {
    const kind = latin(bytes, at, 4);
    const size = view.getUint32(at + 4, true);
    if (kind === "fmt " && at + 20 <= bytes.length) rate = view.getUint32(at + 16, true);
    // A stream's length is not known when its header is written: then it is all that follows.
    if (kind === "data") length = Math.min(size, bytes.length - at - 8);
    if (kind === "LIST") text = commentOf(bytes.subarray(at + 12, at + 8 + size)) || text;
    at += 8 + size + (size % 2);
  }
  const seconds = length / (rate || GUESSED_RATE);
  return { format: "WAV", type: "audio/wav", seconds, text };
}

/** ICMT of a LIST chunk of kind INFO. @param {Uint8Array} list */
function commentOf(list) {
  const view = new DataView(list.buffer, list.byteOffset, list.byteLength);
  let at = 0;
  while (at + 8 <= list.length) {
    const size = view.getUint32(at + 4, true);
    if (latin(list, at, 4) === "ICMT") return withoutNul(list.subarray(at + 8, at + 8 + size));
    at += 8 + size + (size % 2);
  }
  return "";
}

/** @param {Uint8Array} bytes */
function isMpegFrame(bytes) {
  return bytes[0] === 0xff && ((bytes[1] ?? 0) & 0xe6) === 0xe2;
}

/** An ID3v2 tag, whose text frames are heard, then frames. @param {Uint8Array} bytes */
function readMp3(bytes) {
  const tagged = latin(bytes, 0, 3) === "ID3";
  const size = tagged ? 10 + [6, 7, 8, 9].reduce((sum, at) => sum * 128 + (bytes[at] ?? 0), 0) : 0;
  const text = tagged ? titleOf(bytes.subarray(10, size)) : "";
  return { ...guessed("MP3", "audio/mpeg", bytes.subarray(size)), text };
}

/** TIT2, whose first byte names the encoding. @param {Uint8Array} frames */
function titleOf(frames) {
  const view = new DataView(frames.buffer, frames.byteOffset, frames.byteLength);
  let at = 0;
  while (at + 11 <= frames.length) {
    const size = view.getUint32(at + 4);
    if (latin(frames, at, 4) === "TIT2")
      return withoutNul(frames.subarray(at + 11, at + 10 + size));
    at += 10 + size;
  }
  return "";
}

/** @param {Uint8Array} text */
function withoutNul(text) {
  return utf8(text).replaceAll("\0", "");
}

/** @param {string} format @param {string} type @param {Uint8Array} bytes @returns {Sound} */
function guessed(format, type, bytes) {
  return { format, type, seconds: bytes.length / GUESSED_RATE, text: "" };
}

/**
 * A WAV of 16-bit mono samples with its text as comment.
 * @param {Int16Array} samples
 * @param {number} rate samples a second
 * @param {string} comment
 * @returns {Uint8Array}
 */
export function writeWav(samples, rate, comment) {
  const list = infoList(comment);
  const size = samples.length * 2;
  const header = Buffer.alloc(WAV_HEADER);
  header.write("RIFF", 0, "latin1");
  header.writeUInt32LE(WAV_HEADER - 8 + list.length + size, 4);
  header.write("WAVEfmt ", 8, "latin1");
  header.writeUInt32LE(16, 16);
  header.writeUInt16LE(1, 20);
  header.writeUInt16LE(1, 22);
  header.writeUInt32LE(rate, 24);
  header.writeUInt32LE(rate * 2, 28);
  header.writeUInt16LE(2, 32);
  header.writeUInt16LE(16, 34);
  header.write("data", 36, "latin1");
  header.writeUInt32LE(size, 40);
  const body = Buffer.from(samples.buffer, samples.byteOffset, samples.byteLength);
  return Buffer.concat([header.subarray(0, 36), list, header.subarray(36), body]);
}

/** @param {string} comment */
function infoList(comment) {
  const text = Buffer.from(`${comment}\0`);
  const padded = Buffer.concat([text, Buffer.alloc(text.length % 2)]);
  const head = Buffer.alloc(20);
  head.write("LIST", 0, "latin1");
  head.writeUInt32LE(12 + padded.length, 4);
  head.write("INFOICMT", 8, "latin1");
  head.writeUInt32LE(text.length, 16);
  return Buffer.concat([head, padded]);
}

/** An MP3's tag that carries its text. @param {string} comment */
export function id3Tag(comment) {
  const text = Buffer.concat([Buffer.from([3]), Buffer.from(comment)]);
  const frame = Buffer.alloc(10);
  frame.write("TIT2", 0, "latin1");
  frame.writeUInt32BE(text.length, 4);
  const size = frame.length + text.length;
  const digits = [21, 14, 7, 0].map((shift) => (size >>> shift) & 0x7f);
  return Buffer.concat([Buffer.from("ID3\x03\0\0", "latin1"), Buffer.from(digits), frame, text]);
}
