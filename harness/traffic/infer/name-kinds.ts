// Gives each kind a name: its tag's value where it has one, else what it answers or is.
import type { Kind } from "./kind.ts";
import type { Pair } from "./pair-replies.ts";

export function nameKinds(kinds: readonly Kind[], pairs: readonly Pair[]): void {
  const taken = new Set<string>();
  const give = (kind: Kind, wanted: string) => {
    let name = wanted;
    if (taken.has(name) && kind.side === "server") name = `server_${wanted}`;
    for (let number = 2; taken.has(name); number += 1) name = `${wanted}_${number}`;
    taken.add(name);
    kind.name = name;
  };
  const bySide = (side: Kind["side"]) => kinds.filter((kind) => kind.side === side);
  for (const kind of bySide("client")) give(kind, kind.tag === undefined ? untagged(kind, "request") : nameOf(kind.tag.value));
  for (const kind of bySide("server")) {
    const asked =
      kind.replyTo ?? (kind.tag === undefined ? pairs.find(({ replies }) => replies.includes(kind))?.request : undefined);
    if (kind.tag !== undefined) give(kind, nameOf(kind.tag.value));
    else if (kind.isError) give(kind, "failure");
    else give(kind, asked === undefined ? untagged(kind, "event") : `${asked.name}_reply`);
  }
}

const untagged = ({ format }: Kind, json: string) => (format === "json" ? json : `${format}_message`);

/** A name as keys of AsyncAPI may be. */
function nameOf(value: string | number | boolean): string {
  const name = String(value)
    .replaceAll(/[^A-Za-z0-9_]+/g, "_")
    .replaceAll(/^_+|_+$/g, "")
    .slice(0, 60);
  return /^[A-Za-z]/.test(name) ? name : `message_${name || "empty"}`;
}
