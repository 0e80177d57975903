// JSON Schema -> fast-check arbitrary of valid values. Draft 07 and the formats of OpenAPI; recursion is unrolled to a depth.
import fc from "fast-check";
import type { JsonSchema } from "../../spec/contract.ts";
import { arrayArbitrary } from "./array-arbitrary.ts";
import { boundedFilter, type FilterCount, UnsatisfiableSchema } from "./bounded-filter.ts";
import { type Alternative, alternativesOf, createDefinitions, type Located, type Part, referenceOf } from "./expand-schema.ts";
import { canonicalText, equalJson, type Json } from "./json.ts";
import { boundsOf, fractionArbitrary, integerArbitrary } from "./number-arbitrary.ts";
import { objectArbitrary } from "./object-arbitrary.ts";
import { stringArbitrary } from "./string-arbitrary.ts";
import { leastSizeOf, type SubschemaBuilder, withLeastSize } from "./subschema-builder.ts";

export { UnsatisfiableSchema } from "./bounded-filter.ts";

/** Makes a validator of a schema whose references are `#/definitions/NAME`. */
export type Compile = (schema: JsonSchema) => (value: unknown) => boolean;

export interface Arbitraries {
  /**
   * Values that are valid, after a JSON round trip too, so without -0, null prototypes and lone surrogates. Where `type` is
   * missing, it is taken from the other keywords. One schema object gives one arbitrary.
   * @param pointer where the schema stands, for errors
   * @throws UnsatisfiableSchema at once where that can be seen, else when 20 000 candidates in a row were refused
   */
  of(schema: JsonSchema, pointer: string): fc.Arbitrary<Json>;
  /** How many values the filters rejected so far. */
  readonly count: Readonly<FilterCount>;
}

/** How often a recursive definition is entered; more only if the schema has no value otherwise. */
const usualDepth = 3;
const greatestDepth = 12;
/** Levels of values that the schema does not describe. */
const anythingDepth = 2;

/** A value would need more nesting than is left. */
class TooDeep extends UnsatisfiableSchema {}

/** @param definitions what `#/definitions/NAME` means */
export function createArbitraries(definitions: ReadonlyMap<string, JsonSchema>, compile: Compile): Arbitraries {
  const generator = new Generator(definitions, compile);
  const made = new WeakMap<object, fc.Arbitrary<Json>>();
  return {
    count: generator.count,
    of(schema, pointer) {
      const known = typeof schema === "object" ? made.get(schema) : undefined;
      if (known !== undefined) return known;
      const arbitrary = generator.root({ schema, pointer });
      if (typeof schema === "object") made.set(schema, arbitrary);
      return arbitrary;
    },
  };
}

/** An arbitrary, and whether its values are valid without a check. */
interface Made {
  readonly arbitrary: fc.Arbitrary<Json>;
  readonly exact: boolean;
}

type TypeName = "null" | "boolean" | "integer" | "fraction" | "string" | "array" | "object";

class Generator {
  readonly count: FilterCount = { generated: 0, rejected: 0 };
  readonly #definitions: ReturnType<typeof createDefinitions>;
  readonly #compile: Compile;
  readonly #memo = new Map<string, fc.Arbitrary<Json> | UnsatisfiableSchema>();

  constructor(definitions: ReadonlyMap<string, JsonSchema>, compile: Compile) {
    this.#definitions = createDefinitions(definitions);
    this.#compile = compile;
  }

  root(schema: Located): fc.Arbitrary<Json> {
    for (let depth = usualDepth; ; depth++) {
      try {
        return this.#required([schema], depth);
      } catch (error) {
        if (error instanceof TooDeep && depth < greatestDepth) continue;
        throw error instanceof TooDeep ? new UnsatisfiableSchema(error.pointer, "its recursion never ends") : error;
      }
    }
  }

