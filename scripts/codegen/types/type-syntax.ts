// TypeScript types as data, and their text. Pure.

export type TypeNode =
  | { readonly kind: "keyword"; readonly text: "unknown" | "never" | "string" | "number" | "boolean" | "null" }
  | { readonly kind: "literal"; readonly value: string | number | boolean }
  /** The name of a declaration, or a lookup such as `Object["constructor"]`. */
  | { readonly kind: "reference"; readonly name: string }
  | { readonly kind: "union" | "intersection"; readonly members: readonly TypeNode[] }
  | { readonly kind: "array"; readonly items: TypeNode }
  | { readonly kind: "tuple"; readonly members: readonly TupleMember[]; readonly rest: TypeNode | undefined }
  | { readonly kind: "object"; readonly properties: readonly PropertyNode[]; readonly index: TypeNode | undefined };

export interface TupleMember {
  readonly type: TypeNode;
  readonly optional: boolean;
}

export interface PropertyNode {
  readonly name: string;
  readonly optional: boolean;
  readonly type: TypeNode;
  readonly description: string;
}

const width = 130;

export const unknownType: TypeNode = { kind: "keyword", text: "unknown" };
export const neverType: TypeNode = { kind: "keyword", text: "never" };
export const isUnknown = (type: TypeNode): boolean => type.kind === "keyword" && type.text === "unknown";
const isNever = (type: TypeNode): boolean => type.kind === "keyword" && type.text === "never";

/** Members of one kind flattened, and no two alike. */
function distinct(kind: "union" | "intersection", members: readonly TypeNode[]): TypeNode[] {
  const flat = members.flatMap((member) => (member.kind === kind ? member.members : [member]));
  if (flat.length < 2) return [...flat];
  return [...new Map(flat.map((member) => [printType(member), member])).values()];
}

export function unionOf(members: readonly TypeNode[]): TypeNode {
  const flat = distinct("union", members).filter((member) => !isNever(member));
  if (flat.some(isUnknown)) return unknownType;
  if (flat.length === 0) return neverType;
  return flat.length === 1 ? flat[0]! : { kind: "union", members: flat };
}

type ListNode = Extract<TypeNode, { kind: "array" | "tuple" }>;
const isList = (type: TypeNode): type is ListNode => type.kind === "array" || type.kind === "tuple";
const isAnyObject = (type: TypeNode) =>
  type.kind === "object" && type.properties.length === 0 && type.index !== undefined && isUnknown(type.index);

export function intersectionOf(members: readonly TypeNode[]): TypeNode {
  const flat = distinct("intersection", members).filter((member) => !isUnknown(member));
  const lists = flat.filter(isList);
  const others = flat.filter((member) => !isList(member));
  // An object with any properties narrows no other object.
  const telling = others.filter(
    (member) => !isAnyObject(member) || !others.some((other) => other !== member && other.kind === "object"),
  );
  const all = lists.length === 0 ? telling : [lists.reduce(bothLists), ...telling];
  if (all.some(isNever)) return neverType;
  if (all.length === 0) return unknownType;
  return all.length === 1 ? all[0]! : { kind: "intersection", members: all };
}

/** Member by member: tsc gives the members of `[A] & B[]` no context to keep a literal in. */
function bothLists(a: ListNode, b: ListNode): ListNode {
  const parts = [a, b].map((list) => (list.kind === "array" ? { members: [], rest: list.items } : list));
  const members: TupleMember[] = [];
  const rests = parts.flatMap(({ rest }) => (rest === undefined ? [] : [rest]));
  const rest = rests.length < 2 ? undefined : intersectionOf(rests);
  for (let index = 0; parts.some((part) => part.members[index] !== undefined); index++) {
    const here = parts.map((part): TupleMember | undefined => {
      const open = part.rest === undefined ? undefined : { type: part.rest, optional: true };
      return part.members[index] ?? open;
    });
    const known = here.filter((member) => member !== undefined);
    // One of them ends before: what would come after is never there.
    if (known.length < 2) return { kind: "tuple", members, rest: undefined };
    members.push({ type: intersectionOf(known.map(({ type }) => type)), optional: known.every(({ optional }) => optional) });
  }
  return members.length === 0 && rest !== undefined ? { kind: "array", items: rest } : { kind: "tuple", members, rest };
}

