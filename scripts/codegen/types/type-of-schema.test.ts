// Types of single schemas, as text.
import { expect, test } from "vitest";
import type { JsonSchema } from "../../../spec/contract.ts";
import { directlyRecursive } from "./json-types.ts";
import { typeName } from "./type-names.ts";
import { typeOfSchema } from "./type-of-schema.ts";
import { printDeclaration, printType } from "./type-syntax.ts";

function textOf(schema: JsonSchema, definitions: Record<string, JsonSchema> = {}): string {
  const map = new Map(Object.entries(definitions));
  const recursive = directlyRecursive(map);
  const type = typeOfSchema(schema, {
    definitions: map,
    typeNames: new Map([...map.keys()].map((name) => [name, name])),
    isDirectlyRecursive: (name) => recursive.has(name),
    unionSize: (each) => (each.kind === "union" ? each.members.length : 1),
  });
  return printType(type).replaceAll(/\s+/g, " ").replace(/^ \| /, "");
}

const closed = { type: "object", additionalProperties: false } as const;

test.each<[string, JsonSchema, string]>([
  ["an open tuple takes more", { type: "array", items: [{ type: "string" }], minItems: 1 }, "[string, ...unknown[]]"],
  [
    "a tuple without minItems may be shorter",
    { type: "array", items: [{ type: "string" }] },
    "[item1?: string, ...rest: unknown[]]",
  ],
  [
    "a closed tuple ends",
    { type: "array", items: [{ type: "string" }, { type: "number" }], additionalItems: false, minItems: 2 },
    "[string, number]",
  ],
  ["maxItems cuts a tuple", { type: "array", items: [{ type: "string" }, {}], maxItems: 1 }, "[item1?: string]"],
  [
    "many items are a list",
    { type: "array", items: { type: "string" }, minItems: 1000, maxItems: 1000 },
    "[string, ...string[]]",
  ],
  ["a few items are a tuple", { type: "array", items: { type: "string" }, minItems: 2, maxItems: 2 }, "[string, string]"],
  ["no item", { type: "array", maxItems: 0 }, "[]"],
  [
    "an index signature is as wide as the properties beside it",
    { type: "object", properties: { a: { type: "string" } }, additionalProperties: { type: "number" } },
    "{ a?: string; [key: string]: number | string | undefined; }",
  ],
  [
    "patternProperties of a closed object",
    { ...closed, patternProperties: { "^x-": { type: "boolean" } } },
    "{ [key: string]: boolean; }",
  ],
  ["required without properties", { type: "object", required: ["a"] }, "{ a: unknown; [key: string]: unknown; }"],
  ["an empty closed object", closed, "{ [key: string]: never; }"],
  [
    "no type: what is no object is valid too",
    { properties: { a: { type: "string" } } },
    "{ a?: string; [key: string]: unknown; } | unknown[] | string | number | boolean | null",
  ],
  [
    "a type that the parts of allOf imply",
    { allOf: [{ type: "object" }, { ...closed, properties: { a: true } }] },
    "{ a?: unknown; }",
  ],
  [
    "a list that two parts describe",
    { type: "array", allOf: [{ items: [{ type: "string" }] }, { items: { enum: ["a", 1] }, minItems: 1 }] },
    '[string & ("a" | 1), ...("a" | 1)[]]',
  ],
  [
    "a name that every object inherits",
    { ...closed, properties: { hasOwnProperty: { type: "string" } } },
    '{ hasOwnProperty?: string | Object["hasOwnProperty"]; }',
  ],
  ["__proto__, which AJV passes over", { ...closed, required: ["__proto__"] }, "{ __proto__?: unknown; }"],
  ["nullable beside a type", { type: "string", nullable: true }, "string | null"],
  ["nullable without a type", { nullable: true, maxLength: 3 }, "unknown"],
  ["an enum keeps what its type allows", { type: "string", enum: ["a", 1, null] }, '"a"'],
  ["a const of an object", { const: { a: [1, null] } }, "{ a: [1, null]; }"],
  ["a const that contains code", { const: "require('x') */ `y`" }, "\"require('x') */ `y`\""],
  ["false in a union goes", { anyOf: [false, { type: "string" }] }, "string"],
  ["a type that does not exist", { type: "int" }, "unknown"],
])("%s", (_, schema, text) => {
  expect(textOf(schema)).toBe(text);
});

test("a reference and what stands beside it hold together", () => {
  const definitions: Record<string, JsonSchema> = { A: { type: "object", properties: { a: { type: "string" } } } };
  expect(textOf({ $ref: "#/definitions/A", required: ["a"] }, definitions)).toBe("{ a: unknown; [key: string]: unknown; } & A");
  expect(textOf({ $ref: "#/definitions/A", description: "Here." }, definitions)).toBe("A");
});

test("a schema that comes back to itself for the same value says nothing of it", () => {
  const definitions: Record<string, JsonSchema> = {
    A: { anyOf: [{ $ref: "#/definitions/B" }, { type: "string" }] },
    B: { $ref: "#/definitions/A" },
    C: { anyOf: [{ type: "array", items: { $ref: "#/definitions/C" } }, { type: "string" }] },
  };
  expect(directlyRecursive(new Map(Object.entries(definitions)))).toEqual(new Set(["A", "B"]));
  expect(textOf(definitions.A!, definitions)).toBe("unknown");
  expect(textOf(definitions.C!, definitions)).toBe("C[] | string");
});

test("more alternatives than tsc can multiply out make the type wider", () => {
  const many = { enum: Array.from({ length: 200 }, (_, index) => `v${index}`) };
  const text = textOf({ type: "string", allOf: [{ anyOf: [many] }, { anyOf: [many] }, { anyOf: [many] }] });
  expect(text).toContain('"v199"');
});

test("a description cannot end its comment", () => {
  expect(printDeclaration("A", { kind: "keyword", text: "string" }, "ends */ here\u2028and `there`")).toBe(
    "/**\n * ends *\\/ here\n * and `there`\n */\nexport type A = string;\n",
  );
});

test.each([
  ["joined_room", "JoinedRoom"],
  ["1x", "_1X"],
  ["日本", "_"],
  ["v2beta", "V2Beta"],
  ["---", "_"],
  ["n".repeat(400), `N${"n".repeat(79)}`],
])("%s is a type's name", (name, expected) => {
  expect(typeName(name)).toBe(expected);
});
