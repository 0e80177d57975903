// Which reply without an id answers which request: replies of a kind come in the order of their requests.

import type { Messages, Validate } from "./messages.ts";
import type { Received } from "./received.ts";

/** The position of a request among those that have the same replies, from 1. */
export interface FifoPosition {
  readonly replies: readonly string[];
  readonly number: number;
}

export class FifoReplyMatcher {
  readonly #messages: Messages;
  readonly #validate: Validate;
  /** Names of the replies, joined -> how many requests were sent. */
  readonly #sent = new Map<string, number>();
  /** Reply -> how many of its name had come with it. */
  readonly #numbers = new WeakMap<Received, number>();
  readonly #came = new Map<string, number>();

  constructor(messages: Messages, validate: Validate) {
    this.#messages = messages;
    this.#validate = validate;
  }

  /** Counts a frame that was sent. Only a valid message is known to be answered. */
  sent(frame: unknown): void {
    const replies = this.#repliesTo(frame);
    if (replies === undefined) return;
    const kind = replies.join(" ");
    this.#sent.set(kind, (this.#sent.get(kind) ?? 0) + 1);
  }

  /** Names of the replies to requests without an id that were sent. */
  awaited(): readonly string[] {
    return [...this.#sent.keys()].flatMap((kind) => kind.split(" "));
  }

  came(received: Received): void {
    if (received.name === undefined) return;
    const number = (this.#came.get(received.name) ?? 0) + 1;
    this.#came.set(received.name, number);
    this.#numbers.set(received, number);
  }

  /** The position of this message, which was sent last; undefined where an id tells its reply. */
  latest(message: unknown): FifoPosition | undefined {
    const replies = this.#repliesTo(message);
    return replies === undefined ? undefined : { replies, number: this.#sent.get(replies.join(" ")) ?? 1 };
  }

  /** Whether it is the reply of this position, or a later one of its kind. */
  isAt(received: Received, { replies, number }: FifoPosition): boolean {
    if (received.name === undefined || !replies.includes(received.name)) return false;
    const others = replies.filter((name) => name !== received.name);
    const before = others.reduce((sum, name) => sum + (this.#came.get(name) ?? 0), 0);
    return (this.#numbers.get(received) ?? 0) + before >= number;
  }

  #repliesTo(frame: unknown): readonly string[] | undefined {
    const name = this.#messages.nameOf(frame, "fromClient");
    if (name === undefined || this.#messages.message(name).correlation !== undefined) return undefined;
    const replies = this.#messages.operationOf(name)?.reply;
    return replies === undefined || this.#validate(name, frame).length > 0 ? undefined : replies;
  }
}
