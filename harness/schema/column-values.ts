// Values of columns of relations, such as names of rooms: valid wherever a message of the client carries them.
import type { Channel, Contract, Effect, JsonSchema, Message, Requirement, Where } from "../../spec/contract.ts";
import { valueAt, withValueAt } from "./edit.ts";
import type { Json } from "./json.ts";
import { createUniqueValues, type UniqueValues, type Usage } from "./unique-values.ts";
import type { ValidSamples } from "./valid-samples.ts";

/** Gives the text where it is valid everywhere, else the value of the count. */
export type ColumnValues = (text: string, count: number) => Json;

/** Where requests of the channel carry a value of the column. */
export function columnUsages(
  contract: Contract,
  channel: Channel,
  column: string,
  samplesOf: (message: Message) => ValidSamples,
): readonly Usage[] {
  return contract.operations
    .filter((operation) => operation.channel === channel.id && operation.action === "receive")
    .flatMap(({ messages, requires, effects }) => {
      const message = contract.messages.find(({ name, format }) => name === messages[0] && format === "json");
      if (message === undefined) return [];
      const values = [...requires, ...effects].flatMap((one) => whereOf(one)?.get(column) ?? []);
      const pointers = new Set(values.flatMap((value) => (value.kind === "message" ? [value.pointer] : [])));
      return [...pointers].map((pointer) => ({ payload: message.payload, samples: samplesOf(message), pointer }));
    });
}

function whereOf(one: Requirement | Effect): Where | undefined {
  if (one.kind === "deliver") return one.to.kind === "relation" ? one.to.where : undefined;
  return one.kind === "relation" || one.kind === "limit" || one.kind === "add" || one.kind === "remove" ? one.where : undefined;
}

export function createColumnValues(
  usages: readonly Usage[],
  definitions: ReadonlyMap<string, JsonSchema>,
  column: string,
): ColumnValues {
  let others: UniqueValues | undefined;
  return (text, count) => {
    if (usages.every((usage) => isValid(usage, text))) return text;
    others ??= createUniqueValues(usages, definitions, column);
    return others(count);
  };
}

function isValid({ samples, pointer }: Usage, value: Json): boolean {
  const base = samples.all.find((one) => valueAt(one, pointer) !== undefined);
  return base === undefined || samples.isValid(withValueAt(base, pointer, value));
}
