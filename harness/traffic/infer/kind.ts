// One kind of message as traffic shows it: its shape, who answers it, how often.
import { Shape } from "./shape.ts";

export type Side = "client" | "server";

export interface Tag {
  readonly pointer: string;
  readonly value: string | number | boolean;
}

export class Kind {
  readonly side: Side;
  readonly key: string;
  readonly format: "json" | "text" | "binary";
  /** More than one where the first is shared, such as the 2 and the action of an OCPP call. */
  readonly tag: Tag | undefined;
  /** It says that a request failed. */
  readonly isError: boolean;
  /** The request kinds whose untagged reply it is. */
  readonly replyTo: Kind | undefined;
  /** Set at the end. */
  name = "";
  count = 0;
  /** Of what was not refused. */
  readonly shape = new Shape();
  readonly refusedShape = new Shape();
  refused = 0;
  /** The first instance, and the one with most members. */
  readonly examples: unknown[] = [];
  #largest = 0;
  #firstRefused: unknown;
  /** Of a request: the kinds that carried its id, and how often. */
  readonly answers = new Map<Kind, number>();
  answered = 0;
  /** A request was answered more than once: it has results rather than one reply. */
  isStream = false;
  /** Error replies to it, by kind of the error. */
  readonly refusals = new Map<Kind, Shape>();
  /** Sent by the server without the id of a request. */
  unasked = 0;
  /** Connections on which it was the first of the server, before and after the client had spoken. */
  firstUnasked = 0;
  firstAsked = 0;
  /** Carried the id of a request, or its own. */
  withId = 0;
  /** Ms between two on a connection. */
  readonly intervals = { count: 0, sum: 0, squares: 0, most: 0 };

  constructor(kind: Pick<Kind, "side" | "key" | "format" | "tag" | "isError" | "replyTo">) {
    this.side = kind.side;
    this.key = kind.key;
    this.format = kind.format;
    this.tag = kind.tag;
    this.isError = kind.isError;
    this.replyTo = kind.replyTo;
  }

  accept(frame: unknown): void {
    this.shape.add(frame);
    const size = typeof frame === "object" && frame !== null ? membersOf(frame) : 0;
    if (this.examples.length === 0) this.examples.push(frame);
    else if (size > this.#largest) this.examples[1] = frame;
    else return;
    this.#largest = size;
  }

  refuse(frame: unknown): void {
    this.refused += 1;
    this.refusedShape.add(frame);
    this.#firstRefused ??= frame;
  }

  /** What was never taken is shown as it was refused. */
  showRefused(): void {
    if (this.shape.count > 0 || this.refused === 0) return;
    this.shape.merge(this.refusedShape);
    this.examples.push(this.#firstRefused);
  }
}

function membersOf(value: object): number {
  const members: unknown[] = Object.values(value);
  return members.reduce<number>(
    (sum, member) => sum + 1 + (typeof member === "object" && member !== null ? Object.keys(member).length : 0),
    0,
  );
}
