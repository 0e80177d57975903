// A schema as a tree of its fields: name, type, bounds, description, and what is inside. Pure.
import type { Contract, JsonSchema } from "../../../spec/contract.ts";

export interface Field {
  /** The property's name; `[]` for the items of a list, `[0]` for one place of a tuple, `{key}` for any other key; empty for the value itself or one of its alternatives. */
  readonly name: string;
  /** Dotted, from the message; empty for the message itself. */
  readonly path: string;
  /** Such as `one of 1: Circle`: the field is an alternative for the one around it. Empty where it is none. */
  readonly option: string;
  readonly required: boolean;
  /** In words, such as `string or null` or `list of number`. */
  readonly type: string;
  /** Of an enum, each as JSON; else empty. */
  readonly values: readonly string[];
  /** In words, such as `1 to 64 characters`. */
  readonly bounds: readonly string[];
  readonly description: string;
  readonly children: readonly Field[];
}

type Definitions = Contract["definitions"];
type Node = Readonly<Record<string, unknown>>;

/** Beyond these a definition is named and not entered: a page must stay readable. */
const max = { depth: 12, fields: 400, values: 60 };

const prefix = "#/definitions/";
const isNode = (value: unknown): value is Node => typeof value === "object" && value !== null && !Array.isArray(value);
const listOf = (value: unknown): readonly unknown[] => (Array.isArray(value) ? value : []);
const entriesOf = (value: unknown): [string, unknown][] => (isNode(value) ? Object.entries(value) : []);

