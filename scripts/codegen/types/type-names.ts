// Names of the types: one for each message and definition, no two alike. Pure.
import type { Contract } from "../../../spec/contract.ts";

/** Longer ones are cut. */
const maxLength = 80;

/** `joined_room` -> `JoinedRoom`, `v2_beta` -> `V2Beta`; what cannot stand in a name goes, and a leading digit gets an underscore. */
export function typeName(name: string): string {
  const words = name.split(/[^A-Za-z0-9]+/).filter((word) => word !== "");
  const pascal = words.map((word) => word[0]!.toUpperCase() + word.slice(1)).join("");
  // json-schema-to-typescript would write a letter behind a digit like this, and the name must stay what we refer to.
  const cut = pascal.slice(0, maxLength).replaceAll(/\d[a-z]/g, (pair) => pair.toUpperCase());
  return /^[A-Za-z]/.test(cut) ? cut : `_${cut}`;
}

/** Names that a type would hide from whoever imports it. */
const globals = (
  "Error Object Array Map Set Date Promise Record Symbol String Number Boolean Function Event " +
  "RegExp BigInt Partial Required Readonly Pick Omit Exclude Extract Request Response Buffer"
).split(" ");

/** The library wants one object around all types; its declaration is left out. */
export const rootName = "ArtificialRoot";

/** On a clash the message gets `Message` behind it, then a number. */
export function typeNames(contract: Contract): {
  readonly messages: ReadonlyMap<string, string>;
  readonly definitions: ReadonlyMap<string, string>;
} {
  const taken = new Set(["ClientMessage", "ServerMessage", "Messages", rootName, ...globals]);
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
