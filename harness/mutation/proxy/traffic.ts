// Reads the messages that pass the proxy: requests and their replies, their sender, and the stream keys they concern. Pure.
import {
  type Channel,
  type Contract,
  type ErrorValue,
  isErrorValue,
  type Operation,
  type Pointer,
  type Stream,
} from "../../../spec/contract.ts";
import { lookup } from "../../../spec/pointer.ts";
import type { Direction, Messages } from "../../client/messages.ts";
import type { Match } from "../../conformance/faults/plan.ts";
import { type Cause, type Composer, createComposer, streamOf } from "./compose.ts";

/** One text message on its way through the proxy. */
export interface InterceptedMessage {
  readonly direction: Direction;
  readonly text: string;
  /** The parsed JSON; undefined where it is none. */
  readonly value: unknown;
  readonly name: string | undefined;
  /** The request that it answers. */
  readonly cause: Cause | undefined;
  readonly errorCode: ErrorValue | undefined;
  /** Why the contract rejects the client's message; undefined: it is valid. */
  readonly malformed: Exclude<Match["malformed"], "any" | undefined> | undefined;
}

/** What is known of one connection so far. */
export interface ConnectionState {
  /** Unanswered requests, by their id as JSON. */
  readonly pending: Map<string, { readonly operation: Operation; readonly request: unknown }>;
  /** Unanswered requests without an id, the oldest first. */
  readonly queue: { readonly operation: Operation; readonly request: unknown }[];
  /** x-state's attributes; empty until the first message. */
  attributes: ReadonlyMap<string, unknown>;
  /** The last operation that succeeded for each stream key; undefined: only deliveries of the key were seen. */
  readonly keys: Map<string, Operation | undefined>;
}

export function createConnectionState(): ConnectionState {
  return { pending: new Map(), queue: [], attributes: new Map(), keys: new Map() };
}

export interface Traffic {
  readonly composer: Composer;
  operation(id: string): Operation | undefined;
  /** Parses a text and updates the connection's state. */
  read(text: string, direction: Direction, who: ConnectionState): InterceptedMessage;
  /** Updates the state after the acts on a server message, which need the state before it. */
  settle(passing: InterceptedMessage, who: ConnectionState): void;
  /** The stream and key that the message concerns; undefined: none. */
  keyOf(passing: InterceptedMessage): string | undefined;
  /** Where messages of this name carry a unique attribute of their sender. */
  senderIn(message: string): readonly { readonly pointer: Pointer; readonly attribute: string }[];
  direction(match: Match): Direction;
  /** Whether the reply announces a replay. */
  replays(reply: InterceptedMessage): boolean;
  /** A valid message in place of a malformed one: of the same name, else one that is always answered. */
  repaired(bad: InterceptedMessage): string | undefined;
}

