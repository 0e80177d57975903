// The rules that random cases are judged by. What each finds is in harness/model; here stand its words, its promises and its faults.

import type { DocumentPointer, Effect, ErrorCode, Message, Operation, Requirement, Stream } from "../../../spec/contract.ts";
import type { ContractUnderTest } from "../../client/context.ts";
import { expiryRules } from "../../model/check-expiry.ts";
import { graceOf } from "../../model/credential-validity.ts";
import { createProtocol, type Deliver, type Protocol, splitBindings } from "../../model/protocol.ts";
import { faults } from "../faults/fault.ts";
import type { Fault } from "../faults/plan.ts";
import { type Clause, type Level, type Rule, rule } from "../rule.ts";
import { checkEvidence } from "./evidence.ts";
import { lifetimeSeconds } from "./short-lived-tokens.ts";

interface Place<T> extends Clause {
  readonly of: T;
}

const at = <T extends { readonly pointer: DocumentPointer }>(of: T): Place<T> => ({ pointer: of.pointer, of });

function stateful<T>(
  id: string,
  title: string,
  from: (protocol: Protocol) => readonly Place<T>[],
  brokenBy: (clause: T, protocol: Protocol) => readonly (Fault | undefined)[],
  { level = "MUST", waitsMs }: { readonly level?: Level; readonly waitsMs?: Rule["waitsMs"] } = {},
): Rule {
  const promises = (subject: ContractUnderTest) => from(createProtocol(subject.contract, subject.channel.id));
  return rule<Place<T>>({
    ...{ id, level, title, phase: "stateful" },
    ...(waitsMs === undefined ? {} : { waitsMs }),
    from: promises,
    check: async (context, clause) => checkEvidence(context, id, clause, promises(context)),
    brokenBy: ({ of }, subject) =>
      brokenBy(of, createProtocol(subject.contract, subject.channel.id)).filter((fault) => fault !== undefined),
  });
}

// --- what there is in a document ---

const operations = (protocol: Protocol) =>
  protocol.contract.operations.filter((operation) => operation.action === "receive" && operation.channel === protocol.channel.id);
const answered = (protocol: Protocol) => operations(protocol).filter(({ reply }) => reply !== undefined);
const besidesFence = (protocol: Protocol) => answered(protocol).filter((operation) => operation !== protocol.fence);
const effectsOf = <K extends Effect["kind"]>(protocol: Protocol, kind: K) =>
  operations(protocol).flatMap((operation) =>
    operation.effects.flatMap((effect) =>
      effect.kind === kind ? [{ ...at(effect as Extract<Effect, { kind: K }>), operation }] : [],
    ),
  );
const reliable = (protocol: Protocol, message: string) => protocol.streamOf(message)?.guarantee !== "best-effort";
const deliveries = (protocol: Protocol, to?: Deliver["to"]["kind"]) =>
  effectsOf(protocol, "deliver").filter(({ of }) => (to === undefined || of.to.kind === to) && reliable(protocol, of.message));
const positioned = (protocol: Protocol) =>
  (protocol.channel.delivery?.streams ?? []).filter(({ seq, epoch }) => seq !== undefined && epoch !== undefined);
const ordered = (protocol: Protocol) => (protocol.channel.delivery?.streams ?? []).filter(({ order }) => order !== "none");
/** Requirements that a case can bring about: a limit or a rate is tested elsewhere. */
const requirements = (protocol: Protocol) =>
  besidesFence(protocol).flatMap((operation) =>
    operation.requires
      .filter(({ kind }) => kind !== "rate" && kind !== "limit")
      .map((requirement) => ({ ...at(requirement), of: { operation, requirement } })),
  );
const requiredCodes = (protocol: Protocol) => {
  const named = new Set(requirements(protocol).map(({ of }) => of.requirement.else));
  return (protocol.contract.errors?.codes ?? []).filter(({ code }) => named.has(code)).map(at);
};
const messageOf = ({ contract }: Protocol, operation: Operation) =>
  contract.messages.find(({ name }) => operation.messages.includes(name));
const named = ({ contract }: Protocol, name: string | undefined): Message | undefined =>
  contract.messages.find((message) => message.name === name);
