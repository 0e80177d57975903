// Small schemas of many kinds, for the tests of the generators and for bench-arbitrary.ts.
import type { JsonSchema } from "../../spec/contract.ts";

/** What `#/definitions/NAME` means in the samples. */
export const sampleDefinitions: ReadonlyMap<string, JsonSchema> = new Map<string, JsonSchema>([
  ["Name", { type: "string", minLength: 1, maxLength: 5 }],
  [
    "Tree",
    {
      type: "object",
      required: ["value"],
      properties: { value: { type: "integer" }, children: { $ref: "#/definitions/Trees" } },
    },
  ],
  ["Trees", { type: "array", items: { $ref: "#/definitions/Tree" } }],
  [
    "Chain",
    {
      type: "object",
      additionalProperties: false,
      required: ["next"],
      properties: { next: { anyOf: [{ $ref: "#/definitions/Chain" }, { type: "null" }] } },
    },
  ],
  [
    "Expression",
    {
      oneOf: [
        { type: "number" },
        {
          type: "object",
          additionalProperties: false,
          required: ["op", "left", "right"],
          properties: {
            op: { enum: ["+", "-"] },
            left: { $ref: "#/definitions/Expression" },
            right: { $ref: "#/definitions/Expression" },
          },
        },
      ],
    },
  ],
  [
    "Base",
    { type: "object", required: ["kind"], properties: { kind: { type: "string" }, at: { type: "string", format: "date-time" } } },
  ],
]);

export const sampleSchemas: Readonly<Record<string, JsonSchema>> = {
  true: true,
  anything: {},
  "only a description": { description: "Anything." },
  null: { type: "null" },
  boolean: { type: "boolean" },
  integer: { type: "integer" },
  number: { type: "number" },
  "integer bounds": { type: "integer", minimum: -3, maximum: 3 },
  "exclusive bounds": { type: "number", exclusiveMinimum: 0, exclusiveMaximum: 1 },
  "integer from fractions": { type: "integer", minimum: 0.5, maximum: 2.5 },
  "integer exclusive": { type: "integer", exclusiveMinimum: 3, exclusiveMaximum: 5 },
  "number above": { type: "number", minimum: 1e10 },
  "multiple of 7": { type: "integer", multipleOf: 7, minimum: 1 },
  "multiple of a fraction": { type: "number", multipleOf: 0.01, minimum: 0, maximum: 100 },
  "multiples of both": { allOf: [{ multipleOf: 4 }, { multipleOf: 6 }], type: "integer" },
  int32: { type: "integer", format: "int32" },
  seq: { type: "integer", minimum: 0, maximum: 9007199254740991 },
  string: { type: "string" },
  lengths: { type: "string", minLength: 3, maxLength: 4 },
  long: { type: "string", minLength: 300 },
  "pattern with lengths": { type: "string", minLength: 16, maxLength: 64, pattern: "^[\\x21-\\x7E]*$" },
  "no surrogates": { type: "string", minLength: 1, maxLength: 1000, pattern: "^[^\\uD800-\\uDFFF]*$" },
  "two atoms": { type: "string", pattern: "^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$" },
  "two atoms, short": { type: "string", pattern: "^[a-z]+[0-9]*$", maxLength: 3 },
  groups: { type: "string", pattern: "^([a-z]{2,3})(-[A-Z]{2})?$" },
  alternatives: { type: "string", pattern: "^(cat|dog)s?$" },
  "not anchored": { type: "string", pattern: "a\\d" },
  "two patterns": { allOf: [{ pattern: "^[a-f]+$" }, { pattern: "^.{2,6}$" }], type: "string" },
  "property escape": { type: "string", pattern: "^\\p{L}{1,5}$" },
  ...Object.fromEntries(
    [
      ["date-time", "date", "time", "email", "hostname", "ipv4", "ipv6", "uri", "uri-reference", "uuid", "json-pointer"],
      ["duration", "regex", "relative-json-pointer", "uri-template", "byte", "json-pointer-uri-fragment", "no-such-format"],
    ]
      .flat()
      .map((format) => [`format ${format}`, { type: "string", format }]),
  ),
  timestamp: { type: "string", format: "date-time", pattern: "^\\d{4}-\\d\\d-\\d\\dT\\d\\d:\\d\\d:\\d\\d\\.\\d{3}Z$" },
  "short email": { type: "string", format: "email", maxLength: 20 },
  "const object": { const: { a: [1, null] } },
  enum: { enum: ["a", 1, null, { b: 2 }] },
  "enum with type": { type: "string", enum: ["a", 1, null] },
  "enum and const": { allOf: [{ enum: ["a", "b"] }, { const: "b" }] },
  "enum with pattern": { enum: ["ab", "cd"], pattern: "^a" },
  "nullable list": { type: ["string", "null"], pattern: "^[a-z]{1,3}$" },
  "nullable keyword": { type: "string", nullable: true },
  object: { type: "object" },
  closed: {
    type: "object",
    additionalProperties: false,
    required: ["a"],
    properties: { a: { type: "integer" }, b: { type: "string" } },
  },
  "typed extras": { type: "object", properties: { a: { type: "string" } }, additionalProperties: { type: "integer" } },
  "required unknown": { type: "object", required: ["x", "y"], properties: { x: { type: "boolean" } } },
  "pattern properties": {
    type: "object",
    additionalProperties: false,
    patternProperties: { "^x-": { type: "string" }, "^n": { type: "integer" } },
  },
  "overlapping patterns": {
    type: "object",
    properties: { ab: { maximum: 5 } },
    patternProperties: { "^a": { type: "integer" }, b$: { minimum: 0 } },
  },
  "property counts": { type: "object", minProperties: 2, maxProperties: 3, additionalProperties: { type: "integer" } },
  "few of many": {
    type: "object",
    additionalProperties: false,
    maxProperties: 2,
    minProperties: 1,
    properties: { a: {}, b: {}, c: {}, d: {} },
  },
  "property names": { type: "object", propertyNames: { pattern: "^[a-z]{1,4}$" }, minProperties: 1 },
  dependencies: {
    type: "object",
    properties: { a: {}, b: {}, c: {} },
    dependencies: { a: ["b"], b: ["c"] },
    additionalProperties: false,
  },
  "schema dependency": {
    type: "object",
    properties: { a: { type: "integer" } },
    dependencies: { a: { required: ["b"], properties: { b: { const: 1 } } } },
  },
  "forbidden property": { type: "object", properties: { a: false, b: { type: "integer" } } },
  "awkward names": {
    type: "object",
    required: ["__proto__", "a/b", "constructor"],
    properties: Object.fromEntries([["__proto__", { type: "integer" }]]),
  },
  array: { type: "array" },
  integers: { type: "array", items: { type: "integer" }, minItems: 2, maxItems: 4 },
  tuple: { type: "array", items: [{ type: "integer" }, { type: "string" }], additionalItems: false, minItems: 1 },
  "tuple and more": { type: "array", items: [{ type: "integer" }], additionalItems: { type: "string" }, minItems: 3 },
  unique: { type: "array", items: { type: "integer", minimum: 0, maximum: 9 }, uniqueItems: true, minItems: 3 },
  "unique of an enum": { type: "array", items: { enum: ["a", "b", "c"] }, uniqueItems: true, minItems: 3 },
  "unique objects": { type: "array", items: { type: "object", properties: { a: { type: "boolean" } } }, uniqueItems: true },
  contains: { type: "array", items: { type: "integer" }, contains: { minimum: 100 } },
  "empty array": { type: "array", maxItems: 0, items: false },
  "allOf objects": {
    allOf: [
      { type: "object", required: ["a"], properties: { a: { type: "integer" } } },
      { properties: { a: { minimum: 5 }, b: { type: "string" } }, additionalProperties: false },
    ],
  },
  "allOf with a reference": {
    allOf: [
      { $ref: "#/definitions/Base" },
      { properties: { kind: { const: "a" }, size: { type: "integer" } }, required: ["size"] },
    ],
  },
  "reference with siblings": { $ref: "#/definitions/Name", pattern: "^[a-c]*$" },
  anyOf: { anyOf: [{ type: "integer" }, { type: "string", maxLength: 2 }] },
  "anyOf beside": { type: "object", properties: { a: {}, b: {} }, anyOf: [{ required: ["a"] }, { required: ["b"] }] },
  "oneOf tagged": {
    type: "object",
    oneOf: [
      { required: ["kind", "r"], properties: { kind: { const: "circle" }, r: { type: "number" } } },
      { required: ["kind", "w"], properties: { kind: { const: "square" }, w: { type: "number" } } },
    ],
  },
  "oneOf overlapping": {
    oneOf: [
      { type: "integer", minimum: 0 },
      { type: "integer", maximum: 10 },
    ],
  },
  not: { type: "integer", not: { multipleOf: 2 } },
  "not required": { type: "object", properties: { a: {}, b: {} }, not: { required: ["a", "b"] } },
  "if then else": {
    type: "object",
    required: ["kind"],
    properties: { kind: { enum: ["a", "b"] }, x: { type: "integer" } },
    if: { properties: { kind: { const: "a" } } },
    // biome-ignore lint/suspicious/noThenProperty: a keyword of JSON Schema
    then: { required: ["x"] },
    else: { not: { required: ["x"] } },
  },
  "nested choices": {
    allOf: [{ anyOf: [{ minimum: 0 }, { maximum: -10 }] }, { anyOf: [{ multipleOf: 2 }, { multipleOf: 3 }] }],
    type: "integer",
  },
  tree: { $ref: "#/definitions/Tree" },
  chain: { $ref: "#/definitions/Chain" },
  expression: { $ref: "#/definitions/Expression" },
  "no type, one kind of keyword": { properties: { a: { minLength: 2 } }, required: ["a"] },
};

