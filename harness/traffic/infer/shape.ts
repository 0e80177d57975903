// What values of one place looked like: types, members, items and how often each was seen. Two shapes merge; memory is bounded.

export type JsonType = "null" | "boolean" | "integer" | "number" | "string" | "array" | "object";

/** Formats that are noticed where every text of a place has them. */
const formats = {
  "date-time": /^\d{4}-\d\d-\d\d[Tt]\d\d:\d\d:\d\d(\.\d+)?([Zz]|[+-]\d\d:\d\d)$/,
  uuid: /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i,
  uri: /^[a-z][a-z0-9+.-]*:\/\/[^\s<>"{}|\\^`]+$/i,
  email: /^[\w.+-]+@[\w-]+(\.[\w-]+)+$/,
} as const;
export type Format = keyof typeof formats;
const formatNames = Object.keys(formats) as Format[];

export const maxValues = 64;
const maxValueLength = 64;
const maxMembers = 200;
const maxDepth = 16;
/** Members by position are kept for arrays up to this length. */
const maxPositions = 8;

export class Shape {
  count = 0;
  readonly types = new Map<JsonType, number>();
  /** Short scalars and how often each was seen; undefined where there were too many. */
  values: Map<string | number | boolean, number> | undefined = new Map();
  /** Undefined where no text was seen yet, or none fits all. */
  formats: readonly Format[] | undefined;
  readonly members = new Map<string, Shape>();
  /** Members of names beyond the bound, or of an object that is a map. */
  rest: Shape | undefined;
  items: Shape | undefined;
  /** By position, of arrays that all have the same length. */
  positions: Shape[] | undefined;
  lengths: { least: number; most: number } | undefined;
  readonly #depth: number;

  constructor(depth = 0) {
    this.#depth = depth;
  }

  add(value: unknown): void {
    this.count += 1;
    const type = typeOf(value);
    this.types.set(type, (this.types.get(type) ?? 0) + 1);
    if (this.#depth >= maxDepth) return;
    if (type === "object") {
      for (const name of Object.keys(value as object)) this.#member(name).add((value as Record<string, unknown>)[name]);
    } else if (type === "array") this.#addItems(value as readonly unknown[]);
    else if (type !== "null") this.#addScalar(value as string | number | boolean);
  }

  merge(other: Shape): void {
    const before = this.count;
    this.count += other.count;
    const textsBefore = this.of("string");
    for (const [type, count] of other.types) this.types.set(type, (this.types.get(type) ?? 0) + count);
    if (other.values === undefined) this.values = undefined;
    else for (const [value, count] of other.values) this.#note(value, count);
    if (other.of("string") > 0)
      this.formats =
        textsBefore === 0 ? other.formats : this.formats?.filter((format) => other.formats?.includes(format) ?? false);
    for (const [name, shape] of other.members) this.#member(name).merge(shape);
    if (other.rest !== undefined) this.#all().merge(other.rest);
    if (other.items !== undefined) {
      this.items ??= new Shape(this.#depth + 1);
      this.items.merge(other.items);
    }
    if (other.lengths === undefined) return;
    const isFirst = before === 0 || this.lengths === undefined;
    this.#lengthen(other.lengths.least, other.lengths.most);
    const { positions } = other;
    if (positions === undefined || this.lengths!.least !== this.lengths!.most) this.positions = undefined;
    else if (isFirst) this.positions = positions.map((position) => copyOf(position, this.#depth + 1));
    else for (const [index, position] of (this.positions ?? []).entries()) position.merge(positions[index]!);
  }

  /** How many values had the type. */
  of(type: JsonType): number {
    return this.types.get(type) ?? 0;
  }

  /** An object whose names are data: many, each rare, such as ids. */
  get isMap(): boolean {
    if (this.rest !== undefined) return true;
    const objects = this.of("object");
    if (this.members.size < 8 || objects === 0) return false;
    const rare = [...this.members.values()].filter(({ count }) => count <= Math.max(1, objects / 3)).length;
    const alike = new Set([...this.members.values()].map(({ types }) => [...types.keys()].sort().join())).size === 1;
    const idLike = [...this.members.keys()].filter((name) => /\d/.test(name) || name.length > 24).length;
    return alike && (idLike >= this.members.size * 0.8 || (rare === this.members.size && this.members.size >= 20));
  }

  /** All members as one shape. */
  asMap(): Shape {
    const all = new Shape(this.#depth + 1);
    for (const shape of this.members.values()) all.merge(shape);
    if (this.rest !== undefined) all.merge(this.rest);
    return all;
  }

  #member(name: string): Shape {
    const known = this.members.get(name);
    if (known !== undefined) return known;
    if (this.members.size >= maxMembers) return this.#all();
    const shape = new Shape(this.#depth + 1);
    this.members.set(name, shape);
    return shape;
  }

  #all(): Shape {
    this.rest ??= new Shape(this.#depth + 1);
    return this.rest;
  }

  #addItems(items: readonly unknown[]): void {
    const isFirst = this.lengths === undefined;
    this.#lengthen(items.length, items.length);
    this.items ??= new Shape(this.#depth + 1);
    for (const item of items) this.items.add(item);
    if (isFirst && items.length <= maxPositions) this.positions = items.map(() => new Shape(this.#depth + 1));
    if (this.lengths!.least !== this.lengths!.most) this.positions = undefined;
    for (const [index, position] of (this.positions ?? []).entries()) position.add(items[index]);
  }

  #lengthen(least: number, most: number): void {
    this.lengths ??= { least, most };
    this.lengths.least = Math.min(this.lengths.least, least);
    this.lengths.most = Math.max(this.lengths.most, most);
  }

  #addScalar(value: string | number | boolean): void {
    if (typeof value === "string")
      this.formats = (this.of("string") === 1 ? formatNames : (this.formats ?? [])).filter((name) => formats[name].test(value));
    this.#note(value, 1);
  }

  #note(value: string | number | boolean, count: number): void {
    if (this.values === undefined) return;
    if (typeof value === "string" && value.length > maxValueLength) this.values = undefined;
    else {
      this.values.set(value, (this.values.get(value) ?? 0) + count);
      if (this.values.size > maxValues) this.values = undefined;
    }
  }
}

function copyOf(shape: Shape, depth: number): Shape {
  const copy = new Shape(depth);
  copy.merge(shape);
  return copy;
}

export function typeOf(value: unknown): JsonType {
  if (value === null || value === undefined) return "null";
  if (Array.isArray(value)) return "array";
  const type = typeof value;
  if (type === "number") return Number.isInteger(value) ? "integer" : "number";
  return type === "string" || type === "boolean" ? type : "object";
}

/** Short scalars in a value by JSON pointer, down to `depth` names or positions. */
export function* scalarsOf(value: unknown, depth: number, pointer = ""): Generator<readonly [string, string | number | boolean]> {
  if (typeof value === "string" || typeof value === "number" || typeof value === "boolean") {
    if (typeof value !== "string" || value.length <= maxValueLength) yield [pointer, value];
    return;
  }
  if (typeof value !== "object" || value === null || depth === 0) return;
  let seen = 0;
  for (const name of Object.keys(value)) {
    if (++seen > (Array.isArray(value) ? 4 : 50)) return;
    const token = name.replaceAll("~", "~0").replaceAll("/", "~1");
    yield* scalarsOf((value as Record<string, unknown>)[name], depth - 1, `${pointer}/${token}`);
  }
}
