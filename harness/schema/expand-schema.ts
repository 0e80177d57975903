// Expands schemas that must all be satisfied into alternatives without $ref, allOf, anyOf, oneOf or if: plain keywords side by side.
import type { JsonSchema } from "../../spec/contract.ts";
import { join } from "../../spec/pointer.ts";
import { isRecord, list, record, text } from "../../spec/raw.ts";

/** A schema and where it stands in the document. */
export interface Located {
  readonly schema: JsonSchema;
  readonly pointer: string;
}

/** A schema whose own keywords are all that is left to say. */
export interface Part {
  readonly schema: Readonly<Record<string, unknown>>;
  readonly pointer: string;
}

/** One way to satisfy the schemas: every part is satisfied. */
export interface Alternative {
  readonly parts: readonly Part[];
  /** False where the parts leave out oneOf, not or if, so the validator must check each value. */
  readonly exact: boolean;
  /** Whether a definition was entered that leads back to itself. */
  readonly recursive: boolean;
}

export interface Definitions {
  lookup(name: string): Located | undefined;
  isRecursive(name: string): boolean;
}

/** Products of many choices are cut here: the values stay valid, only their variety is less. */
const maxAlternatives = 64;
const referencePrefix = "#/definitions/";

/** The definition that a schema refers to, if it does. */
export function referenceOf(schema: unknown): string | undefined {
  const reference = text(record(schema).$ref);
  return reference?.startsWith(referencePrefix) ? reference.slice(referencePrefix.length) : undefined;
}

/** Empty where no value can fulfil the schemas, as with `false`. */
export function alternativesOf(schemas: readonly Located[], definitions: Definitions): Alternative[] {
  const found: Alternative[] = [];
  expand({ pending: schemas, parts: [], choices: [], entered: new Set(), exact: true, recursive: false }, definitions, found);
  return found;
}

interface Unfinished {
  readonly pending: readonly Located[];
  readonly parts: readonly Part[];
  readonly choices: readonly Choice[];
  readonly entered: ReadonlySet<string>;
  readonly exact: boolean;
  readonly recursive: boolean;
}

type Choice = readonly (readonly Located[])[];

function expand(start: Unfinished, definitions: Definitions, found: Alternative[]): void {
  const pending = [...start.pending];
  const parts = [...start.parts];
  const choices = [...start.choices];
  const entered = new Set(start.entered);
  let { exact, recursive } = start;
  for (let next = pending.shift(); next !== undefined; next = pending.shift()) {
    const { schema, pointer } = next;
    if (schema === false) return;
    if (!isRecord(schema) || Object.keys(schema).length === 0) continue;
    parts.push({ schema, pointer });
    const name = referenceOf(schema);
    // A definition that was entered before adds nothing by standing there twice.
    if (name !== undefined && !entered.has(name)) {
      entered.add(name);
      recursive ||= definitions.isRecursive(name);
      const target = definitions.lookup(name);
      if (target === undefined) return;
      pending.push(target);
    }
    pending.push(...branches(schema, pointer, "allOf"));
    if ("anyOf" in schema) choices.push(branches(schema, pointer, "anyOf").map((branch) => [branch]));
    if ("oneOf" in schema) choices.push(branches(schema, pointer, "oneOf").map((branch) => [branch]));
    if ("if" in schema) choices.push(condition(schema, pointer));
    choices.push(...schemaDependencies(schema, pointer));
    exact &&= !("oneOf" in schema || "not" in schema || "if" in schema);
  }
  const [choice, ...later] = choices;
  if (choice === undefined) {
    if (found.length < maxAlternatives) found.push({ parts, exact, recursive });
    return;
  }
  for (const option of choice) {
    expand({ pending: option, parts, choices: later, entered, exact, recursive }, definitions, found);
  }
}

function branches(schema: Part["schema"], pointer: string, keyword: string): Located[] {
  return list(schema[keyword]).map((branch, index) => ({ schema: branch as JsonSchema, pointer: join(pointer, keyword, index) }));
}

/** `then` goes with `if`; what `else` stands beside is left to the validator. */
function condition(schema: Part["schema"], pointer: string): Choice {
  const at = (keyword: string): Located[] =>
    keyword in schema ? [{ schema: schema[keyword] as JsonSchema, pointer: join(pointer, keyword) }] : [];
  return [[...at("if"), ...at("then")], at("else")];
}

/** A property is absent, or what depends on it holds. */
function schemaDependencies(schema: Part["schema"], pointer: string): Choice[] {
  return ["dependencies", "dependentSchemas"]
    .flatMap((keyword) => Object.entries(record(schema[keyword])).map(([name, needed]) => ({ keyword, name, needed })))
    .filter(({ needed }) => !Array.isArray(needed))
    .map(({ keyword, name, needed }) => {
      const at = join(pointer, keyword, name);
      return [[{ schema: { properties: { [name]: false } }, pointer: at }], [{ schema: needed as JsonSchema, pointer: at }]];
    });
}

/** Looks definitions up by name, and knows which of them lead back to themselves. */
export function createDefinitions(schemas: ReadonlyMap<string, JsonSchema>): Definitions {
  const reached = new Map<string, ReadonlySet<string>>();
  for (const [name, schema] of schemas) reached.set(name, referencesIn(schema));
  const recursive = new Map<string, boolean>();
  const leadsBack = (name: string): boolean => {
    const seen = new Set<string>();
    const open = [...(reached.get(name) ?? [])];
    for (let next = open.pop(); next !== undefined; next = open.pop()) {
      if (next === name) return true;
      if (seen.has(next)) continue;
      seen.add(next);
      open.push(...(reached.get(next) ?? []));
    }
    return false;
  };
  for (const name of schemas.keys()) recursive.set(name, leadsBack(name));
  return {
    lookup: (name) => (schemas.has(name) ? { schema: schemas.get(name)!, pointer: `${referencePrefix}${name}` } : undefined),
    isRecursive: (name) => recursive.get(name) ?? false,
  };
}

function referencesIn(value: unknown): ReadonlySet<string> {
  const found = new Set<string>();
  const walk = (value: unknown) => {
    if (Array.isArray(value)) value.forEach(walk);
    else if (isRecord(value)) {
      const name = referenceOf(value);
      if (name !== undefined) found.add(name);
      Object.values(value).forEach(walk);
    }
  };
  walk(value);
  return found;
}
