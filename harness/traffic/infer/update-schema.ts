// What traffic shows of one message and its schema lacks: members, members that may be missing, types, values. Bounds are for check to test.
import { isRecord, list, record, strings } from "../../../spec/raw.ts";
import { Noted, schemaOf } from "./emit-schema.ts";
import type { Shape } from "./shape.ts";
import type { Path, YamlEdit } from "./yaml-edit.ts";

export interface SchemaUpdate {
  readonly yaml: YamlEdit;
  /** Takes one sentence of the report. */
  readonly drift: (sentence: string) => void;
  /** The message, as the report names it. */
  readonly of: string;
  /** Takes a place that was not compared, and why. */
  readonly skipped: (place: string) => void;
}

const context = { constants: new Map<string, unknown>(), mayBeEnum: () => false };
const maxEnum = 16;

/** @param at the member, such as `/payload/room`; empty for the whole message */
export function updateSchema(update: SchemaUpdate, written: Path, shape: Shape, at = ""): void {
  const path = update.yaml.follow(written);
  const schema = path === undefined ? undefined : update.yaml.at(path);
  // Alternatives may each fit some of the frames: which one to change is for people to say.
  if (path === undefined || (isRecord(schema) && ["oneOf", "anyOf", "if"].some((keyword) => keyword in schema))) {
    update.skipped(`${placeOf(update, at)} (${path === undefined ? "in another file" : "alternatives"})`);
    return;
  }
  if (!isRecord(schema)) return;
  updateTypes(update, path, schema, shape, at);
  if (shape.of("object") > 0) updateMembers(update, path, schema, shape, at);
  if (shape.items === undefined) return;
  if (isRecord(schema.items)) updateSchema(update, [...path, "items"], shape.items, `${at}/*`);
  else if (Array.isArray(schema.items))
    for (const [index, position] of (shape.positions ?? []).entries())
      if (index < schema.items.length) updateSchema(update, [...path, "items", String(index)], position, `${at}/${index}`);
}

const placeOf = ({ of }: SchemaUpdate, at: string) => (at === "" ? of : `${at} of ${of}`);

function updateTypes(
  update: SchemaUpdate,
  path: Path,
  schema: Record<string, unknown>,
  { types, values }: Shape,
  at: string,
): void {
  const { yaml, drift } = update;
  const place = placeOf(update, at);
  const written = typeof schema.type === "string" ? [schema.type] : strings(schema.type);
  const more = [...types.keys()].filter((type) => !written.includes(type) && !(type === "integer" && written.includes("number")));
  if (written.length > 0 && more.length > 0) {
    const all = [...written, ...more];
    const kept = all.filter((type) => type !== "integer" || !all.includes("number"));
    yaml.set([...path, "type"], kept.length === 1 ? kept[0] : kept);
    drift(`${place} was ${written.join(" or ")} and is ${more.join(" or ")} as well`);
  }
  const known = Array.isArray(schema.enum) ? schema.enum : "const" in schema ? [schema.const] : undefined;
  if (known === undefined || known.some((value) => typeof value === "object" && value !== null)) return;
  const seen = [...(values?.keys() ?? []), ...(types.has("null") ? [null] : [])];
  const fresh = seen.filter((value) => !known.includes(value));
  if (values !== undefined && fresh.length === 0) return;
  const isFew = values !== undefined && fresh.length <= maxEnum;
  yaml.drop([...path, "const"]);
  if (isFew) yaml.set([...path, "enum"], [...known, ...fresh]);
  else {
    yaml.drop([...path, "enum"]);
    if (written.length === 0) yaml.set([...path, "type"], [...types.keys()]);
  }
  const shown = isFew ? fresh.map((value) => JSON.stringify(value)).join(", ") : "many other values";
  drift(`${place} was only ${known.map((value) => JSON.stringify(value)).join(", ")} and is ${shown} as well`);
}

function updateMembers(update: SchemaUpdate, path: Path, schema: Record<string, unknown>, shape: Shape, at: string): void {
  const { yaml, drift } = update;
  const objects = shape.of("object");
  const parts = partsOf(yaml, path, schema);
  for (const part of parts)
    for (const name of strings(part.schema.required)) {
      const count = shape.members.get(name)?.count ?? 0;
      if (count === objects || shape.rest !== undefined) continue;
      yaml.remove([...part.path, "required"], name);
      drift(`${at}/${name} of ${update.of} was required and is missing in ${objects - count} of ${objects} frames`);
    }
  const isOpen = parts.every(({ schema: part }) => part.properties === undefined);
  const isMap = parts.some(({ schema: part }) => isRecord(part.additionalProperties) || isRecord(part.patternProperties));
  const drafted = record(schemaOf(shape, context).properties);
  for (const [name, member] of shape.members) {
    const part = parts.find((one) => name in record(one.schema.properties));
    if (part !== undefined) updateSchema(update, [...part.path, "properties", name], member, `${at}/${name}`);
    // A draft leaves names out that whoever sent it chose freely.
    else if (!isOpen && !isMap && name in drafted) {
      yaml.set([...path, "properties", name], new Noted(schemaOf(member, context), `in ${member.count} of ${objects} frames`));
      drift(`${at}/${name} of ${update.of} is new: in ${member.count} of ${objects} frames`);
    }
  }
}

/** The schema and all its allOf. */
function partsOf(
  yaml: YamlEdit,
  path: Path,
  schema: Record<string, unknown>,
  depth = 0,
): { path: Path; schema: Record<string, unknown> }[] {
  const more = depth > 8 ? [] : list(schema.allOf).keys();
  return [
    { path, schema },
    ...[...more].flatMap((index) => {
      const at = yaml.follow([...path, "allOf", String(index)]);
      const part = at === undefined ? undefined : yaml.at(at);
      return at === undefined || !isRecord(part) ? [] : partsOf(yaml, at, part, depth + 1);
    }),
  ];
}
