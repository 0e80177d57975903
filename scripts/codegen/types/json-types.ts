// Which JSON types a schema can accept, and which schemas refer to themselves without an object or array between. Pure.
import type { JsonSchema } from "../../../spec/contract.ts";
import type { TypeNode } from "./type-syntax.ts";

export type JsonType = "null" | "boolean" | "number" | "string" | "array" | "object";

export const jsonTypes: ReadonlySet<JsonType> = new Set(["object", "array", "string", "number", "boolean", "null"]);

const prefix = "#/definitions/";

/** The definition that a `$ref` names; undefined for any other reference. */
export const targetOf = (reference: string): string | undefined =>
  reference.startsWith(prefix) ? reference.slice(prefix.length) : undefined;

/** What the schemas of one document share. */
export interface SchemaScope {
  readonly definitions: ReadonlyMap<string, JsonSchema>;
  /** Definition -> name of its type. */
  readonly typeNames: ReadonlyMap<string, string>;
  /** Whether a definition comes back to itself for the same value, as in `A: { anyOf: [A, B] }`: TypeScript refuses such an alias. */
  isDirectlyRecursive(definition: string): boolean;
  /** How many members a type has where it is a union, through references. */
  unionSize(type: TypeNode): number;
}

type Schema = Readonly<Record<string, unknown>>;
const isSchemaObject = (value: unknown): value is Schema => typeof value === "object" && value !== null && !Array.isArray(value);

/**
 * Types that the schema can accept out of `allowed`. May name one too many, never one too few.
 * @param through definitions that led here
 */
export function possibleTypes(
  schema: unknown,
  scope: Pick<SchemaScope, "definitions">,
  allowed: ReadonlySet<JsonType> = jsonTypes,
  through: readonly string[] = [],
): ReadonlySet<JsonType> {
  if (schema === false) return new Set();
  if (!isSchemaObject(schema)) return allowed;
  let types = declaredTypes(schema, allowed);
  const narrow = (other: ReadonlySet<JsonType>) => {
    types = new Set([...types].filter((type) => other.has(type)));
  };
  const values = "const" in schema ? [schema.const] : Array.isArray(schema.enum) ? schema.enum : undefined;
  if (values !== undefined) narrow(new Set(values.map(typeOfValue)));
  if (typeof schema.$ref === "string") {
    const target = targetOf(schema.$ref);
    if (target !== undefined && !through.includes(target))
      narrow(possibleTypes(scope.definitions.get(target) ?? true, scope, jsonTypes, [...through, target]));
  }
  if (Array.isArray(schema.allOf)) for (const part of schema.allOf) narrow(possibleTypes(part, scope, jsonTypes, through));
  for (const keyword of ["anyOf", "oneOf"] as const) {
    const branches = schema[keyword];
    if (Array.isArray(branches))
      narrow(new Set(branches.flatMap((branch) => [...possibleTypes(branch, scope, jsonTypes, through)])));
  }
  return types;
}

const typeOfValue = (value: unknown): JsonType =>
  value === null ? "null" : Array.isArray(value) ? "array" : (typeof value as JsonType);

function declaredTypes(schema: Schema, allowed: ReadonlySet<JsonType>): ReadonlySet<JsonType> {
  if (schema.type === undefined) return allowed;
  const named = (Array.isArray(schema.type) ? schema.type : [schema.type]).map((type) => (type === "integer" ? "number" : type));
  // A schema with a type that does not exist cannot be compiled: its validator takes everything.
  if (!named.every((type) => jsonTypes.has(type))) return allowed;
  // OpenAPI's keyword, which AJV reads beside `type`.
  if (schema.nullable === true) named.push("null");
  return new Set([...allowed].filter((type) => named.includes(type)));
}

/** Definitions that a schema applies to the very value that it is applied to. */
function appliedTo(schema: unknown): string[] {
  if (!isSchemaObject(schema)) return [];
  const own = typeof schema.$ref === "string" ? targetOf(schema.$ref) : undefined;
  const nested = ["allOf", "anyOf", "oneOf"].flatMap((keyword) => (Array.isArray(schema[keyword]) ? schema[keyword] : []));
  return [
    ...(own === undefined ? [] : [own]),
    ...[...nested, schema.if, schema.then, schema.else, schema.not].flatMap(appliedTo),
  ];
}

/** Definitions that come back to themselves for the same value. */
export function directlyRecursive(definitions: ReadonlyMap<string, JsonSchema>): ReadonlySet<string> {
  const applied = new Map([...definitions].map(([name, schema]) => [name, appliedTo(schema)]));
  const reaches = (from: string): boolean => {
    const seen = new Set<string>();
    const queue = [...(applied.get(from) ?? [])];
    for (let next = queue.pop(); next !== undefined; next = queue.pop()) {
      if (next === from) return true;
      if (seen.has(next)) continue;
      seen.add(next);
      queue.push(...(applied.get(next) ?? []));
    }
    return false;
  };
  return new Set([...definitions.keys()].filter(reaches));
}
