// JSON Schemas of messages that stand alone, and their validators by AJV.
import { Ajv, type ErrorObject, type Options, type ValidateFunction } from "ajv";
import formatsPlugin from "ajv-formats";
import type { Contract, DocumentPointer, JsonSchema, Pointer } from "./contract.ts";
import { isRecord, list, record } from "./raw.ts";

const namePrefix = "#/definitions/";

/** Names of the definitions that a schema reaches, through others too, in the order of the document. */
export function reachedDefinitions(contract: Pick<Contract, "definitions">, schema: JsonSchema): string[] {
  const reached = new Set<string>();
  const walk = (value: unknown) => {
    for (const [key, child] of Object.entries(Array.isArray(value) ? value : record(value))) {
      const name = key === "$ref" && typeof child === "string" && child.startsWith(namePrefix) && child.slice(namePrefix.length);
      if (typeof name === "string" && contract.definitions.has(name)) {
        if (reached.has(name)) continue;
        reached.add(name);
        walk(contract.definitions.get(name));
      } else {
        walk(child);
      }
    }
  };
  walk(schema);
  return [...contract.definitions.keys()].filter((name) => reached.has(name));
}

/** The schema together with those definitions that it reaches, so that it can leave the contract. */
export function bundle(contract: Pick<Contract, "definitions">, schema: JsonSchema): JsonSchema {
  const names = reachedDefinitions(contract, schema);
  if (typeof schema === "boolean" || names.length === 0) return schema;
  return { ...schema, definitions: Object.fromEntries(names.map((name) => [name, contract.definitions.get(name)!])) };
}

/** AsyncAPI's additions to JSON Schema, and what others add without effect on validity. */
const annotations = ["discriminator", "externalDocs", "example", "xml", "markdownDescription"];

/** An AJV for the document's schemas: draft 07, formats, AsyncAPI's keywords. Strict: unknown keywords and ones without effect throw. */
export function createAjv(strict: boolean, options: Options = {}): Ajv {
  const ajv = new Ajv({
    allErrors: true,
    strictSchema: strict,
    strictTypes: strict,
    strictTuples: false,
    strictRequired: false,
    allowUnionTypes: true,
    logger: false,
    ...options,
  });
  formatsPlugin.default(ajv);
  if (strict) for (const keyword of annotations) ajv.addKeyword(keyword);
  return ajv;
}

let known: ReadonlySet<string> | undefined;

/** Whether AJV checks this `format`; others are allowed and not checked. */
export function isKnownFormat(format: string): boolean {
  known ??= new Set(Object.keys(createAjv(false).formats));
  return known.has(format);
}

/** Calls `visit` for every schema object within a schema, the schema itself first. */
export function eachSubschema(
  schema: unknown,
  visit: (schema: Record<string, unknown>, pointer: Pointer) => void,
  pointer = "",
): void {
  if (!isRecord(schema)) return;
  visit(schema, pointer);
  for (const [keyword, child] of Object.entries(schema)) {
    const at = `${pointer}/${keyword}`;
    if (schemaMaps.has(keyword)) {
      for (const [name, nested] of Object.entries(record(child))) {
        eachSubschema(nested, visit, `${at}/${name.replaceAll("~", "~0").replaceAll("/", "~1")}`);
      }
    } else if (schemaLists.has(keyword) && Array.isArray(child)) {
      for (const [index, nested] of child.entries()) eachSubschema(nested, visit, `${at}/${index}`);
    } else if (schemaKeywords.has(keyword)) {
      eachSubschema(child, visit, at);
    }
  }
}

const schemaMaps = new Set(["properties", "patternProperties", "dependencies", "definitions"]);
const schemaLists = new Set(["allOf", "anyOf", "oneOf", "items"]);
const schemaKeywords = new Set([
  "items",
  "additionalItems",
  "additionalProperties",
  "propertyNames",
  "contains",
  "not",
  "if",
  "then",
  "else",
]);

/** Without its x- keys and formats that AJV does not know: what strict AJV takes for mistakes and is none. */
export function comparable(schema: JsonSchema): JsonSchema {
  if (typeof schema === "boolean") return schema;
  const copy = structuredClone(schema) as Record<string, unknown>;
  eachSubschema(copy, (part) => {
    for (const keyword of Object.keys(part)) if (keyword.startsWith("x-")) delete part[keyword];
    if (typeof part.format === "string" && !isKnownFormat(part.format)) delete part.format;
  });
  return copy;
}

