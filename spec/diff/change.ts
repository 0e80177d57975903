// What a change of a protocol is, and how two lists of named things are compared.
import type { DocumentPointer } from "../contract.ts";

/** clients: one written for OLD may fail at a server that keeps NEW. servers: one written for OLD may fail a client that relies on NEW. */
export type Party = "clients" | "servers";

export interface Change {
  /** Permanent id, such as `close-code-removed`. */
  readonly id: string;
  readonly pointer: DocumentPointer;
  /** Which way the messages go that it concerns; undefined for what concerns the connection. */
  readonly direction: "client to server" | "server to client" | undefined;
  /** Empty: nobody. */
  readonly breaks: readonly Party[];
  /** What was changed, in words. */
  readonly subject: string;
  /** Undefined where it was not there. */
  readonly old: string | undefined;
  /** Undefined where it is gone. */
  readonly new: string | undefined;
}

export const both: readonly Party[] = ["clients", "servers"];

/** Things with a pointer, which says where they stand and nothing about what they are. */
interface Placed {
  readonly pointer: DocumentPointer;
}

interface Comparison<T extends Placed> {
  /** Names the kind in ids and subjects, such as `close-code`. */
  readonly kind: string;
  readonly key: (item: T) => string;
  /** Who breaks by one that is new, and by one that is gone. */
  readonly added: readonly Party[];
  readonly removed: readonly Party[];
  readonly text: (item: T) => string;
  /** Changes between two of the same name. */
  readonly changed: (old: T, now: T) => readonly Change[];
}

/** Compares by name; the order does not matter. */
export function compareNamed<T extends Placed>(old: readonly T[], now: readonly T[], comparison: Comparison<T>): Change[] {
  const { kind, key, added, removed, text, changed } = comparison;
  const before = new Map(old.map((item) => [key(item), item]));
  const after = new Map(now.map((item) => [key(item), item]));
  const subject = (name: string) => `${kind.replaceAll("-", " ")} ${name}`;
  return [
    ...[...before].flatMap(([name, item]): readonly Change[] => {
      const next = after.get(name);
      if (next !== undefined) return changed(item, next);
      const base = { id: `${kind}-removed`, pointer: item.pointer, direction: undefined, breaks: removed };
      return [{ ...base, subject: subject(name), old: text(item), new: undefined }];
    }),
    ...[...after].flatMap(([name, item]): Change[] => {
      if (before.has(name)) return [];
      const base = { id: `${kind}-added`, pointer: item.pointer, direction: undefined, breaks: added };
      return [{ ...base, subject: subject(name), old: undefined, new: text(item) }];
    }),
  ];
}

/** One member of a thing that is in both: a change where the values differ. */
export function compareValue(
  id: string,
  pointer: DocumentPointer,
  subject: string,
  old: unknown,
  now: unknown,
  breaks: readonly Party[],
): Change[] {
  const [before, after] = [show(old), show(now)];
  return before === after ? [] : [{ id, pointer, direction: undefined, breaks, subject, old: before, new: after }];
}

/** A bound: below it a client is safe, so lowering it breaks clients and raising it those servers that still have the old one. */
export function compareBound(id: string, pointer: DocumentPointer, subject: string, old: number, now: number): Change[] {
  return compareValue(id, pointer, subject, old, now, now < old ? ["clients"] : ["servers"]);
}

/** Plain data in a few words; places in the document and undefined members are left out. */
export function show(value: unknown): string | undefined {
  if (value === undefined) return undefined;
  return JSON.stringify(value, (key, member: unknown) =>
    key === "pointer" && typeof member === "string" && member.startsWith("#")
      ? undefined
      : member instanceof Map
        ? Object.fromEntries(member)
        : member,
  );
}
