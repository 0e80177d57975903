// Messages of one direction that no field, or nothing at all, tells apart.
import type { JsonSchema, Message } from "../contract.ts";
import { directionsOf } from "../message-tags.ts";
import { isRecord, record } from "../raw.ts";
import { sampleOf } from "../sample.ts";
import { conjuncts } from "../schema-walk.ts";
import { at } from "../source-tree.ts";
import { type Check, choices, shorten } from "./check.ts";

/** Of more messages than this on one channel, each is compared with the first so many. */
const maxCompared = 100;

export const checkTags: Check = ({ tree, contract, validators }) => {
  const byName = new Map(contract.messages.map((message) => [message.name, message]));
  return contract.channels
    .filter(({ kind }) => kind === "websocket")
    .flatMap((channel) =>
      directionsOf(channel, contract.operations).flatMap((names, index) => {
        const group = [...names].flatMap((name) => byName.get(name) ?? []).filter(({ format }) => format === "json");
        const untagged = group.filter(({ tag }) => tag === undefined);
        if (group.length < 2 || untagged.length === 0) return [];
        const side = index === 0 ? "the client" : "the server";
        const confused = untagged.slice(0, maxCompared).flatMap((message, position) => {
          for (const other of untagged.slice(0, position)) {
            const shared = sharedInstance(message, other, contract.definitions, validators);
            if (shared === undefined) continue;
            return [
              at(tree, message.pointer, {
                severity: "warning",
                id: "messages-indistinguishable",
                expected: `a difference between the messages that ${side} sends on ${channel.id}`,
                actual: `${shorten(JSON.stringify(shared.value))} is a ${message.name} and a ${other.name}`,
                fix: "give each message a required field with its own const, such as `type`",
              }),
            ];
          }
          return [];
        });
        const untold = at(tree, channel.pointer, {
          severity: "info",
          id: "messages-without-tag",
          expected: `one constant field that tells apart what ${side} sends`,
          actual: `${choices(untagged.map(({ name }) => name))} have none`,
          fix: "No action needed: each frame is tried against each schema. A const in each message makes that exact.",
        });
        return [untold, ...confused];
      }),
    );
};

/** A value that both accept and either would send: an example or a full sample of one, with no property that the other does not declare. */
function sharedInstance(
  one: Message,
  other: Message,
  definitions: ReadonlyMap<string, JsonSchema>,
  validators: Parameters<Check>[0]["validators"],
): { readonly value: unknown } | undefined {
  const accepts = (message: Message, value: unknown) => validators.of(message.name)(value).length === 0;
  const declared = (message: Message) =>
    new Set(conjuncts(message.payload, definitions).flatMap((part) => Object.keys(record(part.properties))));
  const [own, others] = [declared(one), declared(other)];
  const candidates = [one, other].flatMap((message) => [
    ...message.examples.map(({ payload }) => payload),
    sampleOf(message.payload, definitions),
  ]);
  const value = candidates.find((candidate) => {
    const known = !isRecord(candidate) || Object.keys(candidate).every((name) => own.has(name) && others.has(name));
    return known && accepts(one, candidate) && accepts(other, candidate);
  });
  return value === undefined ? undefined : { value };
}
