// Objects that are valid by properties, patternProperties, additionalProperties, required, dependencies and counts of all parts.
import fc from "fast-check";
import type { JsonSchema } from "../../spec/contract.ts";
import { join } from "../../spec/pointer.ts";
import { record, strings } from "../../spec/raw.ts";
import { countBoundsOf, greatestCount } from "./array-arbitrary.ts";
import { boundedFilter, type FilterCount, UnsatisfiableSchema } from "./bounded-filter.ts";
import type { Located, Part } from "./expand-schema.ts";
import type { Json } from "./json.ts";
import { compilePattern } from "./pattern.ts";
import { leastSizeOf, type SubschemaBuilder, withLeastSize } from "./subschema-builder.ts";

/** Names that programs are known to mishandle. */
const awkwardNames = ["__proto__", "constructor", "toString", "", " ", "\u00e9", "a/b~c", "0"];

/** What must hold for the property `name`. */
export function schemasFor(parts: readonly Part[], name: string): Located[] {
  return parts.flatMap(({ schema, pointer }) => {
    const found: Located[] = [];
    const properties = record(schema.properties);
    if (Object.hasOwn(properties, name)) {
      found.push({ schema: properties[name] as JsonSchema, pointer: join(pointer, "properties", name) });
    }
    for (const [pattern, inner] of Object.entries(record(schema.patternProperties))) {
      if (compilePattern(pattern).test(name)) {
        found.push({ schema: inner as JsonSchema, pointer: join(pointer, "patternProperties", pattern) });
      }
    }
    if (found.length === 0 && schema.additionalProperties !== undefined) {
      found.push({ schema: schema.additionalProperties as JsonSchema, pointer: join(pointer, "additionalProperties") });
    }
    return found;
  });
}

/** Names that the parts mention, in the order of the document. */
export function namesOf(parts: readonly Part[]): string[] {
  return [...new Set(parts.flatMap(({ schema }) => [...Object.keys(record(schema.properties)), ...strings(schema.required)]))];
}

/** Names that must be there, those that follow from dependencies too. */
export function requiredOf(parts: readonly Part[]): ReadonlySet<string> {
  return withDependencies(new Set(parts.flatMap(({ schema }) => strings(schema.required))), dependenciesOf(parts));
}

function dependenciesOf(parts: readonly Part[]): readonly (readonly [string, readonly string[]])[] {
  return parts.flatMap(({ schema }) =>
    [...Object.entries(record(schema.dependencies)), ...Object.entries(record(schema.dependentRequired))].flatMap(
      ([name, needed]) => (Array.isArray(needed) ? [[name, strings(needed)] as const] : []),
    ),
  );
}

function withDependencies(names: ReadonlySet<string>, dependencies: ReturnType<typeof dependenciesOf>): ReadonlySet<string> {
  const all = new Set(names);
  for (let size = -1; size !== all.size; ) {
    size = all.size;
    for (const [name, needed] of dependencies) if (all.has(name)) for (const other of needed) all.add(other);
  }
  return all;
}

type Extras = fc.Arbitrary<[string, Json][]>;

/** @param spread how many members beyond the named ones an object has at most */
export function objectArbitrary(
  parts: readonly Part[],
  pointer: string,
  build: SubschemaBuilder,
  spread: number,
  count: FilterCount,
): { readonly arbitrary: fc.Arbitrary<Json>; readonly exact: boolean } {
  const required = requiredOf(parts);
  const model = new Map<string, fc.Arbitrary<Json>>();
  for (const name of new Set([...namesOf(parts), ...required])) {
    const schemas = schemasFor(parts, name);
    const value = required.has(name) ? build.required(schemas) : build.optional(schemas);
    if (value !== undefined) model.set(name, value);
  }
  const { min, max } = countBoundsOf(parts, "minProperties", "maxProperties");
  if (required.size > max || min > max) {
    throw new UnsatisfiableSchema(pointer, `${Math.max(required.size, min)} properties are required, ${max} allowed`);
  }
  if (min > greatestCount)
    throw new UnsatisfiableSchema(pointer, `minProperties ${min} is over the ${greatestCount} members that are generated`);
  const dependencies = dependenciesOf(parts);
  const named = { model, required, dependencies, min, max };
  const lacking = Math.max(0, min - model.size);
  const extras =
    spread > 0 || lacking > 0 ? extrasArbitrary(parts, build, { names: model, lacking, spread, count, pointer }) : undefined;
  if (lacking > 0 && extras === undefined) {
    throw new UnsatisfiableSchema(pointer, `${min} properties are required, ${model.size} can be made`);
  }
  const known = namedArbitrary(named);
  const arbitrary =
    extras === undefined ? known : fc.tuple(known, extras).map(([object, more]) => withMembers(object, more, max));
  const counted = min > 0 || max < model.size;
  const kept = counted ? boundedFilter(arbitrary, (object) => within(object, min, max), pointer, count) : arbitrary;
  const least = [...required].reduce((sum, name) => sum + leastSizeOf(model.get(name)), 1);
  return {
    arbitrary: withLeastSize(kept as fc.Arbitrary<Json>, least, pointer),
    exact:
      parts.every(({ schema }) => schema.propertyNames === undefined && schema.unevaluatedProperties === undefined) &&
      // A member that cannot be made may be needed by another one.
      dependencies.every(([, needed]) => needed.every((name) => model.has(name))),
  };
}

