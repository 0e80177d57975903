// Errors that are reported by close codes alone: what must be rejected closes the connection with the code of its error, before a later fence is answered.
import type { DocumentPointer, ErrorCode, Requirement } from "../../spec/contract.ts";
import { mayBeLate, mayClose } from "./check-closes.ts";
import type { ResultCollector } from "./evaluation-result.ts";
import { codesOf, type Evaluation, expectOutcome } from "./outcomes.ts";
import type { Connection, Invocation } from "./trace.ts";

export function checkRefusingCloses(evaluation: Evaluation, collector: ResultCollector) {
  const { errors } = evaluation.protocol.contract;
  if (errors === undefined || errors.reply.message !== undefined) return;
  for (const connection of evaluation.trace.connections.values()) {
    // The first refusal ends the connection: what was sent after it is moot.
    for (const invocation of connection.invocations) {
      const due = dueFor(evaluation, invocation);
      if (due === undefined) continue;
      checkDue(evaluation, connection, invocation, due, collector);
      break;
    }
  }
}

interface Due {
  readonly rule: string;
  readonly pointer: DocumentPointer;
  readonly errors: readonly (ErrorCode & { readonly close: number })[];
}

/** The errors of which one is certain for this invocation; undefined where it may pass. */
function dueFor(evaluation: Evaluation, invocation: Invocation): Due | undefined {
  const codes = evaluation.protocol.contract.errors?.codes ?? [];
  const closing = (wanted: readonly (ErrorCode | undefined)[]) =>
    wanted.flatMap((code) => (code?.close === undefined ? [] : [{ ...code, close: code.close }]));
  if (invocation.malformed !== undefined) {
    const errors = closing([codes.find(({ when }) => when === invocation.malformed)]);
    return errors[0] === undefined ? undefined : { rule: "malformed-is-rejected", pointer: errors[0].pointer, errors };
  }
  if (invocation.operation === undefined) return undefined;
  const { mayPass, refusals } = expectOutcome(evaluation, invocation);
  const last = refusals.at(-1);
  if (mayPass || last === undefined) return undefined;
  const errorsOf = (requirement: Requirement) =>
    closing(codesOf(requirement).map((wanted) => codes.find(({ code }) => code === wanted)));
  if (refusals.some(({ requirement }) => errorsOf(requirement).length === 0)) return undefined;
  const { pointer } = last.requirement;
  const errors = refusals.flatMap(({ requirement }) => errorsOf(requirement));
  return { rule: "requirement-is-enforced", pointer, errors };
}

function checkDue(
  evaluation: Evaluation,
  connection: Connection,
  invocation: Invocation,
  { rule, pointer, errors }: Due,
  collector: ResultCollector,
) {
  const wanted = errors.map(({ code, close }) => `close ${close} for ${code}`).join(" or ");
  const later = connection.fences.find(({ sentAt }) => sentAt > invocation.sentAt);
  if (later !== undefined) {
    if (invocation.malformed !== undefined) return; // checked with the replies
    const events = [invocation.sentAt, later.sentAt, later.answeredAt];
    collector.check(false, rule, pointer, wanted, "the reply to a later fence", events);
    return;
  }
  const code = connection.closeCode;
  if (code === undefined || connection.closedAt > connection.hungUpAt) return;
  // Something that was sent before may have closed it first.
  const before = connection.invocations.slice(0, connection.invocations.indexOf(invocation));
  if (before.some((earlier) => mayClose(evaluation, earlier).has(code)) || mayBeLate(evaluation, connection, code)) return;
  const reconnect = evaluation.protocol.channel.closeCodes.find((declared) => declared.code === code)?.reconnect;
  if (reconnect === "spread" || reconnect === "rejoin") return;
  const found = errors.find(({ close }) => close === code);
  // What is never answered may have been dealt with late, and the close may be its consequence: that is checked as a close.
  if (found === undefined && before.some(({ operation, reply }) => operation !== undefined && reply === undefined)) return;
  const events = [invocation.sentAt, connection.closedAt];
  collector.check(found !== undefined, rule, pointer, wanted, `close ${code}`, events);
  if (rule === "requirement-is-enforced") collector.decide("error-by-first-failed-requirement");
  if (found === undefined) return;
  collector.cover(pointer);
  collector.cover(found.pointer);
}
