// The constraints of a schema: one for each keyword at each location that a valid value can have.
import type { JsonSchema } from "../../spec/contract.ts";
import { join } from "../../spec/pointer.ts";
import { isRecord, list, record, strings } from "../../spec/raw.ts";
import { valueAt } from "./edit.ts";
import { referenceOf } from "./expand-schema.ts";
import type { Json } from "./json.ts";
import { compilePattern } from "./pattern.ts";

export interface KeywordConstraint {
  readonly keyword: string;
  /** Where in the message: the value that the keyword is about. */
  readonly location: string;
  /** The member that `required`, `dependencies` or a forbidden property is about. */
  readonly member: string | undefined;
  /** Where in the document, read through references: `#/components/messages/m/payload/properties/p/maxLength`. */
  readonly pointer: string;
  /** The schema that the keyword stands in. */
  readonly schema: Readonly<Record<string, unknown>>;
  /** Schemas of branches that a value must be in for the keyword to matter. */
  readonly within: readonly Branch[];
}

/** One of several alternatives (anyOf, oneOf, then, else) at a place. */
export interface Branch {
  readonly location: string;
  readonly schema: JsonSchema;
}

interface Site {
  readonly location: string;
  readonly pointer: string;
  readonly within: readonly Branch[];
  readonly entered: readonly string[];
}

/** Keywords that are one constraint as they stand. */
const simple = new Set([
  "type",
  "const",
  "enum",
  "minLength",
  "maxLength",
  "pattern",
  "format",
  "minimum",
  "maximum",
  "exclusiveMinimum",
  "exclusiveMaximum",
  "multipleOf",
  "minItems",
  "maxItems",
  "uniqueItems",
  "contains",
  "propertyNames",
  "minProperties",
  "maxProperties",
  "not",
  "anyOf",
  "oneOf",
]);

/**
 * All constraints of a schema, in its order. A definition that leads back to itself is entered once on each way.
 * @param examples valid values; they say which names additionalProperties and patternProperties are met at
 */
export function constraintsOf(
  schema: JsonSchema,
  pointer: string,
  definitions: ReadonlyMap<string, JsonSchema>,
  examples: readonly Json[],
): KeywordConstraint[] {
  const found: KeywordConstraint[] = [];

  const walk = (schema: unknown, site: Site): void => {
    if (!isRecord(schema)) return;
    const add = (
      keyword: string,
      member?: string,
      path: readonly string[] = member === undefined ? [keyword] : [keyword, member],
    ) =>
      found.push({
        keyword,
        location: site.location,
        member,
        pointer: join(site.pointer, ...path),
        schema,
        within: site.within,
      });
    const into = (more: Partial<Site>, ...path: (string | number)[]): Site => ({
      ...site,
      pointer: join(site.pointer, ...path),
      ...more,
    });

    const name = referenceOf(schema);
    if (name !== undefined && !site.entered.includes(name)) {
      walk(definitions.get(name), { ...site, entered: [...site.entered, name] });
    }
    for (const keyword of Object.keys(schema)) {
      if (keyword === "uniqueItems" && schema[keyword] !== true) continue;
      if (simple.has(keyword)) add(keyword);
      const value = schema[keyword];
      switch (keyword) {
        case "required":
          for (const member of strings(value)) add("required", member);
          break;
        case "dependentRequired":
        case "dependentSchemas":
        case "dependencies":
          for (const [member, needed] of Object.entries(record(value))) {
            if (Array.isArray(needed)) add(keyword, member);
            else
              walk(
                needed,
                into({ within: [...site.within, { location: site.location, schema: { required: [member] } }] }, keyword, member),
              );
          }
          break;
        case "properties":
          for (const [member, inner] of Object.entries(record(value))) {
            if (inner === false) add("false schema", member, [keyword, member]);
            else walk(inner, into({ location: join(site.location, member) }, keyword, member));
          }
          break;
        case "patternProperties":
          for (const [pattern, inner] of Object.entries(record(value))) {
            const member = memberAt(examples, site.location, (name) => compilePattern(pattern).test(name));
            if (member !== undefined) walk(inner, into({ location: join(site.location, member) }, keyword, pattern));
          }
          break;
        case "additionalProperties":
          if (value === false) add(keyword);
          else {
            const member = memberAt(examples, site.location, (name) => !isNamed(schema, name));
            if (member !== undefined) walk(value, into({ location: join(site.location, member) }, keyword));
          }
          break;
        case "items":
          if (Array.isArray(value)) {
            for (const [index, inner] of value.entries())
              walk(inner, into({ location: join(site.location, index) }, keyword, index));
          } else if (Array.isArray(schema.prefixItems)) {
            // AJV reports an item more than the tuple has under the keyword items.
            if (value === false) add("items");
            else walk(value, into({ location: join(site.location, schema.prefixItems.length) }, keyword));
          } else walk(value, into({ location: join(site.location, 0) }, keyword));
          break;
        case "prefixItems":
          for (const [index, inner] of list(value).entries())
            walk(inner, into({ location: join(site.location, index) }, keyword, index));
          break;
        case "unevaluatedProperties":
          if (value === false) add(keyword);
          break;
        case "additionalItems":
          if (!Array.isArray(schema.items)) break;
          if (value === false) add(keyword);
          else walk(value, into({ location: join(site.location, schema.items.length) }, keyword));
          break;
        case "allOf":
          for (const [index, inner] of list(value).entries()) walk(inner, into({}, keyword, index));
          break;
        case "anyOf":
        case "oneOf":
          for (const [index, inner] of list(value).entries()) {
            const branch = { location: site.location, schema: inner as JsonSchema };
            walk(inner, into({ within: [...site.within, branch] }, keyword, index));
          }
          break;
        case "then":
        case "else": {
          const condition = (keyword === "then" ? schema.if : { not: schema.if }) as JsonSchema;
          walk(value, into({ within: [...site.within, { location: site.location, schema: condition }] }, keyword));
          break;
        }
      }
    }
  };

  walk(schema, { location: "", pointer, within: [], entered: [] });
  return found;
}

function isNamed(schema: Readonly<Record<string, unknown>>, name: string): boolean {
  const patterns = Object.keys(record(schema.patternProperties));
  return Object.hasOwn(record(schema.properties), name) || patterns.some((pattern) => compilePattern(pattern).test(name));
}

/** A member that some example has there. */
function memberAt(examples: readonly Json[], location: string, fits: (name: string) => boolean): string | undefined {
  for (const example of examples) {
    const member = Object.keys(record(valueAt(example, location))).find(fits);
    if (member !== undefined) return member;
  }
  return undefined;
}
