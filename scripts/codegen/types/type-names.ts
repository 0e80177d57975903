// Names of the types: one for each message and definition, no two alike. Pure.
import type { Contract } from "../../../spec/contract.ts";

/** Longer ones are cut. */
const maxLength = 80;

/** `joined_room` -> `JoinedRoom`; what cannot stand in a name goes, and a leading digit gets an underscore. */
export function typeName(name: string): string {
  const words = name.split(/[^\p{L}\p{N}]+/u).filter((word) => word !== "");
  const pascal = words
    .map((word) => {
      const [first = "", ...rest] = word;
      return first.toUpperCase() + rest.join("");
    })
    .join("");
  const cut = [...pascal].slice(0, maxLength).join("");
  return /^\p{L}/u.test(cut) ? cut : `_${cut}`;
}

/** Names that a type would hide from whoever imports it. */
const globals = (
  "Error Object Array Map Set Date Promise Record Symbol String Number Boolean Function Event " +
  "RegExp BigInt Partial Required Readonly Pick Omit Exclude Extract Request Response Buffer"
).split(" ");

/** On a clash the message gets `Message` behind it, then a number. */
export function typeNames(contract: Contract): {
  readonly messages: ReadonlyMap<string, string>;
  readonly definitions: ReadonlyMap<string, string>;
} {
  const taken = new Set(["ClientMessage", "ServerMessage", "Messages", ...globals]);
  const claim = (...wanted: string[]) => {
    let name = wanted.find((candidate) => !taken.has(candidate)) ?? wanted.at(-1)!;
    for (let count = 2; taken.has(name); count++) name = `${wanted.at(-1)}${count}`;
    taken.add(name);
    return name;
  };
  const definitions = new Map([...contract.definitions.keys()].map((name) => [name, claim(typeName(name))]));
  const messages = new Map(contract.messages.map(({ name }) => [name, claim(typeName(name), `${typeName(name)}Message`)]));
  return { messages, definitions };
}