/** Schemas that no value keeps, or whose values cannot be found; each with the pointer that the error must name. */
export const unsatisfiableSchemas: Readonly<Record<string, { readonly schema: JsonSchema; readonly pointer: string }>> = {
  false: { schema: false, pointer: "#" },
  "types exclude each other": { schema: { allOf: [{ type: "string" }, { type: "integer" }] }, pointer: "#" },
  "empty range": {
    schema: { type: "object", required: ["n"], properties: { n: { type: "integer", minimum: 3, maximum: 2 } } },
    pointer: "#/properties/n",
  },
  lengths: { schema: { type: "string", minLength: 3, maxLength: 2 }, pointer: "#" },
  "required but forbidden": { schema: { type: "object", required: ["a"], properties: { a: false } }, pointer: "#/properties/a" },
  "not itself": {
    schema: { type: "object", required: ["n"], properties: { n: { type: "integer", not: { type: "integer" } } } },
    pointer: "#/properties/n",
  },
  "too few for unique": { schema: { type: "array", items: { type: "boolean" }, uniqueItems: true, minItems: 3 }, pointer: "#" },
  "pattern against length": { schema: { type: "string", pattern: "^a{5}$", maxLength: 4 }, pointer: "#" },
  "endless recursion": { schema: { $ref: "#/definitions/Endless" }, pointer: "#/definitions/Endless/properties/more" },
  "lookahead that nothing random meets": { schema: { type: "string", pattern: "^(?=correct horse)" }, pointer: "#" },
};