  /** A single reference is built once per depth; whatever else is built where it stands. */
  #required(schemas: readonly Located[], depth: number): fc.Arbitrary<Json> {
    const distinctSchemas = schemas.filter(
      ({ schema }, index) => schemas.findIndex((other) => equalReference(other.schema, schema)) === index,
    );
    const name = distinctSchemas.length === 1 ? soleReference(distinctSchemas[0]!.schema) : undefined;
    const key = name !== undefined ? `${depth} ${name}` : distinctSchemas.every(saysNothing) ? `${depth}` : undefined;
    if (key === undefined) return this.#build(distinctSchemas, depth);
    let made = this.#memo.get(key);
    if (made === undefined) {
      try {
        made = this.#build(distinctSchemas, depth);
      } catch (error) {
        if (!(error instanceof UnsatisfiableSchema)) throw error;
        made = error;
      }
      this.#memo.set(key, made);
    }
    if (made instanceof UnsatisfiableSchema) throw made;
    return made;
  }

  #optional(schemas: readonly Located[], depth: number): fc.Arbitrary<Json> | undefined {
    try {
      return this.#required(schemas, depth);
    } catch (error) {
      if (error instanceof UnsatisfiableSchema) return undefined;
      throw error;
    }
  }

  #build(schemas: readonly Located[], depth: number): fc.Arbitrary<Json> {
    const pointer = schemas[0]?.pointer ?? "";
    const made: Made[] = [];
    let failure: UnsatisfiableSchema | undefined;
    for (const alternative of alternativesOf(schemas, this.#definitions)) {
      try {
        made.push(...this.#alternative(alternative, schemas, pointer, depth));
      } catch (error) {
        if (!(error instanceof UnsatisfiableSchema)) throw error;
        // Too deep is told before impossible, since more depth may help.
        failure = failure instanceof TooDeep ? failure : error;
      }
    }
    if (made.length === 0) throw failure ?? new UnsatisfiableSchema(pointer, "its parts exclude each other");
    const arbitrary = made.length === 1 ? made[0]!.arbitrary : fc.oneof(...made.map((one) => one.arbitrary));
    const checked = made.every((one) => one.exact)
      ? arbitrary
      : boundedFilter(arbitrary, this.#validator(schemas), pointer, this.count);
    return withLeastSize(checked, Math.min(...made.map((one) => leastSizeOf(one.arbitrary))), pointer);
  }

  #validator(schemas: readonly Located[]): (value: unknown) => boolean {
    return this.#compile(schemas.length === 1 ? schemas[0]!.schema : { allOf: schemas.map(({ schema }) => schema) });
  }

  #alternative(alternative: Alternative, schemas: readonly Located[], pointer: string, depth: number): Made[] {
    const { parts, exact } = alternative;
    const left = alternative.recursive ? depth - 1 : depth;
    if (left < 0) throw new TooDeep(pointer, `it nests deeper than ${greatestDepth} levels`);
    const values = onlyValues(parts);
    if (values !== undefined) {
      const keeps = this.#validator(schemas);
      const kept = values.filter(keeps);
      if (kept.length === 0) throw new UnsatisfiableSchema(pointer, "no value of its const or enum keeps the rest");
      return [{ arbitrary: fc.constantFrom(...kept), exact: true }];
    }
    const made: Made[] = [];
    let failure: UnsatisfiableSchema | undefined;
    for (const type of typesOf(parts)) {
      try {
        const one = this.#ofType(type, parts, pointer, left);
        made.push({ arbitrary: one.arbitrary, exact: one.exact && exact });
      } catch (error) {
        if (!(error instanceof UnsatisfiableSchema)) throw error;
        failure = failure instanceof TooDeep ? failure : error;
      }
    }
    if (made.length === 0) throw failure ?? new UnsatisfiableSchema(pointer, "its types exclude each other");
    return made;
  }

  #ofType(type: TypeName, parts: readonly Part[], pointer: string, depth: number): Made {
    switch (type) {
      case "null":
        return { arbitrary: fc.constant(null), exact: true };
      case "boolean":
        return { arbitrary: fc.boolean(), exact: true };
      case "integer":
      case "fraction": {
        const bounds = boundsOf(parts);
        const arbitrary = type === "integer" ? integerArbitrary(bounds) : fractionArbitrary(bounds);
        if (arbitrary === undefined) throw new UnsatisfiableSchema(pointer, "no number is within its bounds");
        return {
          arbitrary,
          exact: bounds.multiplesOf.every(Number.isInteger) && (type === "integer" || bounds.multiplesOf.length === 0),
        };
      }
      case "string":
        return stringArbitrary(parts, pointer, this.count);
      case "array":
        return arrayArbitrary(parts, pointer, this.#builder(parts, depth), Math.max(1, depth + 1));
      case "object":
        return objectArbitrary(parts, pointer, this.#builder(parts, depth), Math.min(depth, 2), this.count);
    }
  }

  /** Where nothing is said of the parts' own content, each level counts as one of recursion. */
  #builder(parts: readonly Part[], depth: number): SubschemaBuilder {
    const within = (schemas: readonly Located[]) => {
      if (!schemas.every(saysNothing)) return depth;
      const left = Math.min(depth, anythingDepth) - 1;
      return parts.length === 0 || left >= 0 ? left : 0;
    };
    return {
      required: (schemas) => this.#required(schemas, within(schemas)),
      optional: (schemas) => (within(schemas) < 0 ? undefined : this.#optional(schemas, within(schemas))),
    };
  }
}

