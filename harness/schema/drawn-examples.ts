// Examples for messages that the document gives none: drawn from the schema, so that rules which begin with an example test them too.
import type { Contract, Effect, Message, Requirement, Value } from "../../spec/contract.ts";
import { dataOf, withUsableSchemas } from "./contract-data.ts";
import { hasValueAt } from "./edit.ts";
import type { Json } from "./json.ts";

/** The name of an example that we drew. */
export const drawnName = "(drawn from the schema)";

/**
 * The contract with one example for each JSON message that has none; the same contract where all have some. Always the same values.
 * A message whose schema nothing keeps stays without, and one whose schema AJV cannot use may be anything.
 */
export function withDrawnExamples(given: Contract): Contract {
  const contract = withUsableSchemas(given);
  const lacks = ({ format, examples }: Message) => format === "json" && examples.length === 0;
  if (!contract.messages.some(lacks)) return contract;
  return { ...contract, messages: contract.messages.map((one) => (lacks(one) ? withExample(contract, one) : one)) };
}

function withExample(contract: Contract, message: Message): Message {
  const payload = plainest(contract, message);
  if (payload === undefined) return message;
  return { ...message, examples: [{ name: drawnName, summary: "", payload, pointer: message.pointer }] };
}

/** The shortest that has what the document speaks of, and that begins nothing of its own: no key to be remembered, no replay. */
function plainest(contract: Contract, message: Message): Json | undefined {
  const operations = contract.operations.filter(({ messages }) => messages.includes(message.name));
  const effects = operations.flatMap((operation) => operation.effects);
  const begins = placesOf(
    effects.flatMap((effect) => (effect.kind === "once" || effect.kind === "replay" ? valuesOf(effect) : [])),
  );
  const spoken = placesOf([...operations.flatMap(({ requires }) => requires), ...effects].flatMap(valuesOf));
  const wanted = [...spoken, ...(message.correlation === undefined ? [] : [message.correlation])].filter(
    (place) => !begins.includes(place),
  );
  const worst = (value: Json): readonly number[] => [
    begins.filter((place) => hasValueAt(value, place)).length,
    wanted.filter((place) => !hasValueAt(value, place)).length,
    JSON.stringify(value).length,
  ];
  return dataOf(contract)
    .of(message)
    .samples.all.map((value) => ({ value, rank: worst(value) }))
    .sort((a, b) => a.rank[0]! - b.rank[0]! || a.rank[1]! - b.rank[1]! || a.rank[2]! - b.rank[2]!)[0]?.value;
}

function valuesOf(one: Requirement | Effect): readonly Value[] {
  switch (one.kind) {
    case "relation":
    case "limit":
    case "add":
    case "remove":
      return [...one.where.values()];
    case "connection":
      return [one.equals];
    case "credential":
      return [one.value];
    case "once":
      return [one.key];
    case "replay":
      return [one.since];
    case "renew":
      return [one.credential];
    case "reply":
      return [...one.bindings.values()];
    case "deliver":
      return [
        ...one.bindings.values(),
        ...(one.to.kind === "relation" ? one.to.where.values() : one.to.kind === "connection" ? [one.to.equals] : []),
      ];
    case "rate":
    case "may":
    case "claim":
    case "close":
      return [];
  }
}

function placesOf(values: readonly Value[]): readonly string[] {
  return values.flatMap((value) => (value.kind === "message" ? [value.pointer] : []));
}