const replyOf = (operation: Operation) => operation.effects.find((effect) => effect.kind === "reply");
const graces = (protocol: Protocol) => [graceOf({ protocol })].flatMap((limit) => (limit === undefined ? [] : [at(limit)]));
const waitsForGrace: Rule["waitsMs"] = (context) => {
  const grace = graceOf({ protocol: createProtocol(context.contract, context.channel.id) });
  return grace === undefined ? 0 : lifetimeSeconds * 1000 + context.effective(grace);
};
const counted = (protocol: Protocol) => deliveries(protocol).filter(({ of }) => splitBindings(of.bindings).counts.length > 0);

// --- which fault breaks it ---

type Demand = { readonly operation: Operation; readonly requirement: Requirement };

function breaksCode(code: ErrorCode, { contract }: Protocol): Fault | undefined {
  const other = contract.errors?.codes.find(({ when, code: name }) => when === "required" && name !== code.code);
  const codeAt = contract.errors?.reply.code;
  return other === undefined || codeAt === undefined ? undefined : faults.changesErrorCode(code.code, other.code, codeAt);
}

function altersContent(message: string, effect: Deliver, protocol: Protocol, everyNth: number): Fault | undefined {
  const key = protocol.streamOf(message)?.key;
  const free = [...effect.bindings].find(([pointer, value]) => value.kind === "message" && pointer !== key);
  return free === undefined ? undefined : faults.altersField(message, free[0], { everyNth });
}

/** The first message of the stream that an operation with this audience delivers. */
function messageIn(stream: Stream, protocol: Protocol): string | undefined {
  return (
    deliveries(protocol).find(({ of }) => stream.messages.includes(of.message) && of.when === "always")?.of.message ??
    stream.messages[0]
  );
}

const inStream = (stream: Stream, protocol: Protocol, plant: (message: string) => Fault) => {
  const message = messageIn(stream, protocol);
  return [message === undefined ? undefined : plant(message)];
};
/** The reply that says the place of an event of its own. */
function markOf(stream: Stream, protocol: Protocol): string | undefined {
  const appending = answered(protocol).find((operation) =>
    operation.effects.some(
      (effect) => effect.kind === "deliver" && effect.when === "always" && stream.messages.includes(effect.message),
    ),
  );
  return stream.replies.find((name) => appending?.reply?.includes(name)) ?? stream.replies[0];
}
const onMark = (stream: Stream, protocol: Protocol, plant: (reply: string, seqAt: string) => Fault) => {
  const reply = markOf(stream, protocol);
  return [reply === undefined || stream.seq === undefined ? undefined : plant(reply, stream.seq)];
};

