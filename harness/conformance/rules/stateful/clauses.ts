// How a rule on generated cases is written, the clauses that a contract has for it, and which fault breaks it.
import type { DocumentPointer, Effect, ErrorCode, Message, Operation, Requirement, Stream } from "../../../../spec/contract.ts";
import type { ContractUnderTest } from "../../../client/context.ts";
import { type Grace, graceOf } from "../../../model/credential-validity.ts";
import { createProtocol, type Deliver, type Protocol, splitBindings } from "../../../model/protocol.ts";
import { faults } from "../../faults/fault.ts";
import type { Fault } from "../../faults/plan.ts";
import { type Clause, type Level, type Rule, rule } from "../../rule.ts";
import { checkEvidence } from "../../stateful/evidence.ts";
import { lifetimeSeconds } from "../../stateful/short-lived-tokens.ts";

export interface ClauseOf<T> extends Clause {
  readonly of: T;
}

export const at = <T extends { readonly pointer: DocumentPointer }>(of: T): ClauseOf<T> => ({ pointer: of.pointer, of });

export function stateful<T>(
  id: string,
  title: string,
  from: (protocol: Protocol) => readonly ClauseOf<T>[],
  brokenBy: (clause: T, protocol: Protocol) => readonly (Fault | undefined)[],
  { level = "MUST", waitsMs }: { readonly level?: Level; readonly waitsMs?: Rule["waitsMs"] } = {},
): Rule {
  const promises = (subject: ContractUnderTest) => from(createProtocol(subject.contract, subject.channel.id));
  return rule<ClauseOf<T>>({
    ...{ id, level, title, phase: "stateful" },
    ...(waitsMs === undefined ? {} : { waitsMs }),
    from: promises,
    check: async (context, clause) => checkEvidence(context, id, clause, promises(context)),
    brokenBy: ({ of }, subject) =>
      brokenBy(of, createProtocol(subject.contract, subject.channel.id)).filter((fault) => fault !== undefined),
  });
}

export const operations = (protocol: Protocol) =>
  protocol.contract.operations.filter((operation) => operation.action === "receive" && operation.channel === protocol.channel.id);
export const answered = (protocol: Protocol) => operations(protocol).filter(({ reply }) => reply !== undefined);
export const besidesFence = (protocol: Protocol) => answered(protocol).filter((operation) => operation !== protocol.fence);
export const effectsOf = <K extends Effect["kind"]>(protocol: Protocol, kind: K) =>
  operations(protocol).flatMap((operation) =>
    operation.effects.flatMap((effect) =>
      effect.kind === kind ? [{ ...at(effect as Extract<Effect, { kind: K }>), operation }] : [],
    ),
  );
export const reliable = (protocol: Protocol, message: string) => protocol.streamOf(message)?.guarantee !== "best-effort";
export const deliveries = (protocol: Protocol, to?: Deliver["to"]["kind"]) =>
  effectsOf(protocol, "deliver").filter(({ of }) => (to === undefined || of.to.kind === to) && reliable(protocol, of.message));
export const positioned = (protocol: Protocol) =>
  (protocol.channel.delivery?.streams ?? []).filter(({ seq, epoch }) => seq !== undefined && epoch !== undefined);
export const ordered = (protocol: Protocol) => (protocol.channel.delivery?.streams ?? []).filter(({ order }) => order !== "none");
/** Requirements that a case can make fail: limits and rates are tested elsewhere. */
export const requirements = (protocol: Protocol) =>
  besidesFence(protocol).flatMap((operation) =>
    operation.requires
      .filter(({ kind }) => kind !== "rate" && kind !== "limit" && kind !== "may")
      .map((requirement) => ({ ...at(requirement), of: { operation, requirement } })),
  );
export const requiredCodes = (protocol: Protocol) => {
  const named = new Set(requirements(protocol).map(({ of }) => of.requirement.else));
  return (protocol.contract.errors?.codes ?? []).filter(({ code }) => named.has(code)).map(at);
};
export const messageOf = ({ contract }: Protocol, operation: Operation) =>
  contract.messages.find(({ name }) => operation.messages.includes(name));
export const named = ({ contract }: Protocol, name: string | undefined): Message | undefined =>
  contract.messages.find((message) => message.name === name);
export const replyOf = (operation: Operation) => operation.effects.find((effect) => effect.kind === "reply");
export const graces = (protocol: Protocol): readonly ClauseOf<Grace>[] =>
  [graceOf({ protocol })].flatMap((limit) => (limit === undefined ? [] : [at(limit)]));
export const waitsForGrace: Rule["waitsMs"] = (context) => {
  const grace = graceOf({ protocol: createProtocol(context.contract, context.channel.id) });
  return grace === undefined ? 0 : lifetimeSeconds * 1000 + context.effective(grace);
};
export const counted = (protocol: Protocol) =>
  deliveries(protocol).filter(({ of }) => splitBindings(of.bindings).counts.length > 0);

export type RequirementOf = { readonly operation: Operation; readonly requirement: Requirement };

export function breaksCode(code: ErrorCode, { contract }: Protocol): Fault | undefined {
  const other = contract.errors?.codes.find(({ when, code: name }) => when === "required" && name !== code.code);
  const codeAt = contract.errors?.reply.code;
  return other === undefined || codeAt === undefined ? undefined : faults.changesErrorCode(code.code, other.code, codeAt);
}

export function altersContent(message: string, effect: Deliver, protocol: Protocol, everyNth: number): Fault | undefined {
  const key = protocol.streamOf(message)?.key;
  const free = [...effect.bindings].find(([pointer, value]) => value.kind === "message" && pointer !== key);
  return free === undefined ? undefined : faults.altersField(message, free[0], { everyNth });
}

/** The first message of the stream that an operation with this audience delivers. */
export function messageIn(stream: Stream, protocol: Protocol): string | undefined {
  return (
    deliveries(protocol).find(({ of }) => stream.messages.includes(of.message) && of.when === "always")?.of.message ??
    stream.messages[0]
  );
}

export const inStream = (stream: Stream, protocol: Protocol, fault: (message: string) => Fault) => {
  const message = messageIn(stream, protocol);
  return [message === undefined ? undefined : fault(message)];
};
/** The reply that carries the position of the event that its request caused. */
export function acknowledgingReply(stream: Stream, protocol: Protocol): string | undefined {
  const appending = answered(protocol).find((operation) =>
    operation.effects.some(
      (effect) => effect.kind === "deliver" && effect.when === "always" && stream.messages.includes(effect.message),
    ),
  );
  return stream.replies.find((name) => appending?.reply?.includes(name)) ?? stream.replies[0];
}
export const onAcknowledgement = (stream: Stream, protocol: Protocol, fault: (reply: string, seqAt: string) => Fault) => {
  const reply = acknowledgingReply(stream, protocol);
  return [reply === undefined || stream.seq === undefined ? undefined : fault(reply, stream.seq)];
};
