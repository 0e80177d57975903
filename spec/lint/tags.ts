// Messages of one direction that no field, or nothing at all, tells apart.
import { isDeepStrictEqual } from "node:util";
import { directionsOf } from "../message-tags.ts";
import { at } from "../source-tree.ts";
import { type Check, choices } from "./check.ts";

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
        const confused = untagged.flatMap((message, position) => {
          const twin = untagged.slice(0, position).find((other) => areAlike(message, other, validators));
          if (twin === undefined) return [];
          return [
            at(tree, message.pointer, {
              severity: "warning",
              id: "messages-indistinguishable",
              expected: `a difference between the messages that ${side} sends on ${channel.id}`,
              actual: `what is a ${message.name} is a ${twin.name} too`,
              fix: "give each a required field with a const of its own, such as `type`",
            }),
          ];
        });
        const untold = at(tree, channel.pointer, {
          severity: "info",
          id: "messages-without-tag",
          expected: `one constant field that tells apart what ${side} sends`,
          actual: `${choices(untagged.map(({ name }) => name))} have none`,
          fix: "nothing needs to be done: a frame is tried against each schema. A const of its own in each message makes that exact",
        });
        return [untold, ...confused];
      }),
    );
};

type Message = Parameters<Check>[0]["contract"]["messages"][number];

/** Equal schemas, or a value that both accept: an example, or the object without members. */
function areAlike(a: Message, b: Message, validators: Parameters<Check>[0]["validators"]): boolean {
  const both = (value: unknown) => validators.of(a.name)(value).length === 0 && validators.of(b.name)(value).length === 0;
  return (
    isDeepStrictEqual(a.payload, b.payload) || [{}, ...[...a.examples, ...b.examples].map(({ payload }) => payload)].some(both)
  );
}
