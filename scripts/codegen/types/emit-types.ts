// Contract -> types.gen.ts: one type per message, one per definition, a union per direction, a map from name to message.
import type { Contract } from "../../../spec/contract.ts";
import { banner } from "../banner.ts";
import { messagesOf } from "../messages-of.ts";
import { directlyRecursive, type SchemaScope } from "./json-types.ts";
import { typeNames } from "./type-names.ts";
import { descriptionOf, typeOfSchema } from "./type-of-schema.ts";
import { printDeclaration, type TypeNode, unionOf } from "./type-syntax.ts";

export function emitTypes(contract: Contract): string {
  const names = typeNames(contract);
  const scope = scopeOf(contract, names.definitions);
  const definitions = [...contract.definitions].map(([name, schema]) =>
    printDeclaration(names.definitions.get(name)!, typeOfSchema(schema, scope), descriptionOf(schema)),
  );
  const messages = contract.messages.map(({ name, payload, description, summary }) =>
    printDeclaration(names.messages.get(name)!, typeOfSchema(payload, scope), descriptionOf(payload) || description || summary),
  );
  return [banner("The messages as types."), ...definitions, ...messages, ...unions(contract, names.messages)].join("\n");
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

function unions(contract: Contract, names: ReadonlyMap<string, string>): string[] {
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
  ];
}
