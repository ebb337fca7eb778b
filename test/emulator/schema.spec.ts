// Schemas are pure: tried without workerd.
import { describe, expect, it } from "vitest";
import { instanceOf } from "../../emulator/schema.js";
import type { Json } from "../../emulator/types.js";

const node = {
  type: "object",
  properties: { name: { type: "string" }, next: { $ref: "#/$defs/node" } },
  required: ["name"],
};

describe("an instance of a schema", () => {
  it.each<[Json, string, unknown]>([
    [{ const: 7 }, "", 7],
    [{ enum: ["red", "blue"] }, "the blue one", "blue"],
    [{ enum: ["red", "blue"] }, "", "red"],
    [{ type: "string", default: "d" }, "text", "d"],
    [{ type: "string" }, 'call it "my name"', "my name"],
    [{ type: "string", minLength: 5 }, "ab", "ab..."],
    [{ type: "string", maxLength: 3 }, "abcdef", "abc"],
    [{ type: "string", format: "date" }, "by 2027-03-04 at most", "2027-03-04"],
    [{ type: "string", format: "email" }, "", "someone@example.com"],
    [{ type: "string", format: "email" }, "to ana@nimbus.test.", "ana@nimbus.test"],
    [{ type: "integer" }, "of 5 days", 5],
    [{ type: "integer", minimum: 3 }, "", 3],
    [{ type: "integer", maximum: -2 }, "", -2],
    [{ type: "number", exclusiveMinimum: 1, multipleOf: 0.5 }, "", 1.5],
    [{ type: "integer", minimum: 7, multipleOf: 5 }, "", 10],
    [{ type: "boolean" }, "", true],
    [{ type: "null" }, "", null],
    [{ type: ["null", "integer"] }, "", 0],
    [{ type: "array", items: { type: "integer" }, minItems: 2, uniqueItems: true }, "", [0, 1]],
    [{ type: "array", items: { type: "integer" }, maxItems: 0 }, "", []],
    [{ type: "array", prefixItems: [{ const: 1 }, { const: 2 }] }, "", [1, 2]],
    [{ anyOf: [{ type: "null" }, { type: "integer" }] }, "", 0],
    [{ oneOf: [{ const: "a" }, { const: "b" }] }, "", "a"],
    [
      { allOf: [{ properties: { a: { const: 1 } } }, { properties: { b: { const: 2 } } }] },
      "",
      { a: 1, b: 2 },
    ],
    [{ $ref: "#/$defs/x", $defs: { x: { const: "deep" } } }, "", "deep"],
    [{ type: "object", required: ["free"] }, "text", { free: "text" }],
    [{}, "text", {}],
  ])("%j from %j is %j", (schema, text, instance) => {
    expect(instanceOf(schema, text)).toEqual(instance);
  });

  it("ends recursion", () => {
    const instance = instanceOf({ ...node, $defs: { node } }, "x");
    expect(JSON.stringify(instance).length).toBeLessThan(1_000);
    const endless = { ...node, required: ["name", "next"] };
    expect(() =>
      JSON.stringify(instanceOf({ ...endless, $defs: { node: endless } }, "x")),
    ).not.toThrow();
    expect(instanceOf({ $ref: "#" }, "x")).toBe("x");
  });

  it("is bounded", () => {
    expect(instanceOf({ type: "array", minItems: 1e9 }, "x")).toHaveLength(1_000);
  });
});
