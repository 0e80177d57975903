// What AJV says of a value and a schema whose references are the contract's: whether, and which keyword refuses it where.
import type { JsonSchema } from "../../spec/contract.ts";
import { bundle, createAjv } from "../../spec/schemas.ts";

/** One keyword that refuses the value. */
export interface SchemaError {
  readonly keyword: string;
  /** Where in the value; for a missing or superfluous member, the object. */
  readonly pointer: string;
  /** The very schema object that the keyword stands in. */
  readonly schema: unknown;
  /** The member that is missing or too much, where it is about one. */
  readonly member: string | undefined;
}

export interface SchemaValidator {
  /** Makes a validator of any schema that refers to the definitions. */
  compile(schema: JsonSchema): (value: unknown) => boolean;
  /** All that refuses the value; empty where it keeps the schema. */
  errors(schema: JsonSchema, value: unknown): readonly SchemaError[];
}

/** @param definitions what `#/definitions/NAME` means */
export function createSchemaValidator(definitions: ReadonlyMap<string, JsonSchema>): SchemaValidator {
  const compiled = new WeakMap<object, ReturnType<ReturnType<typeof createAjv>["compile"]>>();
  const modern = createAjv(false, { verbose: true });
  const validatorOf = (schema: JsonSchema) => {
    const known = typeof schema === "object" ? compiled.get(schema) : undefined;
    if (known !== undefined) return known;
    const whole = bundle({ definitions }, schema);
    let validate: ReturnType<typeof modern.compile>;
    try {
      validate = modern.compile(whole);
    } catch {
      // Patterns of the older syntax, which a foreign document may have.
      validate = createAjv(false, { verbose: true, unicodeRegExp: false }).compile(whole);
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
