// Contract -> types.gen.ts: one type per message, one per definition, a union per direction, a map from name to message.
import { compile, type JSONSchema } from "json-schema-to-typescript";
import type { Contract } from "../../../spec/contract.ts";
import { banner } from "../banner.ts";
import { messagesOf } from "../messages-of.ts";
import { directlyRecursive, type SchemaScope } from "./json-types.ts";
import { described, type Restated, restate } from "./restate.ts";
import { rootName, typeNames } from "./type-names.ts";
import { descriptionOf, typeOfSchema } from "./type-of-schema.ts";
import { printDeclaration, type TypeNode, unionOf } from "./type-syntax.ts";

/** @throws Error of json-schema-to-typescript */
export async function emitTypes(contract: Contract): Promise<string> {
  const names = typeNames(contract);
  const scope = scopeOf(contract, names.definitions);
  const declared = new Map<string, Restated>();
  for (const [name, schema] of contract.definitions)
    declared.set(names.definitions.get(name)!, described(restate(typeOfSchema(schema, scope), true), descriptionOf(schema)));
  for (const { name, payload, description, summary } of contract.messages) {
    const text = descriptionOf(payload) || description || summary;
    declared.set(names.messages.get(name)!, described(restate(typeOfSchema(payload, scope), true), text));
  }
  return `${banner("The messages as types.")}\n${await declarations(declared)}\n\n${unions(contract, names.messages)}`;
}

/** One declaration for each schema, by its name. */
async function declarations(schemas: ReadonlyMap<string, Restated>): Promise<string> {
  const root = {
    type: "object",
    additionalProperties: false,
    definitions: Object.fromEntries(schemas),
    properties: Object.fromEntries([...schemas.keys()].map((name) => [name, { $ref: `#/definitions/${name}` }])),
  };
  const text = await compile(root as JSONSchema, rootName, {
    ...{ bannerComment: "", additionalProperties: true, enableConstEnums: false, unreachableDefinitions: false, format: true },
    $refOptions: { resolve: { http: false, file: false } },
    style: { printWidth: 130, semi: true, singleQuote: false },
  });
  return tidy(text.replace(new RegExp(`export interface ${rootName} \\{[\\s\\S]*?\\n\\}\\n`), ""));
}

/** A comment of one line on one line, and a blank line before each declaration. */
function tidy(code: string): string {
  return code
    .replaceAll(/\/\*\*\n\s+\* (.*)\n\s+\*\//g, "/** $1 */")
    .replaceAll(/(?<!\*\/\n)^(?=\/\*\*|export )/gm, "\n")
    .replaceAll(/\n{3,}/g, "\n\n")
    .trim();
}

function scopeOf({ definitions }: Contract, names: ReadonlyMap<string, string>): SchemaScope {
  const recursive = directlyRecursive(definitions);
  const byType = new Map([...names].map(([definition, type]) => [type, definition]));
  const sizes = new Map<string, number>();
  const scope: SchemaScope = {
    definitions,
    typeNames: names,
    isDirectlyRecursive: (name) => recursive.has(name),
    unionSize(type: TypeNode): number {
      if (type.kind === "union") return type.members.reduce((sum, member) => sum + scope.unionSize(member), 0);
      if (type.kind === "intersection") return type.members.reduce((product, member) => product * scope.unionSize(member), 1);
      if (type.kind !== "reference") return 1;
      const definition = byType.get(type.name);
      if (definition === undefined) return 1;
      if (!sizes.has(type.name)) {
        // Only reached again where the reference is within an object: then it is one member.
        sizes.set(type.name, 1);
        sizes.set(type.name, scope.unionSize(typeOfSchema(definitions.get(definition), scope)));
      }
      return sizes.get(type.name)!;
    },
  };
  return scope;
}

function unions(contract: Contract, names: ReadonlyMap<string, string>): string {
  const union = (from: "client" | "server") =>
    unionOf(messagesOf(contract, from, "websocket").map((name): TypeNode => ({ kind: "reference", name: names.get(name)! })));
  const properties = contract.messages.map(({ name }) => ({
    ...{ name, optional: false, description: "" },
    type: { kind: "reference", name: names.get(name)! } as const,
  }));
  return [
    printDeclaration("ClientMessage", union("client"), "What the client sends over WebSocket."),
    printDeclaration("ServerMessage", union("server"), "What the server sends over WebSocket."),
    printDeclaration("Messages", { kind: "object", properties, index: undefined }, "From the message's name to its type."),
  ].join("\n");
}
