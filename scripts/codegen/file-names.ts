// Names of files for messages. Pure.
import type { Contract } from "../../spec/contract.ts";

/** File systems end at 255 bytes. */
const maxLength = 80;

/**
 * From each message's name to one that can name a file and be an anchor in a page.
 * No two are alike, even where a file system does not tell `a` from `A`.
 */
export function fileNames(contract: Contract): ReadonlyMap<string, string> {
  const taken = new Set(["runtime", "problem", "server-messages"]);
  return new Map(
    contract.messages.map(({ name }) => {
      const plain = name.replaceAll(/[^A-Za-z0-9_-]/g, "-").slice(0, maxLength);
      let file = plain;
      for (let count = 2; taken.has(file.toLowerCase()); count++) file = `${plain}-${count}`;
      taken.add(file.toLowerCase());
      return [name, file];
    }),
  );
}
