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
  /**
   * Compiles any schema that refers to the definitions.
   * @throws Error where AJV cannot compile it
   */
  compile(schema: JsonSchema): (value: unknown) => boolean;
  /** Empty if the value is valid. */
  errors(schema: JsonSchema, value: unknown): readonly SchemaError[];
}

/** @param definitions what `#/definitions/NAME` means */
export function createSchemaValidator(
  definitions: ReadonlyMap<string, JsonSchema>,
  draft: Message["draft"] = "07",
): SchemaValidator {
  const compiled = new WeakMap<object, ValidateFunction>();
  const modern = createAjv(false, { verbose: true }, draft);
  const validatorOf = (schema: JsonSchema) => {
    const known = typeof schema === "object" ? compiled.get(schema) : undefined;
    if (known !== undefined) return known;
    const whole = bundle({ definitions }, schema);
    let validate: ValidateFunction;
    try {
      validate = modern.compile(whole);
    } catch {
      // A foreign document's pattern may have the older syntax.
      validate = createAjv(false, { verbose: true, unicodeRegExp: false }, draft).compile(whole);
    }
    if (typeof schema === "object") compiled.set(schema, validate);
    return validate;
  };
  return {
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
