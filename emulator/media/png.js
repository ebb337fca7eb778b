// Writes a PNG: one colour per request and, as a comment, what it was asked to show.
import { crc32, deflateSync } from "node:zlib";

const SIGNATURE = [0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a];
const PALETTE = 3;

/**
 * @param {number} width
 * @param {number} height
 * @param {[red: number, green: number, blue: number]} colour
 * @param {string} comment
 * @returns {Uint8Array}
 */
export function writePng(width, height, colour, comment) {
  const header = Buffer.alloc(13);
  header.writeUInt32BE(width, 0);
  header.writeUInt32BE(height, 4);
  header.set([1, PALETTE, 0, 0, 0], 8);
  // One bit a pixel, all of them the palette's one colour, and a filter byte before each row.
  const rows = Buffer.alloc(height * (1 + Math.ceil(width / 8)));
  return Buffer.concat([
    Buffer.from(SIGNATURE),
    chunk("IHDR", header),
    chunk("PLTE", Buffer.from(colour)),
    chunk("iTXt", Buffer.from(`Comment\0\0\0\0\0${comment}`)),
    chunk("IDAT", deflateSync(rows)),
    chunk("IEND", Buffer.alloc(0)),
  ]);
}

/** @param {string} kind @param {Buffer} data */
function chunk(kind, data) {
  const body = Buffer.concat([Buffer.from(kind, "latin1"), data]);
  const length = Buffer.alloc(4);
  length.writeUInt32BE(data.length);
  const check = Buffer.alloc(4);
  check.writeUInt32BE(crc32(body));
  return Buffer.concat([length, body, check]);
}
