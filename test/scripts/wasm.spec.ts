import { describe, expect, it } from "vitest";
import { withoutNames } from "../../scripts/lib/wasm.mjs";

const preamble = [0, 0x61, 0x73, 0x6d, 1, 0, 0, 0];
/** A type `() -> ()`, a function of it, and its empty body. */
const type = [1, 4, 1, 0x60, 0, 0];
const functions = [3, 2, 1, 0];
const code = [10, 4, 1, 2, 0, 0x0b];

/** A custom section of so many bytes besides its name. */
function custom(name: string, bytes: number): number[] {
  const size = 1 + name.length + bytes;
  const length = size < 128 ? [size] : [(size % 128) + 128, Math.floor(size / 128)];
  return [0, ...length, name.length, ...Buffer.from(name), ...Array(bytes).fill(0)];
}

describe("a module without names", () => {
  const kept = [...preamble, ...type, ...functions, ...custom("producers", 3), ...code];

  it("is the module without its section of names, however long that is", () => {
    for (const bytes of [0, 5, 200, 5_000]) {
      const named = Buffer.from([...kept, ...custom("name", bytes)]);
      expect([...withoutNames(named)]).toEqual(kept);
    }
    expect(WebAssembly.validate(Buffer.from(kept))).toBe(true);
  });

  it("is the same module where it had none", () => {
    expect([...withoutNames(Buffer.from(kept))]).toEqual(kept);
  });

  it("is none of a file that ends too early", () => {
    expect(() => withoutNames(Buffer.from([...preamble, 0, 0x80]))).toThrow("in the middle");
  });
});
