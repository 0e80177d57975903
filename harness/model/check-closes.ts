// Closes: the server ends a connection only for a declared reason, and where an answer closes, it does.
import { isErrorValue } from "../../spec/contract.ts";
import { checkExpiryClose, checkExpiryOpen } from "./check-expiry.ts";
import type { ResultCollector } from "./evaluation-result.ts";
import { codesOf, type Evaluation, expectOutcome } from "./outcomes.ts";
import { mayCloseUnforeseen } from "./protocol.ts";
import { type Connection, type Invocation, NEVER } from "./trace.ts";

export function checkCloses(evaluation: Evaluation, collector: ResultCollector) {
  for (const connection of evaluation.trace.connections.values()) {
    if (connection.readyAt > connection.closedAt) continue;
    collector.decide("no-unexpected-close");
    if (connection.closedAt === NEVER && connection.hungUpAt === NEVER) checkExpiryOpen(evaluation, connection, collector);
    if (connection.closedAt > connection.hungUpAt || connection.closeCode === undefined) continue;
    checkClose(evaluation, connection, connection.closeCode, collector);
  }
}

function checkClose(evaluation: Evaluation, connection: Connection, code: number, collector: ResultCollector) {
  const { channel } = evaluation.protocol;
  const declared = channel.closeCodes.find((candidate) => candidate.code === code);
  if (
    connection.invocations.some(
      (invocation) =>
        mayClose(evaluation, invocation).has(code) ||
        (invocation.operation !== undefined && mayCloseUnforeseen(evaluation.protocol, invocation.operation, code)),
    ) ||
    mayBeLate(evaluation, connection, code)
  )
    return;
  // The server says that it goes, or that it cannot keep its promises: nothing is proven either way.
  if (declared?.reconnect === "spread" || declared?.reconnect === "rejoin") {
    collector.inconclusive.push(`connection ${connection.id} was closed with ${code} ${declared.name}`);
    return;
  }
  if (checkExpiryClose(evaluation, connection, code, collector)) return;
  const last = connection.invocations.at(-1);
  const events = [...(last === undefined ? [] : [last.sentAt]), connection.closedAt];
  // A heartbeat is missed as well when this machine had no time to answer it: another run must show it too.
  const isHeartbeat = code === channel.heartbeat?.close;
  collector[isHeartbeat ? "failByClock" : "fail"](
    "no-unexpected-close",
    channel.pointer,
    "an open connection: nothing sent so far closes it",
    `close code ${code}`,
    events,
  );
}

/** Whether the code says that a message did not come in time, and it did not. A server's clock starts before ours: half the time is enough. */
export function mayBeLate({ protocol, trace }: Evaluation, connection: Connection, code: number): boolean {
  const atMs = (at: number) => trace.history[at]?.atMs ?? 0;
  return protocol.channel.limits.some(
    (limit) =>
      limit.kind === "first-message" &&
      limit.close === code &&
      atMs(connection.closedAt) - atMs(connection.openAt) >= limit.value / 2 &&
      !connection.invocations.some(({ operation, message }) => operation !== undefined && message?.name === limit.message),
  );
}

/** Close codes that the answer to an invocation may bring. */
export function mayClose(evaluation: Evaluation, invocation: Invocation): Set<number> {
  const { contract, channel } = evaluation.protocol;
  const codes = new Set<number>();
  const closes = (error: unknown) => {
    const close = contract.errors?.codes.find(({ code }) => code === error)?.close;
    if (close !== undefined) codes.add(close);
    for (const limit of channel.limits)
      if (limit.kind === "errors" && limit.close !== undefined && isErrorValue(error) && limit.errors.includes(error))
        codes.add(limit.close);
  };
  if (invocation.malformed !== undefined)
    for (const { when, code } of contract.errors?.codes ?? []) if (when === invocation.malformed) closes(code);
  if (invocation.operation !== undefined)
    for (const { requirement } of expectOutcome(evaluation, invocation).refusals)
      for (const code of codesOf(requirement)) closes(code);
  for (const effect of invocation.operation?.effects ?? []) if (effect.kind === "close") codes.add(effect.code);
  return codes;
}
