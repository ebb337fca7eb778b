// Bytes from base64 and back.

/**
 * @param {string} text base64 or base64url, with or without padding
 * @returns {Uint8Array | undefined} undefined when it is neither
 */
export function fromBase64(text) {
  if (!/^[A-Za-z0-9+/_-]+={0,2}$/u.test(text)) return undefined;
  return new Uint8Array(Buffer.from(text, "base64"));
}

/** @param {Uint8Array} bytes */
export function toBase64(bytes) {
  return Buffer.from(bytes).toString("base64");
}

/**
 * @param {string} url
 * @returns {{ type: string, data: string } | undefined} undefined for anything but a base64 data URL
 */
export function readDataUrl(url) {
  const match = /^data:([\w.+-]+\/[\w.+-]+)(?:;[^,;]+)*;base64,(.*)$/su.exec(url);
  return match ? { type: match[1] ?? "", data: match[2] ?? "" } : undefined;
}

/** @param {Uint8Array} bytes @param {number} at @param {number} length */
export function latin(bytes, at, length) {
  return Buffer.from(bytes.subarray(at, at + length)).toString("latin1");
}

/** @param {Uint8Array} bytes */
export function utf8(bytes) {
  return new TextDecoder().decode(bytes);
}