/** Text as it may stand in a block comment. */
const commentSafe = (text: string) => text.replaceAll("*/", "*\\/");

/** A block comment with a line break behind it; empty without a text. */
export function comment(text: string, indent = ""): string {
  const lines = commentSafe(text.trim()).split(/\r\n|[\n\r\u2028\u2029]/);
  if (lines.length === 1) return lines[0] === "" ? "" : `${indent}/** ${lines[0]} */\n`;
  return `${indent}/**\n${lines.map((line) => `${indent} * ${line}`.trimEnd()).join("\n")}\n${indent} */\n`;
}

/** `export interface` for an object, `export type` for all else. */
export function printDeclaration(name: string, type: TypeNode, description: string): string {
  const head = comment(description);
  if (type.kind === "object") return `${head}export interface ${name} ${printType(type)}\n`;
  const text = printType(type, "", `export type ${name} = ;`.length);
  return `${head}export type ${name} =${text.startsWith("\n") ? "" : " "}${text};\n`;
}

const propertyName = (name: string) => (/^[A-Za-z_$][\w$]*$/.test(name) ? name : JSON.stringify(name));

/**
 * @param indent of the line that the type begins in
 * @param used characters of that line that are taken
 */
export function printType(type: TypeNode, indent = "", used = 0): string {
  switch (type.kind) {
    case "keyword":
      return type.text;
    case "literal":
      return JSON.stringify(type.value);
    case "reference":
      return type.name;
    case "array":
      return `${inParentheses(type.items, indent)}[]`;
    case "tuple": {
      // With labels: tsc takes an optional member without one for a circle where a type refers to itself in it.
      const isLabelled = type.members.some(({ optional }) => optional);
      const members = type.members.map(({ type: member, optional }, index) =>
        isLabelled ? `item${index + 1}${optional ? "?" : ""}: ${printType(member, indent)}` : printType(member, indent),
      );
      if (type.rest !== undefined) members.push(`...${isLabelled ? "rest: " : ""}${inParentheses(type.rest, indent)}[]`);
      return `[${members.join(", ")}]`;
    }
    case "object":
      return printObject(type.properties, type.index, indent);
    case "union":
    case "intersection": {
      const sign = type.kind === "union" ? "|" : "&";
      const members = (deeper: string) =>
        type.members.map((member) =>
          member.kind === "union" || member.kind === "intersection" ? inParentheses(member, deeper) : printType(member, deeper),
        );
      const line = members(indent).join(` ${sign} `);
      if (!line.includes("\n") && indent.length + used + line.length <= width) return line;
      if (type.kind === "intersection") return line;
      const deeper = `${indent}  `;
      return members(deeper)
        .map((member) => `\n${deeper}${sign} ${member}`)
        .join("");
    }
  }
}

function inParentheses(type: TypeNode, indent: string): string {
  const text = printType(type, indent);
  return type.kind === "union" || type.kind === "intersection" ? `(${text}${text.startsWith("\n") ? `\n${indent}` : ""})` : text;
}

function printObject(properties: readonly PropertyNode[], index: TypeNode | undefined, indent: string): string {
  const deeper = `${indent}  `;
  const lines = properties.map(({ name, optional, type, description }) => {
    const head = `${propertyName(name)}${optional ? "?" : ""}:`;
    const text = printType(type, deeper, head.length + 2);
    return `${comment(description, deeper)}${deeper}${head}${text.startsWith("\n") ? "" : " "}${text};`;
  });
  if (index !== undefined) {
    const text = printType(index, deeper, "[key: string]: ;".length);
    lines.push(`${deeper}[key: string]:${text.startsWith("\n") ? "" : " "}${text};`);
  }
  return lines.length === 0 ? "{}" : `{\n${lines.join("\n")}\n${indent}}`;
}