interface Named {
  readonly model: ReadonlyMap<string, fc.Arbitrary<Json>>;
  readonly required: ReadonlySet<string>;
  readonly dependencies: ReturnType<typeof dependenciesOf>;
  readonly min: number;
  readonly max: number;
}

type JsonObject = { readonly [name: string]: Json };

function namedArbitrary({ model, required, dependencies, min, max }: Named): fc.Arbitrary<JsonObject> {
  const all = Object.fromEntries(model);
  const optional = [...model.keys()].filter((name) => !required.has(name));
  if (min <= required.size && max >= model.size && dependencies.length === 0) {
    return fc.record(all, { requiredKeys: [...required], noNullPrototype: true });
  }
  const least = Math.min(optional.length, Math.max(0, min - required.size));
  const chosen = fc.subarray(optional, {
    minLength: least,
    maxLength: Math.max(least, Math.min(optional.length, max - required.size)),
  });
  return fc.tuple(fc.record(all, { noNullPrototype: true }), chosen).map(([object, names]) => {
    const kept = withDependencies(new Set([...required, ...names]), dependencies);
    return Object.fromEntries(Object.entries(object).filter(([name]) => kept.has(name)));
  });
}

function within(object: JsonObject, min: number, max: number): boolean {
  const size = Object.keys(object).length;
  return size >= min && size <= max;
}

function withMembers(object: JsonObject, more: readonly [string, Json][], max: number): JsonObject {
  const room = Math.max(0, max - Object.keys(object).length);
  return Object.fromEntries([...Object.entries(object), ...more.slice(0, room)]);
}

interface ExtrasOptions {
  readonly names: ReadonlyMap<string, unknown>;
  readonly lacking: number;
  readonly spread: number;
  readonly count: FilterCount;
  readonly pointer: string;
}

/** Members that no `properties` names: by each pattern, and beyond all patterns. */
function extrasArbitrary(parts: readonly Part[], build: SubschemaBuilder, options: ExtrasOptions): Extras | undefined {
  const { lacking, spread, count, pointer } = options;
  const declared = new Set(parts.flatMap(({ schema }) => Object.keys(record(schema.properties))));
  const patterns = [...new Set(parts.flatMap(({ schema }) => Object.keys(record(schema.patternProperties))))];
  const expressions = patterns.map(compilePattern);
  const nameSchemas = parts.flatMap(({ schema, pointer }) =>
    schema.propertyNames === undefined
      ? []
      : [{ schema: schema.propertyNames as JsonSchema, pointer: join(pointer, "propertyNames") }],
  );
  const isNew = (name: string) => !declared.has(name) && !options.names.has(name);
  const members: fc.Arbitrary<[string, Json]>[] = [];
  const add = (names: fc.Arbitrary<string>, keeps: (name: string) => boolean, example: Located[]) => {
    const value = build.optional(example);
    if (value === undefined) return;
    members.push(
      fc.tuple(
        boundedFilter(names, (name) => isNew(name) && keeps(name), pointer, count),
        value,
      ),
    );
  };

  for (const [index, pattern] of patterns.entries()) {
    const names = build.optional([{ schema: { type: "string", pattern }, pointer }, ...nameSchemas]) as fc.Arbitrary<string>;
    if (names === undefined) continue;
    const alone = (name: string) => expressions.every((expression, other) => expression.test(name) === (other === index));
    // A name that fits this pattern alone has its schema, and the additional ones of the parts without it.
    const schemas = parts.flatMap((part) => {
      const own = record(part.schema.patternProperties)[pattern];
      if (own !== undefined) return [{ schema: own as JsonSchema, pointer: join(part.pointer, "patternProperties", pattern) }];
      return additionalOf(part);
    });
    add(names, alone, schemas);
  }
  const isClosed =
    lacking === 0 &&
    (parts.some(({ schema }) => schema.unevaluatedProperties === false) ||
      (declared.size > 0 && parts.every(({ schema }) => schema.additionalProperties === undefined)));
  if (!isClosed) {
    const names =
      nameSchemas.length > 0
        ? (build.optional([{ schema: { type: "string" }, pointer }, ...nameSchemas]) as fc.Arbitrary<string> | undefined)
        : fc.oneof(
            { weight: 5, arbitrary: fc.string({ unit: "grapheme-ascii", minLength: 1, maxLength: 8 }) },
            { weight: 1, arbitrary: fc.constantFrom(...awkwardNames) },
          );
    if (names !== undefined)
      add(names, (name) => !expressions.some((expression) => expression.test(name)), parts.flatMap(additionalOf));
  }
  if (members.length === 0) return undefined;
  const member = members.length === 1 ? members[0]! : fc.oneof(...members);
  const drawn = fc.array(member, { minLength: lacking === 0 ? 0 : lacking + 3, maxLength: lacking + Math.max(spread, 3) });
  const distinctNames = drawn.map((entries) => [...new Map(entries).entries()]);
  return lacking === 0 ? distinctNames : boundedFilter(distinctNames, (entries) => entries.length >= lacking, pointer, count);
}

function additionalOf({ schema, pointer }: Part): Located[] {
  if (schema.additionalProperties === undefined) return [];
  return [{ schema: schema.additionalProperties as JsonSchema, pointer: join(pointer, "additionalProperties") }];
}
