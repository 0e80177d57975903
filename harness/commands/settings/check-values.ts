// Values of options against their schema, by AJV: the first mistake becomes a UsageError that names the option or the line, echoes the value and says what was expected.
import { Ajv, type ErrorObject } from "ajv";
import { nearest } from "../../../spec/nearest.ts";
import { UsageError } from "../../schema/errors.ts";
import { longFlag } from "./flags.ts";

import { isGroup, type Option, type Options } from "./option.ts";

/** How a reader knows an option: by its flag, or by its key. */
export type Naming = "flag" | "key";

/** The JSON Schema of the options. */
export function schemaOf(options: Options, extra: Readonly<Record<string, object>> = {}): object {
  const properties = Object.entries(options).map(([name, option]) => [name, schemaOfOption(option)]);
  return { type: "object", additionalProperties: false, properties: { ...Object.fromEntries(properties), ...extra } };
}

function schemaOfOption(option: Option): object {
  const { description } = option;
  if (isGroup(option)) {
    const { maxProperties } = option;
    return { ...schemaOf(option.properties), description, ...(maxProperties === undefined ? {} : { maxProperties }) };
  }
  const { flag, expected, secret, path, transient, bare, unit, single, positional, ...keywords } = option as Option &
    Readonly<Record<"bare" | "unit" | "single" | "positional", unknown>>;
  if (bare !== undefined) return { description, anyOf: [keywords, { const: true }] };
  if (single !== undefined) return { description, anyOf: [(option as { items: object }).items, keywords] };
  return keywords;
}

/**
 * @param where what stands before a message, such as `wsproof.config.yaml:3: `, from the path of a value
 * @throws UsageError
 */
export function checkValues(
  options: Options,
  values: unknown,
  { naming, where = () => "" }: { readonly naming: Naming; readonly where?: (path: readonly string[]) => string },
): void {
  const validate = new Ajv({ strict: false, allErrors: false }).compile(schemaOf(options));
  // Whoever leaves an option undefined has not given it.
  if (validate(JSON.parse(JSON.stringify(values ?? {})))) return;
  const error = validate.errors!.find(({ keyword }) => keyword === "additionalProperties") ?? validate.errors![0]!;
  throw new UsageError(explain(options, values, error, naming, where));
}

function explain(
  options: Options,
  values: unknown,
  error: ErrorObject,
  naming: Naming,
  where: (path: readonly string[]) => string,
): string {
  const path = error.instancePath.split("/").slice(1);
  const { chain, option } = find(options, path);
  if (error.keyword === "additionalProperties" && (option === undefined || isGroup(option))) {
    const name: string = error.params.additionalProperty;
    const known = Object.keys(option === undefined ? options : (option as { properties: Options }).properties);
    const near = nearest(name, known);
    const hint = near === undefined ? `known: ${known.join(", ")}` : `did you mean ${near}?`;
    return `${where([...path, name])}unknown option "${[...chain, name].join(".")}"; ${hint}`;
  }
  if (option === undefined) return `${where(path)}expected an object with ${Object.keys(options).join(", ")}`;
  const got = chain.reduce<unknown>((place, name) => (place as Record<string, unknown>)[name], values);
  const name = naming === "flag" && option.flag !== undefined ? longFlag(option) : chain.join(".");
  return `${where(chain)}expected ${name} ${expectationOf(option)}, got ${JSON.stringify(got)}`;
}

/** The option that a JSON pointer of values leads to. */
function find(options: Options, path: readonly string[]): { chain: readonly string[]; option: Option | undefined } {
  const [name, ...rest] = path;
  const option = name === undefined ? undefined : options[name];
  if (option === undefined) return { chain: [], option: undefined };
  if (!isGroup(option) || rest.length === 0) return { chain: [name!], option };
  const inner = find(option.properties, rest);
  return { chain: [name!, ...inner.chain], option: inner.option ?? option };
}

function expectationOf(option: Option): string {
  if ("unit" in option) {
    const { minimum, maximum } = option;
    return `from ${minimum / 1000} to ${maximum / 1000} seconds, such as 30, 30s, 1500ms or 2m`;
  }
  if (option.expected !== undefined) return `to be ${option.expected}`;
  if (option.type === "integer" || option.type === "number") return `from ${option.minimum} to ${option.maximum}`;
  if (option.type === "boolean") return "to be true or false";
  if ("enum" in option && option.enum !== undefined) return `to be one of ${option.enum.join(", ")}`;
  return option.type === "array" ? "to be a list of texts" : "to be a text that is not empty";
}