/** The message itself, with its fields in the order of the document; a recursive definition is named and not entered again. */
export function fieldTree(schema: JsonSchema, definitions: Definitions): Field {
  const budget = { left: max.fields };

  const fieldOf = (
    schema: unknown,
    place: Pick<Field, "name" | "path" | "required"> & { readonly option?: string },
    through: readonly string[],
  ): Field => {
    budget.left--;
    const parts = partsOf(schema, definitions, through);
    const seen = [...through, ...parts.entered];
    const isOpen = parts.recursive === undefined && (budget.left > 0 || parts.entered.length === 0) && through.length < max.depth;
    const unopened = parts.recursive ?? (isOpen ? undefined : parts.entered.at(-1));
    const description = parts.nodes.map((node) => node.description).find((text) => typeof text === "string" && text !== "");
    const values = parts.nodes.map((node) => listOf(node.enum)).find((list) => list.length > 0) ?? [];
    const more = values.length > max.values ? [`${values.length} values in all`] : [];
    return {
      ...{ option: "", ...place },
      type: schema === false ? "nothing" : typeOf(parts.nodes, definitions),
      values: values.slice(0, max.values).map((value) => JSON.stringify(value)),
      bounds: [...more, ...new Set(parts.nodes.flatMap(boundsOf))],
      description: [description, unopened === undefined ? "" : `As ${unopened}.`].filter(Boolean).join(" "),
      children: isOpen ? parts.nodes.flatMap((node) => childrenOf(node, place.path, parts.nodes, seen)) : [],
    };
  };

  const childrenOf = (node: Node, path: string, nodes: readonly Node[], through: readonly string[]): Field[] => {
    const wanted = new Set(nodes.flatMap((each) => listOf(each.required)));
    const child = (name: string, schema: unknown, required = false) =>
      fieldOf(schema, { name, path: /^\[/.test(name) || path === "" ? path + name : `${path}.${name}`, required }, through);
    const tuple = [...listOf(node.prefixItems), ...listOf(node.items)];
    const rest = Array.isArray(node.items) ? node.additionalItems : node.items;
    const low = Number(node.minItems ?? 0);
    return [
      ...entriesOf(node.properties).map(([name, schema]) => child(name, schema, wanted.has(name))),
      ...entriesOf(node.patternProperties).map(([pattern, schema]) => child(`{${pattern}}`, schema)),
      ...(isNode(node.additionalProperties) ? [child("{key}", node.additionalProperties)] : []),
      ...tuple.map((schema, index) => child(`[${index}]`, schema, index < low)),
      ...(isTelling(rest) ? [child(tuple.length > 0 ? `[${tuple.length}…]` : "[]", rest)] : []),
      ...(["oneOf", "anyOf"] as const).flatMap((keyword) => alternativesOf(listOf(node[keyword]), keyword, path, through)),
    ];
  };

  const alternativesOf = (list: readonly unknown[], keyword: "oneOf" | "anyOf", path: string, through: readonly string[]) =>
    list
      .filter((schema) => !(isNode(schema) && schema.type === "null"))
      .map((schema, index) => {
        const target = isNode(schema) && typeof schema.$ref === "string" ? schema.$ref.replace(prefix, "") : undefined;
        const title = target ?? (isNode(schema) && typeof schema.title === "string" ? schema.title : undefined);
        const option = `${keyword === "oneOf" ? "one of" : "any of"} ${index + 1}${title === undefined ? "" : `: ${title}`}`;
        return fieldOf(schema, { name: "", path, required: false, option }, through);
      });

  return fieldOf(schema, { name: "", path: "", required: true }, []);
}

/** Whether the items of a list have anything to say. */
const isTelling = (schema: unknown) => isNode(schema) && Object.keys(schema).length > 0;

/** The fields of a tree from top to bottom, the message itself only where it has nothing inside. */
export function flatFields(tree: Field): Field[] {
  const flat = (field: Field): Field[] => [field, ...field.children.flatMap(flat)];
  return tree.children.length === 0 ? [tree] : tree.children.flatMap(flat);
}

interface Parts {
  /** The schema, what it refers to, and all its allOf: whatever holds at once. */
  readonly nodes: readonly Node[];
  /** Definitions that it refers to. */
  readonly entered: readonly string[];
  /** A definition that led here. */
  readonly recursive: string | undefined;
}

function partsOf(schema: unknown, definitions: Definitions, through: readonly string[]): Parts {
  const nodes: Node[] = [];
  const entered: string[] = [];
  let recursive: string | undefined;
  const add = (part: unknown) => {
    if (!isNode(part)) return;
    nodes.push(part);
    const name = typeof part.$ref === "string" ? part.$ref.replace(prefix, "") : undefined;
    if (name !== undefined && through.includes(name)) recursive = name;
    else if (name !== undefined && !entered.includes(name)) {
      entered.push(name);
      add(definitions.get(name));
    }
    for (const each of listOf(part.allOf)) add(each);
  };
  add(schema);
  return { nodes, entered, recursive };
}

function typeOf(nodes: readonly Node[], definitions: Definitions): string {
  const types = nodes.map((node) => ownType(node, definitions)).filter((type) => type !== "");
  const type = types[0] ?? (nodes.some((node) => "properties" in node || "allOf" in node) ? "object" : "any");
  const isNullable = nodes.some((node) => node.nullable === true) && !/\bnull\b/.test(type) && type !== "any";
  return isNullable ? `${type} or null` : type;
}

function ownType(node: Node, definitions: Definitions): string {
  if ("const" in node) return JSON.stringify(node.const);
  const types = (Array.isArray(node.type) ? node.type : [node.type]).filter((type) => typeof type === "string");
  if (types.length > 0) return types.map((type) => (type === "array" ? arrayType(node, definitions) : type)).join(" or ");
  if (Array.isArray(node.enum)) return [...new Set(node.enum.map(jsonType))].join(" or ");
  const branches = [...listOf(node.oneOf), ...listOf(node.anyOf)];
  if (branches.length === 0) return "";
  return [...new Set(branches.map((branch) => typeOf(partsOf(branch, definitions, []).nodes, definitions)))]
    .slice(0, 6)
    .join(" or ");
}

function arrayType(node: Node, definitions: Definitions): string {
  if (Array.isArray(node.items) || Array.isArray(node.prefixItems)) return "tuple";
  const { nodes } = partsOf(node.items, definitions, []);
  const items = nodes.find((each) => typeof each.type === "string" && each.type !== "array")?.type;
  return items === undefined ? "list" : `list of ${items}`;
}

const jsonType = (value: unknown) => (value === null ? "null" : Array.isArray(value) ? "array" : typeof value);

function boundsOf(node: Node): string[] {
  const range = (low: unknown, high: unknown, what: string) => {
    if (low === undefined && high === undefined) return [];
    if (low === high) return [`exactly ${low}${what}`];
    if (low === undefined) return [`at most ${high}${what}`];
    return [high === undefined ? `at least ${low}${what}` : `${low} to ${high}${what}`];
  };
  return [
    ...range(node.minLength, node.maxLength, " characters"),
    ...range(node.minimum, node.maximum, ""),
    ...(node.exclusiveMinimum === undefined ? [] : [`more than ${node.exclusiveMinimum}`]),
    ...(node.exclusiveMaximum === undefined ? [] : [`less than ${node.exclusiveMaximum}`]),
    ...range(node.minItems, node.maxItems, " items"),
    ...range(node.minProperties, node.maxProperties, " properties"),
    ...(node.multipleOf === undefined ? [] : [`a multiple of ${node.multipleOf}`]),
    ...(node.uniqueItems === true ? ["all different"] : []),
    ...(node.format === undefined ? [] : [`format ${node.format}`]),
    ...(node.pattern === undefined ? [] : [`matches ${node.pattern}`]),
    ...(node.default === undefined ? [] : [`default ${JSON.stringify(node.default)}`]),
  ];
}
