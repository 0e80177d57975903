// Heartbeats by message: what a client must send so that a connection lives on, and which messages are nothing else than that.

import { type Channel, type Contract, isWebSocketPing } from "../../spec/contract.ts";
import { lookup } from "../../spec/pointer.ts";
import { type Messages, withValueAt } from "./messages.ts";

export interface MessageHeartbeat {
  /** Whether the message of the server belongs to the heartbeat and to nothing else. */
  isHeartbeat(name: string | undefined): boolean;
  /** The message that answers a heartbeat of the server; undefined where it is none, or none of ours answers it. */
  answerTo(name: string | undefined, value: unknown): unknown;
  /** What the client sends by itself, and how often; a WebSocket ping where there is no message. Undefined where the server asks. */
  readonly own: { readonly message: unknown; readonly everyMs: number } | undefined;
}

/**
 * The message that answers a heartbeat; undefined where there is none. Where any frame answers one of the server and the document
 * names no message, it is one that has no reply, no effect and no requirement.
 */
export function heartbeatAnswer({ operations }: Contract, { id, heartbeat }: Channel): string | undefined {
  if (heartbeat?.answer !== undefined || heartbeat?.by !== "server" || heartbeat.answeredBy !== "any-frame")
    return heartbeat?.answer;
  const silent = operations.find(
    ({ channel, action, reply, effectsKnown, effects, requires, exercise }) =>
      channel === id &&
      action === "receive" &&
      exercise !== "never" &&
      reply === undefined &&
      effectsKnown &&
      effects.length + requires.length === 0,
  );
  return silent?.messages[0];
}

/** Undefined where the channel's heartbeat is a WebSocket ping of the server, or there is none. */
export function createMessageHeartbeat(contract: Contract, channel: Channel, messages: Messages): MessageHeartbeat | undefined {
  const { heartbeat } = channel;
  if (heartbeat === undefined || (isWebSocketPing(heartbeat) && heartbeat.by === "server")) return undefined;
  const { by, frame, intervalMs } = heartbeat;
  // Half of it, so that a busy machine is never late.
  const everyMs = intervalMs / 2;
  if (isWebSocketPing(heartbeat))
    return { isHeartbeat: () => false, answerTo: () => undefined, own: { message: undefined, everyMs } };
  const answer = heartbeatAnswer(contract, channel);
  const exampleOf = (name: string | undefined): unknown =>
    name === undefined ? undefined : messages.message(name).examples[0]?.payload;
  const isReply = (name: string) =>
    messages.directions.fromClient.some((message) => messages.operationOf(message.name)?.reply?.includes(name) === true);
  return {
    isHeartbeat: (name) => name !== undefined && name === (by === "server" ? frame : answer) && !isReply(name),
    answerTo(name, value) {
      const example = exampleOf(answer);
      if (by !== "server" || name !== frame || answer === undefined || example === undefined) return undefined;
      const [asked, answered] = [messages.message(frame).correlation, messages.message(answer).correlation];
      const id = asked === undefined ? undefined : lookup(value, asked);
      return answered === undefined || id === undefined ? example : withValueAt(example, answered, id);
    },
    own: by === "client" && exampleOf(frame) !== undefined ? { message: exampleOf(frame), everyMs } : undefined,
  };
}

/** Keeps a connection alive whose bytes somebody else reads. */
export interface Beats {
  /** The text that answers a text of the server; undefined where it is no heartbeat. */
  answerTo(text: string): string | undefined;
  /** What the client sends by itself, each time with an id of its own, and how often. Undefined for a WebSocket ping. */
  readonly own: { next(): string | undefined; readonly everyMs: number } | undefined;
}

/** @param id gives an id for a request of this name */
export function createBeats(
  heartbeat: MessageHeartbeat | undefined,
  messages: Messages,
  id: (name: string | undefined) => unknown,
): Beats | undefined {
  if (heartbeat === undefined) return undefined;
  const { own } = heartbeat;
  return {
    answerTo(text) {
      const { name, value, json } = messages.read(text, "fromServer");
      const answer = json || name !== undefined ? heartbeat.answerTo(name, value) : undefined;
      return answer === undefined ? undefined : messages.encode(answer);
    },
    own: own && {
      everyMs: own.everyMs,
      next() {
        if (own.message === undefined) return undefined;
        const name = messages.nameOf(own.message, "fromClient");
        const correlation = name === undefined ? undefined : messages.message(name).correlation;
        return messages.encode(correlation === undefined ? own.message : withValueAt(own.message, correlation, id(name)));
      },
    },
  };
}