export function createTraffic(contract: Contract, channel: Channel, messages: Messages): Traffic {
  const composer = createComposer(contract);
  const operations = contract.operations.filter((one) => one.channel === channel.id);
  const streams = channel.delivery?.streams ?? [];
  const first = channel.handshake?.first;
  const error = contract.errors?.reply;
  const unique = new Set(contract.state.attributes.filter((one) => one.unique).map(({ name }) => name));
  const correlations = new Map(contract.messages.map(({ name, correlation }) => [name, correlation]));
  const effects = [
    ...contract.operations.flatMap((one) => one.effects),
    ...contract.state.relations.flatMap((one) => one.onDisconnect),
  ];

  const idOf = (name: string | undefined, value: unknown): string | undefined => {
    const pointer = correlations.get(name ?? "");
    return pointer === undefined ? undefined : JSON.stringify(lookup(value, pointer));
  };
  const keyText = (stream: Stream, value: unknown) =>
    value === undefined ? undefined : `${stream.name} ${JSON.stringify(value)}`;

  /** Where messages say to whose relation they go, such as the room: it stands in for the key where the stream has none. */
  const audiences = effects.flatMap((effect) => {
    if (effect.kind !== "deliver" || effect.to.kind !== "relation") return [];
    const { message, bindings, to } = effect;
    const asked = [...to.where.values()].flatMap((value) => (value.kind === "message" ? [value.pointer] : []));
    return [...bindings]
      .filter(([, value]) => value.kind === "message" && asked.includes(value.pointer))
      .map(([at]) => ({ message, relation: to.relation, at }));
  });
  const relationText = (relation: string, value: unknown) =>
    value === undefined ? undefined : `relation ${relation} ${JSON.stringify(value)}`;

  /** The key of the stream, else the relation, that a success of this request changes or publishes into. */
  const keyOfCause = (cause: Cause): string | undefined => {
    for (const effect of cause.operation.effects) {
      if (effect.kind !== "deliver") continue;
      const stream = streamOf(streams, effect.message);
      const bound = stream?.key === undefined ? undefined : effect.bindings.get(stream.key);
      if (stream !== undefined && bound !== undefined) return keyText(stream, composer.resolve(bound, cause));
    }
    for (const effect of cause.operation.effects) {
      const target = effect.kind === "deliver" && effect.to.kind === "relation" ? effect.to : effect;
      const isAudience = "relation" in target && audiences.some(({ relation }) => relation === target.relation);
      const [value] = isAudience && "where" in target ? [...target.where.values()] : [];
      if (isAudience && value !== undefined) return relationText(target.relation, composer.resolve(value, cause));
    }
    return undefined;
  };

  const keyOf = ({ name, value, cause, errorCode }: InterceptedMessage): string | undefined => {
    const stream = streamOf(streams, name ?? "");
    if (stream?.key !== undefined) return keyText(stream, lookup(value, stream.key));
    const audience = audiences.find(({ message }) => message === name);
    if (audience !== undefined) return relationText(audience.relation, lookup(value, audience.at));
    return cause === undefined || errorCode !== undefined ? undefined : keyOfCause(cause);
  };

  const malformation = (name: string | undefined, wrong: readonly string[], json: boolean): InterceptedMessage["malformed"] => {
    if (!json) return "not-json";
    if (wrong.length === 0) return undefined;
    return name === undefined ? "unknown-type" : "not-in-schema";
  };

  const fence = operations.find(({ id }) => id === channel.delivery?.fence);
  const answered = fence ?? operations.find((one) => one.action === "receive" && one.reply !== undefined);

  return {
    composer,
    repaired({ name, value }) {
      const wanted = name ?? answered?.messages[0];
      if (wanted === undefined) return undefined;
      // Its own id, unless that is what is wrong with it.
      const made = composer.repaired(wanted, value);
      const good =
        messages.read(JSON.stringify(made), "fromClient").wrong.length === 0 ? made : composer.repaired(wanted, undefined);
      return JSON.stringify(good);
    },
    replays({ cause, value }) {
      const effect = cause?.operation.effects.find((one) => one.kind === "replay");
      if (effect === undefined || cause === undefined || composer.resolve(effect.since, cause) === undefined) return false;
      return effect.recovered === undefined || lookup(value, effect.recovered) === true;
    },
    operation: (id) => contract.operations.find((one) => one.id === id),
    direction(match) {
      if (match.malformed !== undefined) return "fromClient";
      if (match.answers !== undefined || match.errorCode !== undefined || match.message === undefined) return "fromServer";
      const isClients = messages.directions.fromClient.some(({ name }) => name === match.message);
      return isClients && !messages.directions.fromServer.some(({ name }) => name === match.message)
        ? "fromClient"
        : "fromServer";
    },
    senderIn: (message) =>
      effects.flatMap((effect) =>
        effect.kind !== "deliver" || effect.message !== message
          ? []
          : [...effect.bindings].flatMap(([pointer, value]) =>
              value.kind === "sender" && unique.has(value.attribute) ? [{ pointer, attribute: value.attribute }] : [],
            ),
      ),
    keyOf,
    read(text, direction, who) {
      const read = messages.read(text, direction);
      const value = read.json ? read.value : undefined;
      const { name } = read;
      if (direction === "fromClient") {
        const operation = messages.operationOf(name ?? "");
        const id = idOf(name, value);
        const cause = operation === undefined ? undefined : { operation, request: value, sender: who.attributes };
        if (operation !== undefined && id !== undefined) who.pending.set(id, { operation, request: value });
        else if (operation?.reply !== undefined && read.wrong.length === 0) who.queue.push({ operation, request: value });
        const malformed = malformation(name, read.wrong, read.json);
        return { direction, text, value, name, cause, errorCode: undefined, malformed };
      }
      if (name !== undefined && name === first) {
        who.attributes = new Map(contract.state.attributes.map((one) => [one.name, lookup(value, one.at)]));
      }
      const isReply = ({ operation }: { operation: Operation }) => operation.reply?.includes(name ?? "") === true;
      const pending =
        correlations.get(name ?? "") === undefined ? who.queue.find(isReply) : who.pending.get(idOf(name, value) ?? "");
      const cause = pending === undefined ? undefined : { ...pending, sender: who.attributes };
      const code =
        name !== undefined && name === error?.message && error.code !== undefined ? lookup(value, error.code) : undefined;
      return {
        direction,
        text,
        value,
        name,
        cause,
        errorCode: isErrorValue(code) ? code : undefined,
        malformed: undefined,
      };
    },
    settle(passing, who) {
      const key = keyOf(passing);
      const waiting = who.queue.findIndex(
        ({ request }) => passing.direction === "fromServer" && request === passing.cause?.request,
      );
      if (waiting >= 0) who.queue.splice(waiting, 1);
      if (passing.cause !== undefined) who.pending.delete(idOf(passing.name, passing.value) ?? "");
      if (key === undefined) return;
      if (passing.cause !== undefined) who.keys.set(key, passing.cause.operation);
      else if (!who.keys.has(key)) who.keys.set(key, undefined);
    },
  };
}

/** Whether the message is one of those, apart from counting (`everyNth`). */
export function fits(passing: InterceptedMessage, match: Match): boolean {
  if (match.message !== undefined && passing.name !== match.message) return false;
  if (
    match.malformed !== undefined &&
    (passing.malformed === undefined || !["any", passing.malformed].includes(match.malformed))
  ) {
    return false;
  }
  if (match.answers !== undefined && passing.cause?.operation.id !== match.answers) return false;
  if (match.errorCode !== undefined && passing.errorCode !== match.errorCode) return false;
  if (match.outcome !== undefined && (passing.errorCode === undefined) !== (match.outcome === "success")) return false;
  if (match.where === undefined) return true;
  const found = lookup(passing.value, match.where.pointer);
  if ("length" in match.where) return typeof found === "string" && [...found].length === match.where.length;
  return JSON.stringify(found) === JSON.stringify(match.where.equals);
}
