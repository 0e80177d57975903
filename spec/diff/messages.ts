// Messages and operations of two contracts: what either side may send, what it gets back, what must hold, and what comes of it.
import type { Contract, Effect, Message, Operation, Requirement } from "../contract.ts";
import { directionsOf } from "../message-tags.ts";
import { both, type Change, compareNamed, compareValue, type Party, show } from "./change.ts";
import { type SchemaChange, schemaChanges } from "./schema-changes.ts";

/** Names of the messages that the server receives, and of those that it sends, over all channels. */
function directions({ channels, operations }: Contract): { received: Set<string>; sent: Set<string> } {
  const received = new Set<string>();
  const sent = new Set<string>();
  for (const channel of channels) {
    const [there, back] = directionsOf(channel, operations);
    for (const name of there) received.add(name);
    for (const name of back) sent.add(name);
  }
  return { received, sent };
}

/** Old clients send what the old schema allows; old servers reject the rest. In the other direction it is the reverse. */
export function partiesOf(effect: SchemaChange["effect"], received: boolean): readonly Party[] {
  if (effect === "unclear") return both;
  return (effect === "narrows") === received ? ["clients"] : ["servers"];
}

export function compareMessages(old: Contract, now: Contract): Change[] {
  const [before, after] = [directions(old), directions(now)];
  const find = (contract: Contract, name: string) => contract.messages.find((message) => message.name === name);
  const compare = (side: "received" | "sent"): Change[] => {
    const direction = side === "received" ? "client to server" : "server to client";
    const names = new Set([...before[side], ...after[side]]);
    return [...names].flatMap((name): Change[] => {
      const [was, is] = [find(old, name), find(now, name)];
      const subject = `message ${name}`;
      if (was !== undefined && is !== undefined && before[side].has(name) && after[side].has(name)) {
        return compareMessage(old, was, now, is, side === "received").map((change) => ({ ...change, direction }));
      }
      if (before[side].has(name)) {
        const breaks: readonly Party[] = side === "received" ? ["clients"] : both;
        return [{ id: "message-removed", pointer: was?.pointer ?? "#", direction, breaks, subject, old: name, new: undefined }];
      }
      const breaks: readonly Party[] = side === "received" || answersOnlyNew(old, now, name) ? ["servers"] : ["clients"];
      return [{ id: "message-added", pointer: is?.pointer ?? "#", direction, breaks, subject, old: undefined, new: name }];
    });
  };
  return [...compare("received"), ...compare("sent")];
}

/** Whether a message of the server only ever answers operations that old clients do not know. */
function answersOnlyNew(old: Contract, now: Contract, name: string): boolean {
  const known = new Set(old.operations.map(({ id }) => id));
  return now.operations
    .filter(({ action, messages, reply }) => (action === "send" && messages.includes(name)) || reply?.includes(name))
    .every(({ action, id }) => action === "receive" && !known.has(id));
}

function compareMessage(old: Contract, was: Message, now: Contract, is: Message, received: boolean): Change[] {
  const subject = `message ${is.name}`;
  const value = (key: "contentType" | "format" | "correlation" | "httpStatus") =>
    compareValue(`message-${key.toLowerCase()}`, is.pointer, `${subject}: ${key}`, was[key], is[key], both);
  const schemas = (part: "payload" | "headers") =>
    schemaChanges(was[part] ?? true, old.definitions, is[part] ?? true, now.definitions).map(
      ({ pointer, keyword, effect, old: before, new: after }): Change => ({
        id: `field-${effect}`,
        pointer: is.pointer,
        direction: undefined,
        breaks: partiesOf(effect, received),
        subject: `${subject}, ${part === "payload" ? "" : "header "}${pointer === "" ? "the whole" : pointer}: ${keyword}`,
        old: show(before),
        new: show(after),
      }),
    );
  return [
    ...(["contentType", "format", "correlation", "httpStatus"] as const).flatMap(value),
    ...schemas("payload"),
    ...schemas("headers"),
  ];
}

export function compareOperations(old: Contract, now: Contract): Change[] {
  return compareNamed(received(old), received(now), {
    kind: "operation",
    key: ({ id }) => id,
    added: ["servers"],
    removed: ["clients"],
    text: ({ id }) => id,
    changed: compareOperation,
  }).map((change) => ({ ...change, direction: change.direction ?? "client to server" }));
}

const received = ({ operations }: Contract) => operations.filter(({ action }) => action === "receive");

function compareOperation(old: Operation, now: Operation): Change[] {
  const { id, pointer } = now;
  const subject = `operation ${id}`;
  return [
    ...compareValue("operation-channel", pointer, `${subject}: channel`, old.channel, now.channel, both),
    ...compareValue("operation-method", pointer, `${subject}: HTTP method`, old.httpMethod, now.httpMethod, both),
    ...compareReplies(old, now),
    ...compareRequirements(old, now),
    ...compareEffects(old, now),
  ];
}

function compareReplies(old: Operation, now: Operation): Change[] {
  const subject = `operation ${now.id}: reply`;
  if (old.reply === undefined || now.reply === undefined) {
    return compareValue("reply-promised", now.pointer, subject, old.reply, now.reply, both);
  }
  const named = (names: readonly string[]) => names.map((name) => ({ name, pointer: now.pointer }));
  return compareNamed(named(old.reply), named(now.reply), {
    kind: "reply",
    key: ({ name }) => name,
    added: ["clients"],
    removed: ["servers"],
    text: ({ name }) => name,
    changed: () => [],
  }).map((change) => ({ ...change, subject: `operation ${now.id}: ${change.subject}` }));
}

/** A new requirement rejects what was accepted; a removed one is still applied by old servers. The order decides which error is sent. */
function compareRequirements(old: Operation, now: Operation): Change[] {
  const key = (requirement: Requirement) => show(requirement)!;
  const changes = compareNamed<Requirement>(old.requires, now.requires, {
    kind: "requirement",
    key,
    added: ["clients"],
    removed: ["servers"],
    text: key,
    changed: () => [],
  }).map((change) => ({ ...change, subject: `operation ${now.id}: requirement` }));
  if (changes.length > 0) return changes;
  return compareValue(
    "requirement-order",
    now.pointer,
    `operation ${now.id}: order of requirements`,
    old.requires.map(key),
    now.requires.map(key),
    both,
  );
}

function compareEffects(old: Operation, now: Operation): Change[] {
  const plain = (effects: readonly Effect[]) => effects.map((effect) => show(effect));
  // Where OLD said nothing of effects, NEW only says what was so, as far as anybody can tell.
  const breaks: readonly Party[] = old.effectsKnown ? both : ["servers"];
  const [before, after] = [plain(old.effects), plain(now.effects)];
  return compareValue("effects", now.pointer, `operation ${now.id}: effects`, before, after, breaks);
}
