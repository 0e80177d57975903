// JSON Schema (draft 07) -> TypeScript type that takes every value that the schema accepts. What a type cannot say makes it wider, never narrower. Pure.
import { type JsonType, jsonTypes, possibleTypes, type SchemaScope, targetOf } from "./json-types.ts";
import {
  intersectionOf,
  isUnknown,
  neverType,
  type PropertyNode,
  type TupleMember,
  type TypeNode,
  unionOf,
  unknownType,
} from "./type-syntax.ts";

type Schema = Readonly<Record<string, unknown>>;
type Types = ReadonlySet<JsonType>;

/** Beyond these sizes a type says less, so that tsc and people can still read it. */
const max = { enumValues: 2_000, tupleMembers: 16, indexMembers: 8, unionMembers: 20_000 };

const isSchemaObject = (value: unknown): value is Schema => typeof value === "object" && value !== null && !Array.isArray(value);
const entriesOf = (value: unknown): [string, unknown][] => (isSchemaObject(value) ? Object.entries(value) : []);
const namesOf = (value: unknown): string[] =>
  Array.isArray(value) ? value.filter((name): name is string => typeof name === "string") : [];

/** @param allowed types that can still occur here: a keyword beside or around the schema may have excluded others */
export function typeOfSchema(schema: unknown, scope: SchemaScope, allowed: Types = jsonTypes): TypeNode {
  if (schema === false) return neverType;
  if (!isSchemaObject(schema)) return unknownType;
  const types = possibleTypes(schema, scope, allowed);
  if (types.size === 0) return neverType;
  const isBare = !("const" in schema) && !("enum" in schema) && !hasObjectKeywords(schema) && !hasArrayKeywords(schema);
  // Type by type: `({ a } & { b }) | string` reads better than `({ a } | string) & ({ b } | string)`.
  if (types.size > 1 && !isBare && typeof schema.$ref !== "string" && isCombined(schema))
    return unionOf([...types].map((type) => typeOfSchema(schema, scope, new Set([type]))));
  const parts = [...combined(schema, scope, types)].filter((part) => !isUnknown(part));
  const own = literals(schema, types) ?? keywords(schema, scope, types);
  // A bare `object` adds nothing to parts that say more.
  const all = parts.length > 0 && isBare ? parts : [own, ...parts];
  // tsc multiplies the unions of an intersection out, and gives up at 100 000 members.
  let members = 1;
  return intersectionOf(
    all.filter((part) => {
      const next = members * scope.unionSize(part);
      if (next > max.unionMembers) return false;
      members = next;
      return true;
    }),
  );
}

const isCombined = (schema: Schema) => ["allOf", "anyOf", "oneOf", "if"].some((keyword) => keyword in schema);

/** What `$ref`, allOf, anyOf, oneOf and if say. `not`, `contains`, `propertyNames` and `dependencies` have no type. */
function* combined(schema: Schema, scope: SchemaScope, types: Types): Generator<TypeNode> {
  if (typeof schema.$ref === "string") {
    const target = targetOf(schema.$ref);
    const name = target !== undefined && !scope.isDirectlyRecursive(target) ? scope.typeNames.get(target) : undefined;
    if (name !== undefined) yield { kind: "reference", name };
  }
  if (Array.isArray(schema.allOf)) for (const part of schema.allOf) yield typeOfSchema(part, scope, types);
  for (const keyword of ["anyOf", "oneOf"] as const) {
    const branches = schema[keyword];
    if (Array.isArray(branches)) yield unionOf(branches.map((branch) => typeOfSchema(branch, scope, types)));
  }
  if ("if" in schema && "then" in schema && "else" in schema)
    yield unionOf([typeOfSchema(schema.then, scope, types), typeOfSchema(schema.else, scope, types)]);
}

/** Of const and enum; undefined where there is neither, or too much to list. */
function literals(schema: Schema, types: Types): TypeNode | undefined {
  const values = "const" in schema ? [schema.const] : Array.isArray(schema.enum) ? schema.enum : undefined;
  if (values === undefined || values.length > max.enumValues) return undefined;
  return unionOf(values.filter((value) => types.has(jsonTypeOf(value))).map(literal));
}

const jsonTypeOf = (value: unknown): JsonType => {
  if (value === null) return "null";
  if (Array.isArray(value)) return "array";
  return typeof value as JsonType;
};

function literal(value: unknown): TypeNode {
  if (value === null) return { kind: "keyword", text: "null" };
  if (Array.isArray(value)) {
    return { kind: "tuple", members: value.map((item) => ({ type: literal(item), optional: false })), rest: undefined };
  }
  if (typeof value === "object") {
    const properties = Object.entries(value).map(([name, item]) => ({
      name,
      optional: false,
      type: literal(item),
      description: "",
    }));
    return properties.length === 0 ? emptyObject : { kind: "object", properties, index: undefined };
  }
  if (typeof value === "number" && !Number.isFinite(value)) return { kind: "keyword", text: "number" };
  return { kind: "literal", value: value as string | number | boolean };
}

/** `{}` would take every value but null. */
const emptyObject: TypeNode = { kind: "object", properties: [], index: neverType };

function keywords(schema: Schema, scope: SchemaScope, types: Types): TypeNode {
  if (types.size === jsonTypes.size && !hasObjectKeywords(schema) && !hasArrayKeywords(schema)) return unknownType;
  return unionOf(
    [...types].map((type): TypeNode => {
      if (type === "object") return objectType(schema, scope);
      if (type === "array") return arrayType(schema, scope);
      return { kind: "keyword", text: type };
    }),
  );
}

