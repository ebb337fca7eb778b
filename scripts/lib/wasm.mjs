/** Changes to a WebAssembly module that need no tool. */

const PREAMBLE_BYTES = 8;
const CUSTOM = 0;

/**
 * The module without the names of its functions: a quarter of what it compresses to. A panic says
 * its place without them, a profile does not.
 * @param {Uint8Array} module
 */
export function withoutNames(module) {
  const parts = [module.subarray(0, PREAMBLE_BYTES)];
  let at = PREAMBLE_BYTES;
  while (at < module.length) {
    const size = number(module, at + 1);
    const end = size.end + size.value;
    const isNames = module[at] === CUSTOM && customName(module, size.end) === "name";
    if (!isNames) parts.push(module.subarray(at, end));
    at = end;
  }
  return Buffer.concat(parts);
}

/**
 * @param {Uint8Array} module
 * @param {number} at
 */
function customName(module, at) {
  const length = number(module, at);
  return new TextDecoder().decode(module.subarray(length.end, length.end + length.value));
}

/**
 * An unsigned LEB128 number, and where it ends.
 * @param {Uint8Array} bytes
 * @param {number} at
 */
function number(bytes, at) {
  let value = 0;
  for (let index = at, factor = 1; index < bytes.length; index += 1, factor *= 128) {
    const byte = bytes[index] ?? 0;
    value += (byte % 128) * factor;
    if (byte < 128) return { value, end: index + 1 };
  }
  throw new Error("the module ends in the middle of a number");
}
