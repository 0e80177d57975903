// JSON Schemas of messages that stand alone, and their validators by AJV. Nothing here throws: what AJV cannot use is reported.
import { Ajv, type ErrorObject, type Options, type ValidateFunction } from "ajv";
import { Ajv2020 } from "ajv/dist/2020.js";
import formatsPlugin from "ajv-formats";
import type { Contract, DocumentPointer, JsonSchema, Message, Pointer } from "./contract.ts";
import { guardedRegExp } from "./guarded-regexp.ts";
import { jsonEqual } from "./json-equal.ts";
import { list, record } from "./raw.ts";
import { eachSubschema } from "./schema-walk.ts";

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

/** Digits to which a value must be a multiple: 19.99 is one of 0.01, though not in binary. */
const multipleOfPrecision = 6;

/**
 * An AJV for the document's schemas: formats, AsyncAPI's keywords. Strict: unknown keywords and ones without effect throw.
 * Schemas are not held against their meta-schema, which takes quadratic time for long enums: AJV checks the keywords that it compiles.
 */
export function createAjv(strict: boolean, options: Options = {}, draft: Message["draft"] = "07"): Ajv {
  const ajv = new (draft === "07" ? Ajv : Ajv2020)({
    allErrors: true,
    strictSchema: strict,
    strictTypes: strict,
    strictTuples: false,
    strictRequired: false,
    allowUnionTypes: true,
    logger: false,
    validateSchema: false,
    multipleOfPrecision,
    ...options,
    code: { regExp: guardedRegExp, ...options.code },
  });
  const { scope } = ajv;
  const inScope = scope.value.bind(scope);
  scope.value = (name, value) => inScope(name, isEqualOfAjv(value.ref) ? { ...value, ref: jsonEqual } : value);
  formatsPlugin.default(ajv);
  // AJV throws at the id of draft 04; in a draft that calls it $id it is one more unknown keyword.
  ajv.removeKeyword("id");
  if (strict) for (const keyword of annotations) ajv.addKeyword(keyword);
  return ajv;
}

/** AJV gives each function that its validators call the code that imports it. */
function isEqualOfAjv(called: unknown): boolean {
  return typeof called === "function" && (called as { readonly code?: string }).code?.includes("runtime/equal") === true;
}

let known: ReadonlySet<string> | undefined;

/** Whether AJV checks this `format`; others are allowed and not checked. */
export function isKnownFormat(format: string): boolean {
  known ??= new Set(Object.keys(createAjv(false).formats));
  return known.has(format);
}

/** Without what strict AJV rejects although the rest of the schema has a meaning: x- keys, and formats that it does not know. */
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

const inheritedName = /"(?:constructor|hasOwnProperty|isPrototypeOf|propertyIsEnumerable|toLocaleString|toString|valueOf)"/;

/** Whether a schema names what every object inherits: AJV takes an inherited function for a property unless told to look at own ones alone. */
export function needsOwnProperties(schema: JsonSchema): boolean {
  return inheritedName.test(JSON.stringify(schema));
}

/** Whether the document has any of our x- keys: only those are held to AJV's strict mode. */
export function usesVocabulary(contract: Contract): boolean {
  return (
    contract.errors !== undefined ||
    contract.state.attributes.length + contract.state.relations.length > 0 ||
    contract.operations.some(({ effectsKnown, requires }) => effectsKnown || requires.length > 0) ||
    contract.channels.some(
      ({ handshake, heartbeat, delivery, limits, rateLimits, closeCodes }) =>
        // A handshake that only bindings and security describe is AsyncAPI's.
        handshake?.pointer.endsWith("/x-handshake") ||
        heartbeat !== undefined ||
        delivery !== undefined ||
        limits.length + rateLimits.length + closeCodes.length > 0,
    )
  );
}

/** How a schema may be read, the strictest way first: the first AJV that compiles it counts. */
export function readings(contract: Contract): readonly {
  readonly kind: SchemaProblem["kind"] | undefined;
  readonly create: (options?: Options, draft?: Message["draft"]) => Ajv;
}[] {
  const strict = usesVocabulary(contract);
  return [
    ...(strict
      ? [{ kind: undefined, create: (options?: Options, draft?: Message["draft"]) => createAjv(true, options, draft) }]
      : []),
    { kind: strict ? "not-strict" : undefined, create: (options, draft) => createAjv(false, options, draft) },
    { kind: "not-unicode", create: (options, draft) => createAjv(false, { ...options, unicodeRegExp: false }, draft) },
  ];
}

export function createValidators(contract: Contract): Validators {
  const attempts = readings(contract).map(({ kind, create }) => {
    const made = new Map<string, Ajv>();
    const ajv = (draft: Message["draft"], ownProperties: boolean) => {
      const key = `${draft} ${ownProperties}`;
      if (!made.has(key)) made.set(key, create({ ownProperties }, draft));
      return made.get(key)!;
    };
    return { kind, ajv };
  });
  const byName = new Map(contract.messages.map((message) => [message.name, message]));
  const compiled = new Map<string, Validate>();
  const problems: SchemaProblem[] = [];

  const compile = (name: string): Validate => {
    const message = byName.get(name);
    if (message === undefined) throw new Error(`the contract has no message ${name}`);
    const schema = comparable(bundle(contract, message.payload));
    let reason = "";
    for (const { kind, ajv } of attempts) {
      try {
        const validate = ajv(message.draft, needsOwnProperties(schema)).compile(schema as object | boolean);
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

function errorsOf(validate: ValidateFunction, value: unknown): readonly SchemaError[] {
  try {
    if (validate(value)) return [];
  } catch (error) {
    // A value that nests deeper than the stack.
    if (!(error instanceof RangeError)) throw error;
    return [{ pointer: "", keyword: "nesting", text: "must not be nested so deeply that it cannot be checked" }];
  }
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
      return `must be one of ${oneOf(list(params.allowedValues))}`;
    default:
      return text;
  }
}

function oneOf(values: readonly unknown[]): string {
  const shown = values.slice(0, 20).map((value) => JSON.stringify(value));
  return shown.join(", ") + (values.length > shown.length ? ` or ${values.length - shown.length} more` : "");
}
