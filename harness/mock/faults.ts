// Faults of the mock, for tests of clients: what goes out wrong, by name. Pure.
import { lookup } from "../../spec/pointer.ts";
import { UsageError } from "../schema/errors.ts";
import { put, remove } from "./place.ts";

export type Act =
  | { readonly kind: "send"; readonly text: string; readonly ms?: number }
  | { readonly kind: "close"; readonly code: number }
  /** TCP ends without a close frame. */
  | { readonly kind: "cut" };

/** What goes out in place of one message. @param session whose message it is */
export type OutgoingFaults = (text: string, name: string | undefined, session: number) => readonly Act[];

interface Fault {
  readonly message: string;
  readonly everyNth: number;
  act(text: string, held: Held): readonly Act[];
}

/** What a connection holds back. */
interface Held {
  text: string | undefined;
}

type Maker = (argument: string, given: string) => Fault["act"];

/** Kind -> what it takes after the message's name, and what it does. */
const kinds: Readonly<Record<string, { readonly takes: string; readonly says: string; readonly make: Maker }>> = {
  "drops-message": { takes: "", says: "never sends it", make: () => () => [] },
  "duplicates-message": { takes: "", says: "sends it twice", make: () => (text) => [send(text), send(text)] },
  "reorders-messages": {
    takes: "",
    says: "sends it after the next one of its name",
    make: () => (text, held) => {
      const before = held.text;
      held.text = before === undefined ? text : undefined;
      return before === undefined ? [] : [send(text), send(before)];
    },
  },
  "delays-message": {
    takes: "/MS",
    says: "sends it late; later ones overtake it",
    make: (argument, given) => {
      const ms = numberFrom(argument, given);
      return (text) => [{ kind: "send", text, ms }];
    },
  },
  "removes-field": {
    takes: "/POINTER",
    says: "leaves a member out",
    make: (argument) => edit((frame) => without(frame, `/${argument}`)),
  },
  "retypes-field": {
    takes: "/POINTER",
    says: "gives a member another JSON type",
    make: (argument) =>
      edit((frame) => put(frame, `/${argument}`, typeof lookup(frame, `/${argument}`) === "string" ? 1 : "wrong")),
  },
  "leaks-field": {
    takes: "",
    says: "adds a member that no schema knows",
    make: () => edit((frame) => put(frame, "/leaked", "secret")),
  },
  "sends-text": { takes: "", says: "sends text that is not JSON in its place", make: () => () => [send("{ not JSON")] },
  "closes-instead-of": {
    takes: "/CODE",
    says: "closes in its place",
    make: (argument, given) => {
      const code = numberFrom(argument, given);
      return () => [{ kind: "close", code }];
    },
  },
  "closes-after": {
    takes: "/CODE",
    says: "closes after it",
    make: (argument, given) => {
      const code = numberFrom(argument, given);
      return (text) => [send(text), { kind: "close", code }];
    },
  },
  "cuts-instead-of": { takes: "", says: "ends TCP in its place", make: () => () => [{ kind: "cut" }] },
};

const send = (text: string): Act => ({ kind: "send", text });
const edit =
  (change: (frame: unknown) => unknown): Fault["act"] =>
  (text) => [send(JSON.stringify(change(JSON.parse(text))))];

function without(frame: unknown, pointer: string): unknown {
  remove(frame, pointer);
  return frame;
}

/**
 * @param names such as `drops-message/ack`, or `drops-message/ack/every-3` for each third on a connection
 * @param messages names of the messages that the server sends
 * @throws UsageError for a name that is none
 */
export function createFaults(names: readonly string[], messages: readonly string[]): OutgoingFaults {
  const faults = names.map((name) => parseFault(name, messages));
  const counts = new Map<string, number>();
  const held = new Map<string, Held>();
  return (text, name, session) => {
    for (const [index, fault] of faults.entries()) {
      if (fault.message !== name) continue;
      const key = `${index} ${session}`;
      const count = (counts.get(key) ?? 0) + 1;
      counts.set(key, count);
      if (counts.size > 100_000) counts.clear();
      if (count % fault.everyNth !== 0) continue;
      const own = held.get(key) ?? { text: undefined };
      held.set(key, own);
      if (held.size > 100_000) held.clear();
      return fault.act(text, own);
    }
    return [send(text)];
  };
}

function parseFault(given: string, messages: readonly string[]): Fault {
  const [, body = given, every] = /^(.*?)(?:\/every-(\d+))?$/.exec(given) ?? [];
  const [kind = "", message = "", ...rest] = body.split("/");
  const known = kinds[kind];
  if (known === undefined)
    throw new UsageError(`--fault ${given}: no fault is called ${kind}; there are ${Object.keys(kinds).join(", ")}`);
  if (!messages.includes(message))
    throw new UsageError(`--fault ${given}: the server sends no message ${message}; it sends ${messages.join(", ")}`);
  const argument = rest.join("/");
  if ((known.takes === "") !== (argument === ""))
    throw new UsageError(`expected --fault ${kind}/${message}${known.takes}, got "${given}"`);
  return { message, everyNth: Math.max(1, Number(every ?? 1)), act: known.make(argument, given) };
}

function numberFrom(text: string, given: string): number {
  if (!/^\d+$/.test(text)) throw new UsageError(`expected a number at the end of --fault ${given}, got "${text}"`);
  return Number(text);
}
