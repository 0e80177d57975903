// Answers about a schema without a value: its parts, what must hold at once, and what can stand at a pointer.

import { testWithin } from "./guarded-regexp.ts";
import { join, type Pointer, tokens } from "./pointer.ts";
import { isRecord, list, record, text } from "./raw.ts";

/** JSON Schema (draft 07 and AsyncAPI's superset) as it stands in the document. `$ref` is kept, always as `#/definitions/NAME`. */
export type JsonSchema = boolean | { readonly [keyword: string]: unknown };

type Definitions = ReadonlyMap<string, JsonSchema>;

const namePrefix = "#/definitions/";

/** The schema, what it refers to, and all its allOf: whatever must hold at once. */
export function conjuncts(schema: unknown, definitions: Definitions): Record<string, unknown>[] {
  const parts: Record<string, unknown>[] = [];
  const seen = new Set<unknown>();
  const queue = [schema];
  for (let next = queue.shift(); next !== undefined; next = queue.shift()) {
    if (!isRecord(next) || seen.has(next)) continue;
    seen.add(next);
    parts.push(next);
    const reference = text(next.$ref);
    if (reference?.startsWith(namePrefix)) queue.push(definitions.get(reference.slice(namePrefix.length)));
    queue.push(...list(next.allOf));
  }
  return parts;
}

/** Every schema that may apply: the conjuncts, and all branches of their anyOf, oneOf and if. */
function alternatives(schema: unknown, definitions: Definitions): Record<string, unknown>[] {
  const found: Record<string, unknown>[] = [];
  const seen = new Set<unknown>();
  const queue: unknown[] = [schema];
  for (let next = queue.shift(); next !== undefined; next = queue.shift()) {
    for (const part of conjuncts(next, definitions)) {
      if (seen.has(part)) continue;
      seen.add(part);
      found.push(part);
      queue.push(...list(part.anyOf), ...list(part.oneOf), ...[part.then, part.else].filter((branch) => branch !== undefined));
    }
  }
  return found;
}

/**
 * What can stand at a pointer into a value of the schema.
 * @returns the schemas for it, none where the schema leaves it open; undefined where the author did not mean anything to stand there:
 * the objects on the way declare their properties, and not this one
 */
export function schemasAt(schema: JsonSchema, pointer: Pointer, definitions: Definitions): readonly unknown[] | undefined {
  let parts = alternatives(schema, definitions);
  for (const token of tokens(pointer)) {
    const children = parts.flatMap((part) => childrenOf(part, token));
    if (children.length === 0) {
      const closed = parts.some((part) => isRecord(part.properties) || part.additionalProperties === false);
      const scalar =
        parts.length > 0 && parts.every((part) => typeof part.type === "string" && !/^(object|array)$/.test(part.type));
      return closed || scalar ? undefined : [];
    }
    parts = children.flatMap((child) => alternatives(child, definitions));
  }
  return parts;
}

function childrenOf(part: Record<string, unknown>, token: string): unknown[] {
  const properties = record(part.properties);
  if (Object.hasOwn(properties, token)) return [properties[token]];
  const matching = Object.entries(record(part.patternProperties)).filter(([pattern]) => matches(pattern, token));
  if (matching.length > 0) return matching.map(([, child]) => child);
  if (/^\d+$/.test(token)) {
    const tuple = Array.isArray(part.items) ? part.items : list(part.prefixItems);
    const rest = Array.isArray(part.items) ? part.additionalItems : part.items;
    if (Number(token) < tuple.length) return [tuple[Number(token)]];
    if (tuple.length > 0 || rest !== undefined) return rest === undefined ? [] : [rest];
  }
  return isRecord(part.additionalProperties) || part.additionalProperties === true ? [part.additionalProperties] : [];
}

function matches(pattern: string, name: string): boolean {
  try {
    return testWithin(new RegExp(pattern, "u"), name) ?? false;
  } catch {
    return true;
  }
}

/** The names of the properties that the schema declares at a pointer, for messages to people. */
export function propertiesAt(schema: JsonSchema, pointer: Pointer, definitions: Definitions): string[] {
  const parts = (schemasAt(schema, pointer, definitions) ?? []).filter(isRecord);
  return parts.flatMap((part) => Object.keys(record(part.properties)));
}

/** The values that an enum or const allows at a pointer; undefined where there is neither. */
export function allowedAt(schema: JsonSchema, pointer: Pointer, definitions: Definitions): readonly unknown[] | undefined {
  const parts = (schemasAt(schema, pointer, definitions) ?? []).filter(isRecord);
  const sets = parts.flatMap((part) => ("const" in part ? [[part.const]] : Array.isArray(part.enum) ? [part.enum] : []));
  return sets.length === 0 ? undefined : sets.flat();
}

/** Keywords that hold schemas by name, in a list, and one schema: draft 07 and 2020-12. */
const schemaMaps = new Set(["properties", "patternProperties", "dependencies", "dependentSchemas", "definitions", "$defs"]);
const schemaLists = new Set(["allOf", "anyOf", "oneOf", "items", "prefixItems"]);
const schemaKeywords = new Set(
  `items additionalItems additionalProperties unevaluatedItems unevaluatedProperties contains propertyNames not if then else`.split(
    " ",
  ),
);

/** Calls `visit` for every schema object within a schema, the schema itself first. */
export function eachSubschema(
  schema: unknown,
  visit: (schema: Record<string, unknown>, pointer: Pointer) => void,
  pointer = "",
): void {
  if (!isRecord(schema)) return;
  visit(schema, pointer);
  for (const [child, at] of subschemas(schema, pointer)) eachSubschema(child, visit, at);
}

/** What stands where a schema must stand, directly below this one: perhaps no schema. */
export function subschemas(schema: Record<string, unknown>, pointer: Pointer): [unknown, Pointer][] {
  return Object.entries(schema).flatMap(([keyword, child]): [unknown, Pointer][] => {
    const at = `${pointer}/${keyword}`;
    if (schemaMaps.has(keyword) && isRecord(child)) {
      const schemas =
        keyword === "dependencies" ? Object.entries(child).filter(([, one]) => !Array.isArray(one)) : Object.entries(child);
      return schemas.map(([name, nested]) => [nested, join(at, name)]);
    }
    if (schemaLists.has(keyword) && Array.isArray(child)) return child.map((nested, index) => [nested, `${at}/${index}`]);
    return schemaKeywords.has(keyword) ? [[child, at]] : [];
  });
}
