import { describe, expect, it } from "vitest";
import { breakCycles } from "./break-cycles.ts";
import type { JsonSchema } from "./contract.ts";
import { createAjv } from "./schemas.ts";

const ref = (name: string) => ({ $ref: `#/definitions/${name}` });

function validator(definitions: Map<string, JsonSchema>, name: string) {
  return createAjv(false).compile({ ...ref(name), definitions: Object.fromEntries(definitions) });
}

describe("schemas that contain themselves at the same place", () => {
  it("keep their meaning where alternatives extend their base", () => {
    const definitions = new Map<string, JsonSchema>([
      ["Pet", { type: "object", required: ["type"], discriminator: "type", oneOf: [ref("Cat"), ref("Dog")] }],
      ["Cat", { allOf: [ref("Pet"), { properties: { type: { const: "cat" } } }] }],
      ["Dog", { allOf: [ref("Pet"), { properties: { type: { const: "dog" } } }] }],
    ]);
    const cycles = breakCycles(definitions);
    expect(cycles.map(({ names, cut }) => [names.join(" "), cut])).toEqual([
      ["Pet Cat Pet", "base"],
      ["Pet Dog Pet", "base"],
    ]);
    const pet = validator(definitions, "Pet");
    expect([{ type: "cat" }, { type: "cow" }, {}, 1].map((value) => pet(value))).toEqual([true, false, false, false]);
    expect(validator(definitions, "Cat")({})).toBe(false);
  });

  it("lose one reference where nothing else ends them", () => {
    const definitions = new Map<string, JsonSchema>([
      ["A", { type: "object", allOf: [ref("B")] }],
      ["B", { required: ["b"], allOf: [ref("A")] }],
    ]);
    expect(breakCycles(definitions)).toMatchObject([{ names: ["A", "B", "A"], cut: "open" }]);
    expect(validator(definitions, "A")({ b: 1 })).toBe(true);
    expect(validator(definitions, "A")({})).toBe(false);
  });

  it.each([
    ["not", { not: { oneOf: [{ type: "string" }, ref("A")] } }],
    ["allOf", { allOf: [{ anyOf: [{ type: "string" }, ref("A")] }] }],
    ["dependencies", { dependencies: { a: ref("A") } }],
  ])("lose the reference where it stands deeper, under %s", (_keyword, schema) => {
    const definitions = new Map<string, JsonSchema>([["A", schema]]);
    expect(breakCycles(definitions)).toMatchObject([{ names: ["A", "A"], cut: "open" }]);
    expect(breakCycles(definitions)).toEqual([]);
  });

  it("are left alone where a property stands between", () => {
    const tree = { type: "object", properties: { kids: { type: "array", items: ref("Tree") } } };
    const definitions = new Map<string, JsonSchema>([["Tree", tree]]);
    expect(breakCycles(definitions)).toEqual([]);
    expect(definitions.get("Tree")).toBe(tree);
  });
});
