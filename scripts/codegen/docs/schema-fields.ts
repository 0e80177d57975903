// A schema as a table of its fields: path, type, bounds, description.
import type { Contract, JsonSchema } from "../../../spec/contract.ts";

export interface Field {
  /** Dotted, with `[]` for the items of a list; empty for the message itself. */
  readonly path: string;
  readonly required: boolean;
  readonly type: string;
  /** Of an enum, each as JSON; else empty. */
  readonly values: readonly string[];
  /** In words, such as `1 to 64 characters`. */
  readonly bounds: readonly string[];
  readonly description: string;
}

type Definitions = Contract["definitions"];
type Node = Readonly<Record<string, unknown>>;

/** Fields in the order of the document; a recursive definition is named and not entered again. */
export function fieldsOf(schema: JsonSchema, definitions: Definitions): Field[] {
  return walk(resolve(schema, definitions, []), "", true, definitions);
}

interface Resolved {
  readonly node: Node;
  /** Definitions that led here, the innermost last. */
  readonly through: readonly string[];
  readonly recursive: boolean;
}

function resolve(schema: unknown, definitions: Definitions, through: readonly string[]): Resolved {
  const node = typeof schema === "object" && schema !== null ? (schema as Node) : {};
  const name = typeof node.$ref === "string" ? node.$ref.replace("#/definitions/", "") : undefined;
  if (name === undefined) return { node, through, recursive: false };
  if (through.includes(name)) return { node: { description: `As ${name}.` }, through, recursive: true };
  const inner = resolve(definitions.get(name), definitions, [...through, name]);
  return { ...inner, node: { ...inner.node, ...(node.description === undefined ? {} : { description: node.description }) } };
}

function walk({ node, through, recursive }: Resolved, path: string, required: boolean, definitions: Definitions): Field[] {
  const fields: Field[] = [];
  if (path !== "" || node.properties === undefined) {
    fields.push({
      path,
      required,
      type: recursive ? "object" : typeOf(node),
      values: Array.isArray(node.enum) ? node.enum.map((value) => JSON.stringify(value)) : [],
      bounds: boundsOf(node),
      description: String(node.description ?? ""),
    });
  }
  if (recursive) return fields;
  const wanted = new Set(Array.isArray(node.required) ? node.required : []);
  for (const [name, child] of Object.entries((node.properties ?? {}) as Node)) {
    fields.push(
      ...walk(resolve(child, definitions, through), path === "" ? name : `${path}.${name}`, wanted.has(name), definitions),
    );
  }
  if (typeof node.items === "object" && node.items !== null && !Array.isArray(node.items)) {
    fields.push(...walk(resolve(node.items, definitions, through), `${path}[]`, true, definitions));
  }
  for (const keyword of ["allOf", "oneOf", "anyOf"] as const) {
    const parts = node[keyword];
    if (!Array.isArray(parts)) continue;
    parts.forEach((part, index) => {
      const inner = walk(resolve(part, definitions, through), path, required, definitions).filter((field) => field.path !== path);
      const label = keyword === "allOf" ? "" : ` (${keyword === "oneOf" ? "one of" : "any of"}, ${index + 1})`;
      fields.push(...inner.map((field) => ({ ...field, description: `${field.description}${label}` })));
    });
  }
  return fields;
}

function typeOf(node: Node): string {
  if ("const" in node) return JSON.stringify(node.const);
  const type = node.type;
  if (type === undefined && Array.isArray(node.enum)) return [...new Set(node.enum.map(jsonType))].join(" or ");
  if (Array.isArray(type)) return type.join(" or ");
  if (type === "array") return "array";
  if (typeof type === "string") return type;
  for (const keyword of ["oneOf", "anyOf"] as const) {
    const parts = node[keyword];
    if (Array.isArray(parts)) return parts.map((part) => typeOf((part ?? {}) as Node)).join(" or ");
  }
  return node.properties !== undefined || node.allOf !== undefined ? "object" : "any";
}

const jsonType = (value: unknown) => (value === null ? "null" : Array.isArray(value) ? "array" : typeof value);

function boundsOf(node: Node): string[] {
  const range = (low: unknown, high: unknown, what: string) =>
    low === undefined && high === undefined
      ? []
      : [
          low === undefined
            ? `at most ${high}${what}`
            : high === undefined
              ? `at least ${low}${what}`
              : `${low} to ${high}${what}`,
        ];
  return [
    ...range(node.minLength, node.maxLength, " characters"),
    ...range(node.minimum, node.maximum, ""),
    ...(node.exclusiveMinimum === undefined ? [] : [`more than ${node.exclusiveMinimum}`]),
    ...(node.exclusiveMaximum === undefined ? [] : [`less than ${node.exclusiveMaximum}`]),
    ...range(node.minItems, node.maxItems, " items"),
    ...(node.multipleOf === undefined ? [] : [`a multiple of ${node.multipleOf}`]),
    ...(node.uniqueItems === true ? ["no two alike"] : []),
    ...(node.format === undefined ? [] : [`format ${node.format}`]),
    ...(node.pattern === undefined ? [] : [`matches ${node.pattern}`]),
  ];
}
