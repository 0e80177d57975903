// The phase before json-schema-to-typescript: a type as a schema that the library says right. `tsType`, the library's own keyword, takes what it cannot say:
// open tuples, names that it trips over, literals of objects, and names for what is only another name. Pure.
import { printType, type TypeNode } from "./type-syntax.ts";

export type Restated = Readonly<Record<string, unknown>>;

const asText = (type: TypeNode): Restated => ({
  tsType: type.kind === "union" || type.kind === "intersection" ? `(${printType(type)})` : printType(type),
});

/** Property names that the library calls as methods, or reads as its own keywords. */
const unsafeNames = new Set(["hasOwnProperty", "__proto__", "constructor", "toString", "valueOf"]);

/** @param isDeclared whether the type gets a name of its own: a name for a name would be left out as a duplicate */
export function restate(type: TypeNode, isDeclared = false): Restated {
  switch (type.kind) {
    case "keyword":
      return type.text === "unknown" || type.text === "never" ? asText(type) : { type: type.text };
    case "literal":
      return { enum: [type.value] };
    case "reference":
      return isDeclared || !/^\w+$/.test(type.name) || type.name === "undefined"
        ? asText(type)
        : { $ref: `#/definitions/${type.name}` };
    case "array":
      return { type: "array", items: restate(type.items) };
    case "tuple": {
      const { members, rest } = type;
      const low = members.length;
      // The library says an empty tuple, and one whose members may be missing, as something else.
      if (low === 0 || members.some(({ optional }) => optional)) return asText(type);
      const items = members.map((member) => restate(member.type));
      const bounds = rest === undefined ? { maxItems: low, additionalItems: false } : { additionalItems: restate(rest) };
      return { type: "array", items, minItems: low, ...bounds };
    }
    case "union":
      if (type.members.every(({ kind }) => kind === "literal"))
        return { enum: type.members.map((member) => (member.kind === "literal" ? member.value : undefined)) };
      return { anyOf: type.members.map((member) => restate(member)) };
    case "intersection":
      return { allOf: type.members.map((member) => restate(member)) };
    case "object": {
      const { properties, index } = type;
      if (properties.some(({ name }) => unsafeNames.has(name))) return asText(type);
      return {
        type: "object",
        properties: Object.fromEntries(
          properties.map(({ name, type: property, description }) => [name, described(restate(property), description)]),
        ),
        required: properties.filter(({ optional }) => !optional).map(({ name }) => name),
        additionalProperties: index === undefined ? false : restate(index),
      };
    }
  }
}

/** Beside a reference the library would take a description for a change of the target. */
export function described(schema: Restated, description: string): Restated {
  const text = description
    .trim()
    .replaceAll("*/", "*\\/")
    .replaceAll(/\r\n|[\r\u2028\u2029]/g, "\n");
  if (text === "") return schema;
  return "$ref" in schema ? { description: text, allOf: [schema] } : { description: text, ...schema };
}
