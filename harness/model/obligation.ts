// What a connection must, may or must not receive, and the text by which delivered frames are matched to it.
import type { DocumentPointer, Pointer, Stream } from "../../spec/contract.ts";
import { lookup } from "../../spec/pointer.ts";
import { canonical } from "./frame.ts";
import { type Key, resolve, type Scope } from "./membership.ts";
import type { Answer, Evaluation } from "./outcomes.ts";
import { type Deliver, type Delivery, splitBindings } from "./protocol.ts";
import type { Repeat } from "./repeats.ts";
import type { Connection, Invocation } from "./trace.ts";

/** What is compared of a delivered frame: its message and the values that the document binds. */
export type Bound = ReadonlyMap<Pointer, unknown>;

export interface Obligation {
  readonly receiver: Connection;
  readonly message: string;
  /** Text of message and bound values; equal texts cannot be told apart. */
  readonly text: string;
  readonly bound: Bound;
  readonly effect: Deliver;
  /** Who caused it, and by which invocation; no invocation where the connection ended. */
  readonly cause: Connection;
  readonly invocation: Invocation | undefined;
  readonly strength: "must" | "may";
  /** Only as part of what a replay sends again. */
  readonly again: boolean;
  /** It cannot come before this. */
  readonly from: number;
  /** From here on the deadline counts; NEVER where nothing can prove it missing. */
  readonly settledAt: number;
  /** When the receiver left the audience: it may have gone before a delivery that was under way. */
  readonly until: number;
  readonly stream: Stream | undefined;
  readonly streamKey: string;
  /** Tuples that a `$count` in it counts. */
  readonly key: Key;
}

/** A frame that must not come, and the rule that says so. */
export interface ForbiddenDelivery {
  readonly receiver: Connection;
  readonly text: string;
  readonly rule: string;
  readonly pointer: DocumentPointer;
  readonly invocation: Invocation | undefined;
  readonly why: string;
}

export interface Obligations {
  readonly all: readonly Obligation[];
  readonly forbidden: readonly ForbiddenDelivery[];
  /** Invocations whose add or remove changed nothing, or perhaps nothing. */
  readonly changed: ReadonlyMap<Invocation, Answer>;
  /** Invocations that repeat an earlier one with the same key. */
  readonly repeats: ReadonlyMap<Invocation, Repeat>;
}

/** The text by which a delivered frame is matched. */
export function textOf(message: string, bound: Bound): string {
  return `${message} ${canonical(Object.fromEntries(bound))}`;
}

/** The bound values that a frame shows for one way of delivering it. */
export function boundOf(delivery: Pick<Delivery, "fixed">, frame: unknown): Bound {
  return new Map(delivery.fixed.map(([pointer]) => [pointer, lookup(frame, pointer)]));
}

/** The values that an effect binds, for the invocation or the tuple of `scope`. */
export function bind(effect: Deliver, scope: Scope): Bound {
  return new Map(splitBindings(effect.bindings).fixed.map(([pointer, value]) => [pointer, resolve(value, scope)]));
}

export function createObligation(
  evaluation: Evaluation,
  effect: Deliver,
  parts: Pick<Obligation, "receiver" | "bound" | "text" | "invocation" | "cause" | "from" | "settledAt" | "until" | "key"> & {
    certain: boolean;
  },
): Obligation {
  const { certain, ...rest } = parts;
  const stream = evaluation.protocol.streamOf(effect.message);
  const streamKey = stream?.key === undefined ? "" : canonical(parts.bound.get(stream.key));
  const strength = certain && stream?.guarantee !== "best-effort" ? "must" : "may";
  return { ...rest, message: effect.message, effect, strength, again: false, stream, streamKey };
}