const hasObjectKeywords = (schema: Schema) =>
  ["properties", "required", "additionalProperties", "patternProperties"].some((keyword) => keyword in schema);
const hasArrayKeywords = (schema: Schema) =>
  ["items", "additionalItems", "minItems", "maxItems", "prefixItems"].some((keyword) => keyword in schema);

/** Every object inherits these, so that TypeScript finds them where the property is missing. */
const inherited = new Set([
  "constructor",
  "hasOwnProperty",
  "isPrototypeOf",
  "propertyIsEnumerable",
  "toLocaleString",
  "toString",
  "valueOf",
]);

function objectType(schema: Schema, scope: SchemaScope): TypeNode {
  const required = new Set(namesOf(schema.required));
  const declared = entriesOf(schema.properties);
  const patterns = entriesOf(schema.patternProperties).map(([, child]) => typeOfSchema(child, scope));
  const rest = restOf(schema, scope);
  const property = (name: string, type: TypeNode, description: string): PropertyNode => {
    // AJV does not look at a property of this name.
    if (name === "__proto__") return { name, optional: true, type: unknownType, description };
    const optional = !required.has(name);
    if (!inherited.has(name)) return { name, optional, type, description };
    return { name, optional, type: unionOf([type, { kind: "reference", name: `Object[${JSON.stringify(name)}]` }]), description };
  };
  const properties = declared.map(([name, child]) => property(name, typeOfSchema(child, scope), descriptionOf(child)));
  const undeclared = [...required].filter((name) => !declared.some(([known]) => known === name));
  for (const name of undeclared) properties.push(property(name, unionOf([...patterns, rest ?? unknownType]), ""));
  if (properties.length === 0 && rest === undefined && patterns.length === 0) return emptyObject;
  return { kind: "object", properties, index: indexOf(properties, rest, patterns) };
}

/** The type of further properties; undefined where none may be. */
function restOf(schema: Schema, scope: SchemaScope): TypeNode | undefined {
  if (schema.additionalProperties === false) return undefined;
  return schema.additionalProperties === undefined ? unknownType : typeOfSchema(schema.additionalProperties, scope);
}

/** An index signature holds for declared properties too: TypeScript wants it as wide as each of them. */
function indexOf(
  properties: readonly PropertyNode[],
  rest: TypeNode | undefined,
  patterns: readonly TypeNode[],
): TypeNode | undefined {
  if (rest === undefined && patterns.length === 0) return undefined;
  const types = [...patterns, ...(rest === undefined ? [] : [rest]), ...properties.map(({ type }) => type)];
  const union = unionOf(types);
  if (union.kind === "union" && union.members.length > max.indexMembers) return unknownType;
  // Of an optional property, a missing one reads as undefined.
  const isPartial = properties.some(({ optional }) => optional);
  if (isUnknown(union) || !isPartial) return union;
  return {
    kind: "union",
    members: [...(union.kind === "union" ? union.members : [union]), { kind: "reference", name: "undefined" }],
  };
}

function arrayType(schema: Schema, scope: SchemaScope): TypeNode {
  const low = count(schema.minItems) ?? 0;
  const high = count(schema.maxItems) ?? Number.POSITIVE_INFINITY;
  const tuple = Array.isArray(schema.items) ? schema.items : undefined;
  // Draft 2020-12 reads `items` as what comes after `prefixItems`, draft 07 does not know the latter: this holds for both.
  const prefix = Array.isArray(schema.prefixItems) ? schema.prefixItems : [];
  const own = tuple === undefined ? schema.items : schema.additionalItems;
  const rest = prefix.length > 0 ? unionOf([own, ...prefix].map((item) => typeOfSchema(item, scope))) : typeOfSchema(own, scope);
  if (high === 0) return { kind: "tuple", members: [], rest: undefined };
  if (tuple === undefined) return listType(rest, low, high);
  const types = tuple.slice(0, high).map((item) => typeOfSchema(item, scope));
  const after = high <= types.length || own === false ? undefined : hasMixedReference(rest) ? unknownType : rest;
  if (types.length > max.tupleMembers)
    return { kind: "array", items: unionOf([...types, ...(after === undefined ? [] : [after])]) };
  const members = types.map((type, index): TupleMember => ({ type, optional: index >= low }));
  return { kind: "tuple", members, rest: after };
}

/** In what may follow in a tuple, tsc resolves such a reference at once, and finds a circle where it leads back. */
const hasMixedReference = (type: TypeNode): boolean =>
  type.kind === "intersection"
    ? type.members.some(({ kind }) => kind === "reference")
    : type.kind === "union" && type.members.some(hasMixedReference);

function listType(items: TypeNode, low: number, high: number): TypeNode {
  const member = { type: items, optional: false };
  if (low === high && low <= 4) return { kind: "tuple", members: Array(low).fill(member), rest: undefined };
  return low > 0 ? { kind: "tuple", members: [member], rest: items } : { kind: "array", items };
}

const count = (value: unknown): number | undefined =>
  Number.isInteger(value) && (value as number) >= 0 ? (value as number) : undefined;

export const descriptionOf = (schema: unknown): string =>
  isSchemaObject(schema) && typeof schema.description === "string" ? schema.description : "";
