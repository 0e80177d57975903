// Values that are unique in a run and valid wherever a contract uses them: ids of requests, names of rooms, numbers of accounts.
import type { JsonSchema, Pointer } from "../../spec/contract.ts";
import { tokens } from "../../spec/pointer.ts";
import { isRecord, list, record } from "../../spec/raw.ts";
import { valueAt, withValueAt } from "./edit.ts";
import { referenceOf } from "./expand-schema.ts";
import { canonicalText, type Json } from "./json.ts";
import type { ValidSamples } from "./valid-samples.ts";

/** A pointer into a message at which the value is used. */
export interface Usage {
  readonly payload: JsonSchema;
  readonly samples: ValidSamples;
  readonly pointer: Pointer;
}

/**
 * Gives the value of a count, which is another one for every count while the schema has others.
 * @throws NoUniqueValue where no value is valid for all usages
 */
export type UniqueValues = (count: number) => Json;

export class NoUniqueValue extends Error {
  override readonly name = "NoUniqueValue";
}

/** In each group the first form that is valid is used; one group after the other, so that every JSON type has its turn. */
const forms: readonly (readonly ((count: number, prefix: string) => Json)[])[] = [
  [
    (count, prefix) => `${prefix}-${count}`,
    (count) => `00000000-0000-4000-8000-${count.toString(16).padStart(12, "0")}`,
    (count) => count.toString(36).padStart(8, "0"),
    (count) => String(count),
    (count) => count.toString(36),
  ],
  [(count) => count, (count) => count % 2 ** 31, (count) => 2 ** 20 + count, (count) => 1 + (count % 100)],
];

/** A form must be valid for all of these. */
const probes = [1, 2, 37, 99_999];
/** Values that are drawn from the schema where no form is valid. */
const drawnValues = 200;

/**
 * @param prefix of texts, as in `i-7`
 * @param like values of its JSON type alone are given, if they can be; default: each type has its turn
 */
export function createUniqueValues(
  usages: readonly Usage[],
  definitions: ReadonlyMap<string, JsonSchema>,
  prefix: string,
  like?: Json,
): UniqueValues {
  const { isValid, fitting } = fittingForms(usages, prefix);
  const alike = fitting.filter((form) => typeof form(1, prefix) === typeof like);
  const valid = alike.length > 0 ? alike : fitting;
  if (valid.length > 0) return (count) => valid[count % valid.length]!(count, prefix);
  let drawn: readonly Json[] | undefined;
  return (count) => {
    drawn ??= drawnFor(usages, definitions).filter(isValid);
    if (drawn.length === 0)
      throw new NoUniqueValue(`no value was found that is valid at ${usages.map(({ pointer }) => pointer).join(" and ")}`);
    return drawn[count % drawn.length]!;
  };
}

/** A value of the count in each JSON type, text and number, that is valid for all usages. */
export function createTypedValues(usages: readonly Usage[], prefix: string): (count: number) => readonly Json[] {
  const { fitting } = fittingForms(usages, prefix);
  return (count) => fitting.map((form) => form(count, prefix));
}

/** The first form of each group that is valid for all usages. */
function fittingForms(usages: readonly Usage[], prefix: string) {
  const bases = usages.map(
    ({ samples, pointer }) => samples.all.find((one) => valueAt(one, pointer) !== undefined) ?? samples.all[0],
  );
  const isValid = (value: Json) =>
    usages.every(({ samples, pointer }, at) => {
      const base = bases[at];
      return base === undefined || samples.isValid(withValueAt(base, pointer, value));
    });
  const fitting = forms.flatMap((group) => group.find((form) => probes.every((count) => isValid(form(count, prefix)))) ?? []);
  return { isValid, fitting };
}

function drawnFor(usages: readonly Usage[], definitions: ReadonlyMap<string, JsonSchema>): readonly Json[] {
  const values = usages.flatMap(({ payload, samples, pointer }) => {
    const schema = schemaAt(payload, tokens(pointer), definitions);
    const ofMessages = samples.all.map((one) => valueAt(one, pointer)).filter((one) => one !== undefined);
    return [...(schema === undefined ? [] : samples.draw(schema, drawnValues)), ...ofMessages];
  });
  return [...new Map(values.map((value) => [canonicalText(value), value])).values()];
}

/** The schema of the member at the path, where properties, items and references alone lead there. */
function schemaAt(
  schema: unknown,
  path: readonly string[],
  definitions: ReadonlyMap<string, JsonSchema>,
  depth = 0,
): JsonSchema | undefined {
  const name = referenceOf(schema);
  if (name !== undefined) return depth > 20 ? undefined : schemaAt(definitions.get(name), path, definitions, depth + 1);
  const [first, ...rest] = path;
  if (first === undefined) return isRecord(schema) ? (schema as JsonSchema) : undefined;
  const { properties, items, prefixItems } = record(schema);
  const tuple = list(prefixItems ?? (Array.isArray(items) ? items : []));
  const inner = record(properties)[first] ?? tuple[Number(first)] ?? (Array.isArray(items) ? undefined : items);
  return inner === undefined ? undefined : schemaAt(inner, rest, definitions, depth);
}
