// A shape -> JSON Schema, with a note wherever fewer frames support a thing than the whole message has. Pure.
import { join } from "../../../spec/pointer.ts";
import type { JsonType, Shape } from "./shape.ts";

/** A value of the document with a comment that stands beside it. */
export class Noted {
  readonly value: unknown;
  readonly note: string;
  constructor(value: unknown, note: string) {
    this.value = value;
    this.note = note;
  }
}

export interface SchemaContext {
  /** Pointer -> the only value that may stand there. */
  readonly constants: ReadonlyMap<string, unknown>;
  /** Whether texts of few values become an enum: those of the server, which nobody else chose. */
  readonly mayBeEnum: (values: ReadonlyMap<string | number | boolean, number>) => boolean;
}

const order: readonly JsonType[] = ["object", "array", "string", "integer", "number", "boolean", "null"];
const leastForFormat = 3;

export function schemaOf(shape: Shape, context: SchemaContext, pointer = ""): Record<string, unknown> {
  if (context.constants.has(pointer)) return { const: context.constants.get(pointer) };
  if (shape.count === 0 || shape.types.size === 0) return {};
  const types = order.filter((type) => shape.of(type) > 0 && !(type === "integer" && shape.of("number") > 0));
  const schema: Record<string, unknown> = { type: types.length === 1 ? types[0] : types };
  if (shape.of("string") > 0) Object.assign(schema, ofText(shape, types, context));
  if (shape.of("object") > 0) Object.assign(schema, ofObject(shape, context, pointer));
  if (shape.of("array") > 0) Object.assign(schema, ofArray(shape, context, pointer));
  return schema;
}

function ofText({ formats, values, types: seen }: Shape, types: readonly JsonType[], { mayBeEnum }: SchemaContext): object {
  const distinct = values === undefined ? Number.POSITIVE_INFINITY : values.size;
  if (formats?.[0] !== undefined && distinct >= leastForFormat) return { format: formats[0] };
  if (types.length === 1 && values !== undefined && mayBeEnum(values))
    return { enum: new Noted([...values.keys()].sort(), `${distinct} values in ${seen.get("string")}`) };
  return {};
}

function ofObject(shape: Shape, context: SchemaContext, pointer: string): object {
  const objects = shape.of("object");
  if (shape.isMap) {
    const names = shape.members.size;
    return {
      additionalProperties: new Noted(
        schemaOf(shape.asMap(), context, join(pointer, "*")),
        `a map: ${names} names in ${objects}`,
      ),
    };
  }
  // Names that hardly any frame has, many of them: whoever sent it chose them freely.
  const rare = [...shape.members].filter(([, { count }]) => count <= Math.max(1, objects / 10));
  const isFree = rare.length >= 10 && rare.length >= shape.members.size * 0.6;
  const members = [...shape.members].filter((one) => one[0] !== "__proto__" && !(isFree && rare.includes(one)));
  if (members.length === 0) return {};
  const required = members.filter(([, { count }]) => count === objects).map(([name]) => name);
  const properties = members.map(([name, member]) => {
    const schema = schemaOf(member, context, join(pointer, name));
    return [name, member.count === objects ? schema : new Noted(schema, `in ${member.count} of ${objects}`)];
  });
  return { ...(required.length > 0 && { required }), properties: Object.fromEntries(properties) };
}

function ofArray(shape: Shape, context: SchemaContext, pointer: string): object {
  const { positions, lengths, items } = shape;
  const isTuple =
    positions !== undefined &&
    positions.length > 1 &&
    shape.of("array") > 1 &&
    (pointer === "" || new Set(positions.map(({ types }) => [...types.keys()].join())).size > 1);
  if (isTuple)
    return {
      items: positions.map((position, index) => schemaOf(position, context, join(pointer, index))),
      ...{ minItems: lengths!.least, maxItems: lengths!.most },
    };
  return items === undefined || items.count === 0 ? {} : { items: schemaOf(items, context, join(pointer, "*")) };
}

/** The shape at a pointer, and whether every frame has it. */
export function shapeAt(root: Shape, pointer: string): { readonly shape: Shape; readonly always: boolean } | undefined {
  let shape: Shape | undefined = root;
  let always = true;
  for (const token of pointer.split("/").slice(1)) {
    const holder: Shape = shape;
    const name = token.replaceAll("~1", "/").replaceAll("~0", "~");
    shape = holder.members.get(name) ?? holder.positions?.[Number(name)];
    if (shape === undefined) return undefined;
    always &&= shape.count === holder.count;
  }
  return { shape, always };
}

/** Every named member and position below a shape, by pointer, not deeper than `depth`. */
export function* placesOf(shape: Shape, depth: number, pointer = ""): Generator<readonly [string, Shape]> {
  yield [pointer, shape];
  if (depth === 0) return;
  const below = [...shape.members, ...(shape.positions ?? []).map((position, index) => [String(index), position] as const)];
  for (const [name, member] of below) yield* placesOf(member, depth - 1, join(pointer, name));
}
