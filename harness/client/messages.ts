// Which message of the contract a text is, and what is wrong with it. Pure.

import type { Channel, Contract, Message, Operation, Pointer } from "../../spec/contract.ts";
import { lookup } from "../../spec/pointer.ts";
import { createProtocol, isErrorMessage } from "../model/protocol.ts";
import { createRecogniser } from "../model/recognise.ts";
import { parseJson } from "../schema/json.ts";
import type { Received } from "./received.ts";

export type Direction = "fromClient" | "fromServer";

/** Why the value is not the message, one sentence a mistake; empty where it is. */
export type Validate = (messageName: string, value: unknown) => readonly string[];

export type Read = Pick<Received, "name" | "value" | "json" | "wrong">;

export interface Messages {
  read(text: string, direction: Direction): Read;
  /** The name of the message in plain text that a text is, where it is none in JSON. */
  plainName(text: string, direction: Direction): string | undefined;
  /** A message as it is sent. */
  encode(message: unknown): string;
  /** The message that a value of this direction is or wants to be, by its tag; where none has tags, the first whose schema it fits. */
  nameOf(value: unknown, direction: Direction): string | undefined;
  /** The ids of requests that a value of the server may answer. */
  idsIn(value: unknown): readonly unknown[];
  /** Reads the reply to a request of the operation. @param operation undefined where the request was malformed */
  readReply(value: unknown, operation: Operation | undefined): Read;
  /** Reads a value of the server that answers no id. @param awaited names of the replies that are awaited in order */
  readEvent(value: unknown, awaited: readonly string[]): Read;
  /** The first message of the client that has an id. */
  readonly correlated: Message | undefined;
  /** Whether the message carries errors. */
  isError(name: string): boolean;
  message(name: string): Message;
  /** The operation by which the client sends this message on the channel. */
  operationOf(messageName: string): Operation | undefined;
  readonly directions: Readonly<Record<Direction, readonly Message[]>>;
}

export function createMessages(contract: Contract, channel: Channel, validate: Validate): Messages {
  const byName = new Map(contract.messages.map((message) => [message.name, message]));
  const operations = contract.operations.filter((operation) => operation.channel === channel.id);
  const directions = {
    fromClient: named(
      byName,
      operations.flatMap((one) => (one.action === "receive" ? one.messages : (one.reply ?? []))),
    ),
    fromServer: named(byName, [
      channel.handshake?.first,
      ...(contract.errors?.replies ?? []).map(({ message }) => message),
      ...operations.flatMap((one) => (one.action === "send" ? one.messages : (one.reply ?? []))),
    ]),
  };

  const protocol = createProtocol(contract, channel.id);
  const recogniser = createRecogniser(protocol, (name, value) => validate(name, value).length === 0);
  const readAs = (value: unknown, name: string | undefined): Read =>
    name === undefined
      ? { name, value, json: true, wrong: [unknownMessage(directions.fromServer)] }
      : { name, value, json: true, wrong: validate(name, value) };

  const nameOf = (value: unknown, direction: Direction): string | undefined => {
    if (direction === "fromServer") return recogniser.event(value, [])?.name;
    const candidates = directions[direction].filter(({ format }) => format === "json");
    const tagged = candidates.filter(({ tag }) => tag !== undefined && lookup(value, tag.pointer) === tag.value);
    if (tagged.length === 1) return tagged[0]!.name;
    const trial = tagged.length > 0 ? tagged : candidates.filter(({ tag }) => tag === undefined);
    return (trial.find(({ name }) => validate(name, value).length === 0) ?? tagged[0])?.name;
  };

  const plainName = (text: string, direction: Direction): string | undefined => {
    const fits = directions[direction].find(({ name, format }) => format === "text" && validate(name, text).length === 0);
    if (fits === undefined) return undefined;
    const parsed = parseJson(text);
    if (!("value" in parsed)) return fits.name;
    // A schema of any text fits an object too, which is one in JSON where the direction has such messages.
    const isJson = Object(parsed.value) === parsed.value && directions[direction].some(({ format }) => format === "json");
    return isJson || nameOf(parsed.value, direction) !== undefined ? undefined : fits.name;
  };

  return {
    directions,
    nameOf,
    plainName,
    encode: (message) =>
      typeof message === "string" && plainName(message, "fromClient") !== undefined ? message : JSON.stringify(message),
    correlated: directions.fromClient.find(({ correlation }) => correlation !== undefined),
    idsIn: recogniser.ids,
    isError: (name) => isErrorMessage(protocol, name),
    readEvent: (value, awaited) => readAs(value, recogniser.event(value, awaited)?.name),
    readReply(value, operation) {
      const { message, both } = recogniser.reply(value, operation);
      if (message === undefined || both === undefined) return readAs(value, message?.name);
      return { name: undefined, value, json: true, wrong: [`is ${message.name} and ${both.name} at once`] };
    },
    read(text, direction) {
      const parsed = parseJson(text);
      const plain = plainName(text, direction);
      if (plain !== undefined) return { name: plain, value: text, json: false, wrong: [] };
      if ("wrong" in parsed) {
        const hasText = directions[direction].some(({ format }) => format === "text");
        const wrong = hasText ? unknownMessage(directions[direction]) : parsed.wrong;
        return { name: undefined, value: text, json: false, wrong: [wrong] };
      }
      const { value } = parsed;
      const name = nameOf(value, direction);
      if (name === undefined) return { name, value, json: true, wrong: [unknownMessage(directions[direction])] };
      return { name, value, json: true, wrong: validate(name, value) };
    },
    message(name) {
      const message = byName.get(name);
      if (message === undefined) throw new Error(`the contract has no message ${name}`);
      return message;
    },
    operationOf: (name) => operations.find((one) => one.action === "receive" && one.messages.includes(name)),
  };
}

function named(byName: ReadonlyMap<string, Message>, names: readonly (string | undefined)[]): Message[] {
  return [...new Set(names)].flatMap((name) => byName.get(name ?? "") ?? []);
}

function unknownMessage(candidates: readonly Message[]): string {
  return `is none of the messages of this direction: ${candidates.map(({ name }) => name).join(", ") || "there are none"}`;
}

/** A copy of `value` with `member` at the pointer; objects on the way are made where they are missing. */
export function withValueAt(value: unknown, pointer: Pointer, member: unknown): unknown {
  const [token, ...rest] = pointer.split("/").slice(1);
  if (token === undefined) return member;
  const key = token.replaceAll("~1", "/").replaceAll("~0", "~");
  const inner = rest.map((one) => `/${one}`).join("");
  if (Array.isArray(value)) return value.map((item, at) => (String(at) === key ? withValueAt(item, inner, member) : item));
  const entries = Object.entries(typeof value === "object" && value !== null ? value : {});
  const child = withValueAt(lookup(value, `/${token}`), inner, member);
  return Object.fromEntries(
    entries.some(([name]) => name === key)
      ? entries.map(([name, old]) => [name, name === key ? child : old])
      : [...entries, [key, child]],
  );
}