export const statefulRules: readonly Rule[] = [
  // --- replies ---
  stateful(
    "reply-exactly-one",
    "replies exactly once to each request",
    (p) => besidesFence(p).map(at),
    (operation) => [faults.swallowsReply(operation.id), faults.repliesTwice(operation.id)],
  ),
  stateful(
    "reply-matches-effect",
    "replies with the declared message",
    (p) => effectsOf(p, "reply").filter(({ operation }) => operation !== p.fence),
    (effect, p) => {
      const own = named(p, effect.message);
      const other = p.contract.messages.find(
        ({ name, tag }) =>
          p.replies.has(name) && tag !== undefined && name !== effect.message && name !== p.contract.errors?.reply.message,
      );
      return [
        own?.tag === undefined || other?.tag === undefined
          ? undefined
          : faults.changesField(own.name, own.tag.pointer, other.tag.value),
      ];
    },
  ),
  stateful(
    "reply-fields-match",
    "reply fields match the request and its sender",
    (p) =>
      effectsOf(p, "reply").filter(
        ({ of, operation }) =>
          operation !== p.fence && splitBindings(of.bindings).fixed.some(([, value]) => value.kind !== "literal"),
      ),
    (effect, p) => {
      const operation = answered(p).find(({ effects }) => effects.includes(effect));
      const [pointer] = splitBindings(effect.bindings).fixed.find(([, value]) => value.kind !== "literal") ?? [];
      return [operation === undefined || pointer === undefined ? undefined : faults.altersReply(operation.id, pointer)];
    },
  ),
  stateful(
    "requirement-is-enforced",
    "rejects a request whose requirement does not hold",
    requirements,
    ({ operation, requirement }: Demand) => [faults.acceptsRefused(operation.id, requirement.else)],
  ),
  stateful(
    "error-by-first-failed-requirement",
    "rejects with the error of the first failed requirement",
    requiredCodes,
    (code, p) => [breaksCode(code, p)],
  ),
  stateful(
    "allowed-is-not-rejected",
    "accepts a request whose requirements hold",
    (p) =>
      besidesFence(p)
        .filter(({ requires }) => requires.length > 0)
        .map(at),
    (operation, p) => {
      const code = p.contract.errors?.codes.find(({ when }) => when === "required");
      const message = messageOf(p, operation);
      return [code === undefined || message === undefined ? undefined : faults.answersWith(operation.id, code.code)];
    },
  ),
  stateful(
    "error-retryable-as-declared",
    "error carries the declared retryable flag",
    (p) => (p.contract.errors?.reply.retryable === undefined ? [] : requiredCodes(p)),
    (code, p) => [faults.altersError(code.code, p.contract.errors?.reply.retryable ?? "")],
  ),
  stateful(
    "malformed-is-rejected",
    "rejects malformed frames with the declared error",
    (p) => (p.contract.errors?.codes ?? []).filter(({ when }) => when === "not-json" || when === "unknown-type").map(at),
    (code: ErrorCode) => [faults.ignoresInvalid(code.when === "not-json" ? "not-json" : "unknown-type")],
  ),
  stateful(
    "no-internal-error",
    "no internal error on a valid request",
    (p) => (p.contract.errors?.codes ?? []).filter(({ when }) => when === "internal").map(at),
    (code: ErrorCode, p) => {
      const operation = besidesFence(p)[0];
      return [operation === undefined ? undefined : faults.answersWith(operation.id, code.code)];
    },
    { level: "SHOULD" },
  ),
  stateful(
    "fence-in-order",
    "answers the fence after all earlier replies",
    (p) => (p.fence === undefined ? [] : [{ pointer: p.channel.delivery?.pointer ?? p.fence.pointer, of: p.fence }]),
    (_fence, p) => {
      const reply = besidesFence(p)
        .map(replyOf)
        .find((effect) => effect !== undefined);
      return [reply === undefined ? undefined : faults.delaysMessage(reply.message, 80)];
    },
  ),
  stateful(
    "reply-carries-position",
    "reply carries the event's position",
    (p) =>
      positioned(p)
        .filter(({ replies }) => replies.length > 0)
        .map(at),
    (stream, p) => onMark(stream, p, (reply, seqAt) => faults.removesField(reply, seqAt)),
  ),
  stateful(
    "reply-position-is-event",
    "reply position equals the position that observers see",
    (p) =>
      positioned(p)
        .filter(({ replies }) => replies.length > 0)
        .map(at),
    (stream, p) => onMark(stream, p, (reply, seqAt) => faults.addsToField(reply, seqAt, 1)),
  ),
  stateful(
    "reply-before-events",
    "sends the reply to a join before any event",
    (p) =>
      positioned(p)
        .filter(() => effectsOf(p, "add").length > 0)
        .map(at),
    (_stream, p) => {
      const join = effectsOf(p, "add")[0]?.operation;
      const reply = join === undefined ? undefined : replyOf(join);
      return [reply === undefined ? undefined : faults.delaysMessage(reply.message, 80)];
    },
  ),

  // --- deliveries ---
  stateful(
    "delivered-to-every-member",
    "delivers to every member of the relation",
    (p) => deliveries(p, "relation"),
    (effect) => [faults.dropsMessage(effect.message, { everyNth: 2 })],
  ),
  stateful(
    "delivered-to-addressee",
    "delivers to the addressed connection",
    (p) => deliveries(p, "connection"),
    (effect) => [faults.dropsMessage(effect.message, { everyNth: 2 })],
  ),
  stateful(
    "broadcast-to-all",
    "delivers a broadcast to every connection",
    (p) => deliveries(p, "all"),
    (effect) => {
      const literal = [...effect.bindings].find(([, value]) => value.kind === "literal");
      const where = literal?.[1].kind === "literal" ? { where: { pointer: literal[0], equals: literal[1].value } } : {};
      return [faults.dropsMessage(effect.message, { ...where, everyNth: 2 })];
    },
  ),
  stateful(
    "delivered-to-nobody-else",
    "delivers to nobody else",
    (p) => [...deliveries(p, "relation"), ...deliveries(p, "connection")],
    (effect) => [faults.deliversToStranger(effect.message)],
  ),
  stateful(
    "sender-is-excluded",
    "does not deliver to an excluded sender",
    (p) =>
      deliveries(p, "relation").filter(
        ({ of, operation }) => of.sender === "excluded" && !operation.effects.some(({ kind }) => kind === "remove"),
      ),
    (effect) => [faults.deliversToSender(effect.message)],
  ),
  stateful(
    "delivered-once",
    "delivers exactly once",
    (p) => deliveries(p, "connection"),
    (effect) => [faults.duplicatesMessage(effect.message)],
  ),
  stateful(
    "delivered-fields-match",
    "delivery has the correct content and sender",
    (p) => deliveries(p).filter(({ of }) => of.when === "always"),
    (effect, p) => [altersContent(effect.message, effect, p, 1)],
  ),
  stateful(
    "rejected-has-no-effect",
    "a rejected request has no effect",
    (p) => requirements(p).filter(({ of }) => of.operation.effects.some(({ kind }) => kind === "deliver")),
    ({ operation, requirement }: Demand) => [faults.deliversRefused(operation.id, requirement.else)],
  ),
  stateful(
    "unchanged-announces-nothing",
    "announces nothing when nothing changed",
    (p) => deliveries(p).filter(({ of }) => of.when === "changed"),
    (effect, p) => {
      const operation = operations(p).find(({ effects }) => effects.includes(effect));
      return [operation === undefined ? undefined : faults.announcesUnchanged(operation.id)];
    },
  ),
  stateful(
    "no-delivery-after-removal",
    "delivers nothing to a former member",
    (p) => {
      const addressed = new Set(deliveries(p).flatMap(({ of: { to } }) => (to.kind === "relation" ? [to.relation] : [])));
      return effectsOf(p, "remove").filter(({ operation }) =>
        operation.effects.some((effect) => effect.kind === "remove" && addressed.has(effect.relation)),
      );
    },
    (effect, p) => {
      const operation = operations(p).find(({ effects }) => effects.includes(effect));
      const message = deliveries(p, "relation").find(({ of }) => of.when === "always")?.of.message;
      return [operation === undefined || message === undefined ? undefined : faults.keepsDelivering(operation.id, message)];
    },
  ),
  stateful(
    "disconnect-effect-delivered",
    "tells others when a connection ends",
    (p) =>
      p.contract.state.relations.flatMap(({ onDisconnect }) =>
        onDisconnect.filter((effect) => effect.kind === "deliver").map(at),
      ),
    () => [faults.keepsHalfOpen()],
  ),
  stateful(
    "unexpected-message",
    "sends no unexpected message",
    (p) => [at(p.channel)],
    (_channel, p) => {
      const operation = besidesFence(p).find((candidate) => named(p, replyOf(candidate)?.message)?.correlation !== undefined);
      const correlation = operation === undefined ? undefined : named(p, replyOf(operation)?.message)?.correlation;
      return [operation === undefined || correlation === undefined ? undefined : faults.wrongReplyId(operation.id, correlation)];
    },
  ),
  stateful(
    "first-message-once",
    "sends the first message exactly once",
    (p) => (p.channel.handshake?.first === undefined ? [] : [at(p.channel.handshake)]),
    (handshake) => [faults.duplicatesMessage(handshake.first ?? "")],
  ),
  stateful(
    "no-unexpected-close",
    "does not close connections without a declared cause",
    (p) => [at(p.channel)],
    (_channel, p) => {
      const message = deliveries(p).find(({ of }) => of.when === "always")?.of.message;
      return [message === undefined ? undefined : faults.closesAfter(message, 1011, { everyNth: 2 })];
    },
  ),

  // --- the end of a credential ---
  stateful(
    expiryRules.closes,
    "closes with the declared code when the credential has expired, after the grace period and not before",
    graces,
    ({ close }) => [
      faults.neverCloses(close),
      faults.changesCloseCode(close, 1000),
      faults.server("expires-early"),
      faults.server("renewal-lifts-expiry"),
    ],
    { waitsMs: waitsForGrace },
  ),
  stateful(
    expiryRules.keeps,
    "keeps a connection that renews its credential in time",
    (p) =>
      graces(p).length === 0
        ? []
        : answered(p)
            .filter(({ effects }) => effects.some(({ kind }) => kind === "renew"))
            .map(at),
    ({ id, messages }) => [
      messages[0] === undefined ? undefined : faults.pretends(id, messages[0]),
      faults.server("renewal-ignored"),
    ],
    { waitsMs: waitsForGrace },
  ),

  // --- order and positions ---
  stateful(
    "order-total",
    "all members see one order",
    (p) =>
      positioned(p)
        .filter(({ order }) => order === "total")
        .map(at),
    (stream, p) => inStream(stream, p, (message) => faults.reordersMessages(message)),
  ),
  stateful(
    "order-sender",
    "preserves the order of each sender",
    (p) => ordered(p).map(at),
    (stream, p) =>
      stream.seq === undefined
        ? inStream(stream, p, (message) => faults.reordersMessages(message))
        : onMark(stream, p, (reply, seqAt) => faults.addsToField(reply, seqAt, -9, { everyNth: 2 })),
  ),
  stateful(
    "order-real-time",
    "positions respect real time: later requests get later positions",
    (p) =>
      positioned(p)
        .filter(({ order }) => order === "total")
        .map(at),
    (stream, p) => onMark(stream, p, (reply, seqAt) => faults.addsToField(reply, seqAt, -9, { everyNth: 2 })),
  ),
  stateful(
    "position-contiguous",
    "no gaps in positions",
    (p) => positioned(p).map(at),
    (stream, p) => inStream(stream, p, (message) => faults.dropsMessage(message, { everyNth: 2 })),
  ),
  stateful(
    "position-once",
    "no duplicate positions",
    (p) => positioned(p).map(at),
    (stream, p) => inStream(stream, p, (message) => faults.duplicatesMessage(message)),
  ),
  stateful(
    "position-consistent-between-observers",
    "all observers see the same event at a position",
    (p) => positioned(p).map(at),
    (stream, p) => {
      const effect = deliveries(p).find(({ of }) => of.when === "always" && stream.messages.includes(of.message))?.of;
      return [effect === undefined ? undefined : altersContent(effect.message, effect, p, 2)];
    },
  ),
  stateful(
    "count-in-range",
    "member count stays within range",
    (p) => effectsOf(p, "reply").filter(({ of }) => splitBindings(of.bindings).counts.length > 0),
    (effect) => {
      const [count] = splitBindings(effect.bindings).counts;
      return [count === undefined ? undefined : faults.addsToField(effect.message, count.pointer, 1)];
    },
  ),
  stateful(
    "count-exact-at-position",
    "member count is exact at every position",
    (p) => (positioned(p).length === 0 ? [] : counted(p)),
    (effect) => {
      const [count] = splitBindings(effect.bindings).counts;
      return [count === undefined ? undefined : faults.addsToField(effect.message, count.pointer, 1)];
    },
  ),
  stateful(
    "idempotency-key-honoured",
    "honours idempotency keys",
    (p) => effectsOf(p, "once").filter(({ of }) => of.key.kind === "message"),
    (effect, p) => {
      const operation = operations(p).find(({ effects }) => effects.includes(effect));
      const message = operation === undefined ? undefined : messageOf(p, operation);
      return [
        message === undefined || effect.key.kind !== "message"
          ? undefined
          : faults.removesField(message.name, effect.key.pointer),
      ];
    },
  ),
  stateful(
    "replay-complete",
    "replay is complete when the reply says so",
    (p) => effectsOf(p, "replay").filter(({ of }) => of.recovered !== undefined),
    (effect, p) => {
      const operation = operations(p).find(({ effects }) => effects.includes(effect));
      return [operation === undefined ? undefined : faults.replaysWithGap(operation.id)];
    },
  ),
  stateful(
    "replay-flag-truthful",
    "the recovered flag is truthful",
    (p) => effectsOf(p, "replay").filter(({ of }) => of.recovered !== undefined),
    (effect, p) => {
      const operation = operations(p).find(({ effects }) => effects.includes(effect));
      const reply = operation === undefined ? undefined : replyOf(operation);
      return [
        reply === undefined || effect.recovered === undefined
          ? undefined
          : faults.changesField(reply.message, effect.recovered, true),
      ];
    },
  ),
];
