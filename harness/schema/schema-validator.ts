// Validates values with AJV against schemas that refer to the contract's definitions: which keyword rejects a value, and where.
import type { ValidateFunction } from "ajv";
import type { JsonSchema, Message } from "../../spec/contract.ts";
import { bundle, createAjv } from "../../spec/schemas.ts";

/** One keyword that rejects the value. */
export interface SchemaError {
  readonly keyword: string;
  /** Where in the value; for a missing or unexpected member, the object. */
  readonly pointer: string;
  /** The schema object that has the keyword. */
  readonly schema: unknown;
  /** The missing or unexpected member, if the keyword is about one. */
  readonly member: string | undefined;
}

export interface SchemaValidator {
  /** Compiles any schema that refers to the definitions. One that AJV cannot compile accepts all, as lint says of it. */
  compile(schema: JsonSchema): (value: unknown) => boolean;
  /** Empty if the value is valid. */
  errors(schema: JsonSchema, value: unknown): readonly SchemaError[];
  /** Whether AJV can compile the schema. */
  isUsable(schema: JsonSchema): boolean;
}

/** @param definitions what `#/definitions/NAME` means */
export function createSchemaValidator(
  definitions: ReadonlyMap<string, JsonSchema>,
  draft: Message["draft"] = "07",
): SchemaValidator {
  const compiled = new WeakMap<object, ValidateFunction>();
  const unusable = new WeakSet<object>();
  const modern = createAjv(false, { verbose: true }, draft);
  const older = createAjv(false, { verbose: true, unicodeRegExp: false }, draft);
  const validatorOf = (schema: JsonSchema) => {
    const known = typeof schema === "object" ? compiled.get(schema) : undefined;
    if (known !== undefined) return known;
    const whole = bundle({ definitions }, schema);
    // A foreign document's pattern may have the older syntax.
    const usable = attempt(() => modern.compile(whole)) ?? attempt(() => older.compile(whole));
    const validate = usable ?? modern.compile(true);
    if (typeof schema === "object") {
      compiled.set(schema, validate);
      if (usable === undefined) unusable.add(schema);
    }
    return validate;
  };
  return {
    isUsable(schema) {
      validatorOf(schema);
      return typeof schema !== "object" || !unusable.has(schema);
    },
    compile: (schema) => {
      const validate = validatorOf(schema);
      return (value) => validate(value) as boolean;
    },
    errors(schema, value) {
      const validate = validatorOf(schema);
      if (validate(value)) return [];
      return (validate.errors ?? []).map(({ keyword, instancePath, parentSchema, params }) => ({
        keyword,
        pointer: instancePath,
        // The root is a copy that has the definitions in it.
        schema: parentSchema === validate.schema ? schema : parentSchema,
        member: params.missingProperty ?? params.additionalProperty ?? params.propertyName,
      }));
    },
  };
}

function attempt(compile: () => ValidateFunction): ValidateFunction | undefined {
  try {
    return compile();
  } catch {
    return undefined;
  }
}
