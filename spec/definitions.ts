// Schemas of a document with every `$ref` rewritten to `#/definitions/NAME`, and the definitions that this takes.

import path from "node:path";
import { breakCycles, type Cycle } from "./break-cycles.ts";
import type { DocumentPointer, JsonSchema } from "./contract.ts";
import { isRegExp } from "./guarded-regexp.ts";
import { canonical, join, lookup, tokens } from "./pointer.ts";
import { isRecord, type RawRecord, record } from "./raw.ts";
import { filesKey } from "./references.ts";
import type { SourceTree } from "./source-tree.ts";

/** Keywords whose members are names that the author chose, so that none of them is a keyword. */
const nameMaps = new Set(["properties", "patternProperties", "dependencies", "dependentSchemas"]);
/** Keywords that hold data: a `$ref` in there is just a member. */
const dataKeywords = new Set(["const", "enum", "default", "examples", "example"]);
/** Keys that say nothing about what they hold, so that a definition is not named after them. */
const dullKeys = new Set(["payload", "schema", "headers", "items", "schemas", "properties", "components", "messages"]);
/** They give a schema another base address or own definitions, so that `#/definitions/NAME` would mean something else. */
const dropped = new Set(["$id", "$schema", "definitions", "$defs"]);

export interface Definitions {
  /** The schema that stands at the pointer. */
  schemaAt(pointer: DocumentPointer): JsonSchema;
  /** All that is referenced, after the named schemas of the document, in its order. */
  all(): ReadonlyMap<string, JsonSchema>;
  /** Definitions that contained themselves at the same place, before they were changed. */
  cycles(): readonly Cycle[];
  /** Where in the document the definition stands. */
  pointerOf(name: string): DocumentPointer | undefined;
}

export function createDefinitions(tree: SourceTree): Definitions {
  const nameByPointer = new Map<DocumentPointer, string>();
  const pointerByName = new Map<string, DocumentPointer>();
  const schemas = new Map<string, JsonSchema>();
  const unwritten: string[] = [];
  const cycles: Cycle[] = [];

  const nameOf = (pointer: DocumentPointer): string => {
    const known = nameByPointer.get(pointer);
    if (known !== undefined) return known;
    const wanted = wantedName(pointer, tree);
    let name = wanted;
    for (let suffix = 2; pointerByName.has(name); suffix++) name = `${wanted}_${suffix}`;
    nameByPointer.set(pointer, name);
    pointerByName.set(name, pointer);
    schemas.set(name, true);
    unwritten.push(name);
    return name;
  };

  /** Rewriting a schema may name further ones, which come after it. */
  const complete = () => {
    for (let name = unwritten.shift(); name !== undefined; name = unwritten.shift()) {
      schemas.set(name, rewrite(unwrapped(lookup(tree.root, pointerByName.get(name)!))));
    }
    for (let found = breakCycles(schemas); found.length > 0; found = breakCycles(schemas)) cycles.push(...found);
    return schemas;
  };

  const rewrite = (value: unknown): JsonSchema => {
    if (typeof value === "boolean") return value;
    if (!isRecord(value)) return true;
    const entries = Object.entries(withNumericBounds(value))
      .filter(([keyword, child]) => !dropped.has(keyword) && isUsable(keyword, child, value))
      .map(([keyword, child]): [string, unknown] => [keyword, rewriteMember(keyword, child)]);
    return Object.fromEntries(entries);
  };

  const rewriteMember = (keyword: string, child: unknown): unknown => {
    if (keyword === "$ref" && typeof child === "string") return `#/definitions/${nameOf(canonical(child))}`;
    if (dataKeywords.has(keyword) || keyword.startsWith("x-")) return child;
    if (nameMaps.has(keyword) && isRecord(child)) {
      // What is no schema there is reported by lint and says nothing.
      const schemas = Object.entries(child).filter(
        ([name, schema]) =>
          (typeof schema === "object" || typeof schema === "boolean") && (keyword !== "patternProperties" || isRegExp(name)),
      );
      return Object.fromEntries(schemas.map(([name, schema]) => [name, rewriteNested(schema)]));
    }
    return rewriteNested(child);
  };

  const rewriteNested = (child: unknown): unknown => {
    if (Array.isArray(child)) return child.map(rewriteNested);
    return isRecord(child) ? rewrite(unwrapped(child)) : child;
  };

  const components = "#/components/schemas";
  for (const name of Object.keys(record(lookup(tree.root, components)))) nameOf(join(components, name));

  return {
    schemaAt: (pointer) => rewrite(unwrapped(lookup(tree.root, pointer))),
    all: complete,
    cycles: () => cycles,
    pointerOf: (name) => pointerByName.get(name),
  };
}

/** OpenAPI 3.0 and draft 04 say `exclusiveMinimum: true` beside the minimum; draft 07 has the number there. */
function withNumericBounds(schema: RawRecord): RawRecord {
  if (typeof schema.exclusiveMinimum !== "boolean" && typeof schema.exclusiveMaximum !== "boolean") return schema;
  const copy: Record<string, unknown> = { ...schema };
  for (const [exclusive, inclusive] of [
    ["exclusiveMinimum", "minimum"],
    ["exclusiveMaximum", "maximum"],
  ] as const) {
    if (typeof copy[exclusive] !== "boolean") continue;
    const isExclusive = copy[exclusive] && typeof copy[inclusive] === "number";
    delete copy[exclusive];
    if (!isExclusive) continue;
    copy[exclusive] = copy[inclusive];
    delete copy[inclusive];
  }
  return copy;
}

/** After the key in the document; a schema that is a whole file is named after the file. */
function wantedName(pointer: DocumentPointer, tree: SourceTree): string {
  const last = tokens(pointer).findLast((token) => !dullKeys.has(token) && !/^\d+$/.test(token)) ?? "Schema";
  const file = last === filesKey ? tree.origins.get(`#/${tokens(pointer).slice(0, 2).join("/")}`)?.file : undefined;
  const telling = file === undefined ? last : path.basename(file).replace(/(?:\.schema)?\.[^.]+$/, "");
  return telling.replaceAll(/[^A-Za-z0-9_.-]/g, "_");
}

/** AsyncAPI 3 lets a schema say its format: `{ schemaFormat, schema }`. */
function unwrapped(value: unknown): unknown {
  return isRecord(value) && typeof value.schemaFormat === "string" && "schema" in value ? value.schema : value;
}

/** Patterns that are none, and `nullable` without a type beside it, stop AJV: lint names them, and the rest of the schema counts. */
function isUsable(keyword: string, child: unknown, { type, enum: values }: RawRecord): boolean {
  if (keyword === "pattern") return typeof child !== "string" || isRegExp(child);
  if (keyword !== "nullable") return true;
  return typeof child === "boolean" && type !== undefined && (!Array.isArray(values) || values.includes(null));
}
