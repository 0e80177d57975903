// What a replay may bring once more, and which log an operation is about.
import type { Effect } from "../../spec/contract.ts";
import { canonical } from "./frame.ts";
import { resolve, scopeOf } from "./membership.ts";
import type { Obligation } from "./obligation.ts";
import type { Evaluation } from "./outcomes.ts";
import { type Invocation, NEVER } from "./trace.ts";

/** A replay may bring anything of its stream once more that may have happened before it. */
export function collectReplay(evaluation: Evaluation, invocation: Invocation, past: readonly Obligation[], all: Obligation[]) {
  const replay = invocation.operation?.effects.find((effect) => effect.kind === "replay");
  if (replay === undefined || invocation.outcome === "fail" || sinceOf(invocation, replay) === undefined) return;
  const streamKey = streamKeyOfInvocation(evaluation, invocation, replay.stream);
  for (const event of past) {
    if (event.stream?.name !== replay.stream || event.streamKey !== streamKey || event.from > invocation.settledAt) continue;
    if (event.cause === invocation.connection && event.effect.sender === "excluded") continue;
    const from = Math.max(event.from, invocation.sentAt);
    all.push({
      ...event,
      receiver: invocation.connection,
      again: true,
      from,
      settledAt: NEVER,
      until: invocation.connection.hungUpAt,
    });
  }
}

/** What an invocation asks to be replayed from; undefined where it does not ask. */
export function sinceOf(invocation: Invocation, replay: Extract<Effect, { kind: "replay" }>): unknown {
  return resolve(replay.since, scopeOf(invocation));
}

/** The log of the stream that an invocation is about, by the value that its deliveries or its reply bind at the stream's key. */
export function streamKeyOfInvocation(evaluation: Evaluation, invocation: Invocation, streamName: string): string | undefined {
  const stream = evaluation.protocol.channel.delivery?.streams.find((candidate) => candidate.name === streamName);
  if (stream?.key === undefined) return stream === undefined ? undefined : "";
  const scope = scopeOf(invocation);
  for (const effect of invocation.operation?.effects ?? []) {
    const carries =
      effect.kind === "deliver"
        ? stream.messages.includes(effect.message)
        : effect.kind === "reply" && stream.replies.includes(effect.message);
    if (!carries || (effect.kind !== "deliver" && effect.kind !== "reply")) continue;
    const value = effect.bindings.get(stream.key);
    if (value !== undefined) return canonical(resolve(value, scope));
  }
  return undefined;
}