export interface SchemaError {
  /** Where in the value; for a missing or superfluous member, the object that lacks or has it. */
  readonly pointer: Pointer;
  readonly keyword: string;
  /** Such as `must have required property 'room'`. */
  readonly text: string;
}

/** Empty where the value is valid. */
export type Validate = (value: unknown) => readonly SchemaError[];

/** A payload schema that could not be used as it stands. */
export interface SchemaProblem {
  readonly message: string;
  readonly pointer: DocumentPointer;
  /** not-strict: it works but has keywords without effect. not-unicode: a pattern needs the old RegExp syntax. unusable: accepts all. */
  readonly kind: "not-strict" | "not-unicode" | "unusable";
  readonly text: string;
}

export interface Validators {
  /** The validator of a message's payload, compiled at the first call; accepts everything where the schema is unusable. */
  of(message: string): Validate;
  /** Compiles what is not compiled yet, and says what went wrong. */
  problems(): readonly SchemaProblem[];
}

/** Whether the document has any of our x- keys: only those are held to AJV's strict mode. */
export function usesVocabulary(contract: Contract): boolean {
  return (
    contract.errors !== undefined ||
    contract.state.attributes.length + contract.state.relations.length > 0 ||
    contract.operations.some(({ effectsKnown, requires }) => effectsKnown || requires.length > 0) ||
    contract.channels.some(
      ({ handshake, heartbeat, delivery, limits, rateLimits, closeCodes }) =>
        handshake !== undefined ||
        heartbeat !== undefined ||
        delivery !== undefined ||
        limits.length + rateLimits.length + closeCodes.length > 0,
    )
  );
}

/** How a schema may be read, the strictest way first: the first AJV that compiles it counts. */
export function readings(
  contract: Contract,
): readonly { readonly kind: SchemaProblem["kind"] | undefined; readonly create: (options?: Options) => Ajv }[] {
  const strict = usesVocabulary(contract);
  return [
    ...(strict ? [{ kind: undefined, create: (options: Options = {}) => createAjv(true, options) }] : []),
    { kind: strict ? "not-strict" : undefined, create: (options: Options = {}) => createAjv(false, options) },
    { kind: "not-unicode", create: (options: Options = {}) => createAjv(false, { ...options, unicodeRegExp: false }) },
  ];
}

export function createValidators(contract: Contract): Validators {
  const attempts = readings(contract).map(({ kind, create }) => ({ kind, ajv: once(create) }));
  const compiled = new Map<string, Validate>();
  const problems: SchemaProblem[] = [];

  const compile = (name: string): Validate => {
    const message = contract.messages.find((candidate) => candidate.name === name);
    if (message === undefined) throw new Error(`the contract has no message ${name}`);
    const schema = comparable(bundle(contract, message.payload));
    let reason = "";
    for (const { kind, ajv } of attempts) {
      try {
        const validate = ajv().compile(schema as object | boolean);
        if (kind !== undefined) problems.push({ message: name, pointer: message.pointer, kind, text: reason });
        return (value) => errorsOf(validate, value);
      } catch (error) {
        reason ||= error instanceof Error ? error.message : String(error);
      }
    }
    problems.push({ message: name, pointer: message.pointer, kind: "unusable", text: reason });
    return () => [];
  };
  const of = (name: string): Validate => {
    const known = compiled.get(name);
    if (known !== undefined) return known;
    const validate = compile(name);
    compiled.set(name, validate);
    return validate;
  };
  return {
    of,
    problems() {
      for (const { name } of contract.messages) of(name);
      return problems;
    },
  };
}

function once<T>(create: () => T): () => T {
  let made: T | undefined;
  return () => {
    made ??= create();
    return made;
  };
}

function errorsOf(validate: ValidateFunction, value: unknown): SchemaError[] {
  if (validate(value)) return [];
  return list(validate.errors).map((error) => {
    const { instancePath, keyword, message, params } = error as ErrorObject;
    return { pointer: instancePath, keyword, text: describe(keyword, message ?? keyword, params) };
  });
}

/** AJV's texts leave out which member is one too many, and which values would do. */
function describe(keyword: string, text: string, params: Record<string, unknown>): string {
  switch (keyword) {
    case "additionalProperties":
      return `must not have the property '${params.additionalProperty}'`;
    case "const":
      return `must be ${JSON.stringify(params.allowedValue)}`;
    case "enum":
      return `must be one of ${list(params.allowedValues)
        .map((allowed) => JSON.stringify(allowed))
        .join(", ")}`;
    default:
      return text;
  }
}