function saysNothing({ schema }: Located): boolean {
  return schema === true || (typeof schema === "object" && Object.keys(schema).every((keyword) => annotations.has(keyword)));
}

const annotations = new Set(["title", "description", "default", "examples", "$comment", "readOnly", "writeOnly", "deprecated"]);

function soleReference(schema: JsonSchema): string | undefined {
  return typeof schema === "object" && Object.keys(schema).length === 1 ? referenceOf(schema) : undefined;
}

function equalReference(a: JsonSchema, b: JsonSchema): boolean {
  return a === b || (soleReference(a) !== undefined && soleReference(a) === soleReference(b));
}

/** The values that const and enum leave; undefined where there is neither. */
function onlyValues(parts: readonly Part[]): Json[] | undefined {
  let left: Json[] | undefined;
  for (const { schema } of parts) {
    const here = [
      ...("const" in schema ? [[schema.const as Json]] : []),
      ...(Array.isArray(schema.enum) ? [schema.enum as Json[]] : []),
    ];
    for (const values of here)
      left = left === undefined ? values : left.filter((value) => values.some((one) => equalJson(one, value)));
  }
  return left?.filter((value) => canonicalText(value) !== undefined);
}

const allTypes: readonly TypeName[] = ["null", "boolean", "integer", "fraction", "string", "array", "object"];

const impliedBy: Readonly<Record<string, readonly TypeName[]>> = {
  ...Object.fromEntries(["minLength", "maxLength", "pattern"].map((keyword) => [keyword, ["string"]])),
  ...Object.fromEntries(
    ["minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum", "multipleOf"].map((keyword) => [
      keyword,
      ["integer", "fraction"],
    ]),
  ),
  ...Object.fromEntries(
    ["items", "prefixItems", "additionalItems", "minItems", "maxItems", "uniqueItems", "contains"].map((keyword) => [
      keyword,
      ["array"],
    ]),
  ),
  ...Object.fromEntries(
    [
      "properties",
      "patternProperties",
      "additionalProperties",
      "required",
      "dependencies",
      "dependentRequired",
      "dependentSchemas",
      "propertyNames",
      "minProperties",
      "maxProperties",
    ].map((keyword) => [keyword, ["object"]]),
  ),
};

/** The types that all parts allow; where none says `type`, those of which their keywords speak, else all. */
export function typesOf(parts: readonly Part[]): readonly TypeName[] {
  const stated = parts.filter(({ schema }) => schema.type !== undefined);
  if (stated.length > 0) return allTypes.filter((type) => stated.every(({ schema }) => allows(schema, type)));
  const implied = new Set(parts.flatMap(({ schema }) => Object.keys(schema).flatMap((keyword) => impliedBy[keyword] ?? [])));
  if (implied.size === 0 && parts.some(({ schema }) => typeof schema.format === "string")) return ["string"];
  return implied.size === 0 ? allTypes : allTypes.filter((type) => implied.has(type));
}

function allows(schema: Part["schema"], type: TypeName): boolean {
  const types = Array.isArray(schema.type) ? schema.type : [schema.type];
  if (type === "null" && schema.nullable === true) return true;
  if (type === "fraction") return types.includes("number");
  return types.includes(type) || (type === "integer" && types.includes("number"));
}
