// Deliveries: every frame that a connection received has a cause, at most once and not before it; every must came, or nothing proves yet that it did not.
import { lookup } from "../../spec/pointer.ts";
import { countRange } from "./counting.ts";
import type { ResultCollector } from "./evaluation-result.ts";
import { canonical, shown } from "./frame.ts";
import { namesNoRequest } from "./loose-error.ts";
import { isSameId } from "./match-replies.ts";
import { boundOf, type ForbiddenDelivery, type Obligation, type Obligations, textOf } from "./obligation.ts";
import type { Evaluation } from "./outcomes.ts";
import { type Delivery, isErrorMessage } from "./protocol.ts";
import { type Connection, type Knowledge, NEVER, type Received } from "./trace.ts";

/** Which obligation each delivered frame met. */
export type Matches = ReadonlyMap<Received, Obligation>;

/** Matches frames and obligations by receiver and text, and reports what is left over on either side. */
export function checkDeliveries(evaluation: Evaluation, obligations: Obligations, collector: ResultCollector): Matches {
  const matches = new Map<Received, Obligation>();
  const byReceiver = groupByReceiver(obligations.all);
  for (const connection of evaluation.trace.connections.values()) {
    const mine = byReceiver.get(connection) ?? [];
    const forbidden = obligations.forbidden.filter(({ receiver }) => receiver === connection);
    const free = new Set(mine);
    for (const received of connection.received) {
      if (received.invocation !== undefined) {
        collector.decide("unexpected-message");
        continue;
      }
      const met = matchFrame(evaluation, connection, received, mine, free, forbidden, collector);
      if (met !== undefined) matches.set(received, met);
    }
    for (const unmet of free) if (unmet.strength === "must") reportUnmet(evaluation, unmet, matches, collector);
  }
  for (const { rule } of obligations.forbidden) collector.decide(rule);
  return matches;
}

function groupByReceiver(all: readonly Obligation[]): Map<Connection, Obligation[]> {
  const groups = new Map<Connection, Obligation[]>();
  for (const obligation of all) groups.set(obligation.receiver, [...(groups.get(obligation.receiver) ?? []), obligation]);
  return groups;
}

function matchFrame(
  evaluation: Evaluation,
  connection: Connection,
  received: Received,
  mine: readonly Obligation[],
  free: Set<Obligation>,
  forbidden: readonly ForbiddenDelivery[],
  collector: ResultCollector,
): Obligation | undefined {
  const { protocol } = evaluation;
  const { message, frame, at } = received;
  const first = protocol.channel.handshake?.first;
  if (message === undefined) {
    collector.check(false, "unexpected-message", protocol.channel.pointer, "a message of the protocol", shown(frame), [at]);
    return undefined;
  }
  if (message.name === first) {
    const pointer = protocol.channel.handshake?.pointer ?? message.pointer;
    collector.check(
      connection.readyAt === at && connection.received[0] === received,
      "first-message-once",
      pointer,
      `${first} once, first`,
      shown(frame),
      [at],
    );
    return undefined;
  }
  const deliveries = protocol.deliveries.get(message.name);
  if (deliveries === undefined) {
    // An error without an id is checked with the replies; what no operation answers may come at any time.
    if (isErrorMessage(protocol, message.name) && namesNoRequest(evaluation, connection, message, frame)) return undefined;
    const id = message.correlation === undefined ? undefined : lookup(frame, message.correlation);
    const answers = id !== undefined && connection.invocations.some((one) => isSameId(one.id, id));
    const isSentUnasked = protocol.contract.operations.some(
      ({ action, messages }) => action === "send" && messages.includes(message.name),
    );
    const asked = !protocol.replies.has(message.name) || (isSentUnasked && !answers);
    collector.check(asked, "unexpected-message", message.pointer, "no unsolicited reply", shown(frame), [at]);
    return undefined;
  }
  const texts = new Set(deliveries.map((delivery) => textOf(message.name, boundOf(delivery, frame))));
  const available = mine.filter((obligation) => free.has(obligation) && obligation.from < at && texts.has(obligation.text));
  const met = available.find(({ strength }) => strength === "must") ?? available[0];
  if (met !== undefined) {
    free.delete(met);
    collector.decide(met.invocation === undefined ? "disconnect-effect-delivered" : ruleOfDelivery(met));
    for (const rule of ["delivered-once", "delivered-fields-match", "unexpected-message"]) collector.decide(rule);
    if (met.strength === "must") collector.cover(met.effect.pointer);
    checkCounts(evaluation, met, mine, received, collector);
    return met;
  }
  if (deliveries.some((delivery) => isForeign(evaluation, delivery, frame))) return undefined;
  if (isElsewhere(evaluation.knowledge, received)) return undefined;
  explain(evaluation, received, { mine, free, forbidden, texts, deliveries }, collector);
  return undefined;
}

/** To everyone, from a connection that is not of this run: somebody else uses the server. */
function isForeign(evaluation: Evaluation, delivery: Delivery, frame: unknown): boolean {
  if (delivery.effect.to.kind !== "all") return false;
  const literal = ([pointer, value]: Delivery["fixed"][number]) =>
    value.kind !== "literal" || canonical(lookup(frame, pointer)) === canonical(value.value);
  return delivery.fixed.every(literal) && speaksOfStranger(evaluation, delivery, frame);
}

/** Whether the frame names as its sender a connection that is not of this run. */
function speaksOfStranger({ trace, protocol }: Evaluation, { fixed }: Delivery, frame: unknown): boolean {
  return fixed.some(([pointer, value]) => {
    if (value.kind !== "sender") return false;
    const attribute = protocol.contract.state.attributes.find(({ name }) => name === value.attribute);
    const named = lookup(frame, pointer);
    const known = [...trace.connections.values()].some((connection) => connection.attributes.get(value.attribute) === named);
    return attribute?.unique === true && named !== undefined && !known;
  });
}

interface Unmatched {
  readonly mine: readonly Obligation[];
  readonly free: Set<Obligation>;
  readonly forbidden: readonly ForbiddenDelivery[];
  readonly texts: ReadonlySet<string>;
  readonly deliveries: readonly Delivery[];
}

/** Says why a delivered frame should not have come: the most exact reason first. */
function explain(evaluation: Evaluation, { at, frame, message }: Received, unmatched: Unmatched, collector: ResultCollector) {
  const { mine, free, forbidden, texts, deliveries } = unmatched;
  const violated = forbidden.find(
    ({ text, invocation }) => texts.has(text) && (invocation === undefined || invocation.sentAt < at),
  );
  if (violated !== undefined) {
    const events = [
      ...(violated.invocation === undefined ? [] : [violated.invocation.sentAt]),
      ...(violated.invocation?.reply === undefined ? [] : [violated.invocation.reply.at]),
      at,
    ];
    collector.fail(violated.rule, violated.pointer, `no ${message?.name} here: ${violated.why}`, shown(frame), events);
    return;
  }
  const used = mine.find(({ text, from }) => texts.has(text) && from < at);
  if (used !== undefined) {
    collector.fail("delivered-once", used.effect.pointer, `${message?.name} once`, `once more: ${shown(frame)}`, [
      ...sendOf(used),
      at,
    ]);
    return;
  }
  const early = mine.find(({ text }) => texts.has(text));
  if (early !== undefined) {
    collector.fail("unexpected-message", early.effect.pointer, `${message?.name} after what causes it`, shown(frame), [
      at,
      ...sendOf(early),
    ]);
    return;
  }
  const alike = closest(
    [...free].filter((obligation) => obligation.message === message?.name && obligation.from < at),
    frame,
  );
  if (alike !== undefined) {
    free.delete(alike.obligation);
    const wrong = alike.wrong.map((pointer) => `${shown(alike.obligation.bound.get(pointer))} at ${pointer}`).join(", ");
    const got = alike.wrong.map((pointer) => `${shown(lookup(frame, pointer))} at ${pointer}`).join(", ");
    collector.fail("delivered-fields-match", alike.obligation.effect.pointer, wrong, got, [...sendOf(alike.obligation), at]);
    return;
  }
  const pointer = deliveries[0]?.effect.pointer ?? evaluation.protocol.channel.pointer;
  if (deliveries.some((delivery) => speaksOfStranger(evaluation, delivery, frame))) {
    collector.fail("delivered-to-nobody-else", pointer, `no ${message?.name} about an unrelated connection`, shown(frame), [at]);
    return;
  }
  collector.check(false, "unexpected-message", pointer, `no ${message?.name} without a cause`, shown(frame), [at]);
}

const sendOf = ({ invocation, cause }: Obligation): number[] =>
  (invocation === undefined ? [Math.min(cause.hungUpAt, cause.closedAt)] : [invocation.sentAt]).filter((at) => at !== NEVER);

/** The obligation that shares most of its bound values with the frame, at least half of them. */
function closest(candidates: readonly Obligation[], frame: unknown) {
  let best: { obligation: Obligation; wrong: string[] } | undefined;
  for (const obligation of candidates) {
    const wrong = [...obligation.bound]
      .filter(([pointer, value]) => canonical(lookup(frame, pointer)) !== canonical(value))
      .map(([pointer]) => pointer);
    if (wrong.length * 2 <= obligation.bound.size && (best === undefined || wrong.length < best.wrong.length))
      best = { obligation, wrong };
  }
  return best;
}

function ruleOfDelivery({ effect, invocation }: Obligation): string {
  if (invocation === undefined) return "disconnect-effect-delivered";
  return { relation: "delivered-to-every-member", connection: "delivered-to-addressee", all: "broadcast-to-all" }[effect.to.kind];
}

function reportUnmet(evaluation: Evaluation, unmet: Obligation, matches: Matches, collector: ResultCollector) {
  const rule = ruleOfDelivery(unmet);
  const proof = proveMissing(evaluation, unmet, matches);
  const expected = `${unmet.message} at connection ${unmet.receiver.id} with ${shown(Object.fromEntries(unmet.bound))}`;
  if (proof !== undefined) {
    collector.check(false, rule, unmet.effect.pointer, expected, proof.actual, [...sendOf(unmet), ...proof.events]);
  } else if (unmet.until === NEVER && unmet.settledAt !== NEVER) {
    collector.wait({ rule, pointer: unmet.effect.pointer, connection: unmet.receiver.id, expected });
  }
}

/** Nothing but something that must come later shows that a frame is missing: a later frame in the order promised, or a fence after the deadline. */
function proveMissing(
  { trace, knowledge, protocol }: Evaluation,
  unmet: Obligation,
  matches: Matches,
): { actual: string; events: number[] } | undefined {
  const { receiver, stream, invocation } = unmet;
  if (invocation !== undefined && stream !== undefined && stream.order !== "none") {
    for (const [received, met] of matches) {
      const later =
        met.invocation !== undefined &&
        met.invocation.connection === invocation.connection &&
        met.invocation.number > invocation.number;
      if (!later || met.receiver !== receiver || met.again || met.stream !== stream || met.streamKey !== unmet.streamKey)
        continue;
      if (received.at > unmet.until || !isUnique(met, matches) || isElsewhere(knowledge, received)) continue;
      return {
        actual: "a later one of the same sender came instead",
        events: [met.invocation?.sentAt ?? received.at, received.at],
      };
    }
  }
  if (unmet.settledAt === NEVER) return undefined;
  const deadlineMs = (trace.history[unmet.settledAt]?.atMs ?? 0) + (knowledge.deadlineMs ?? stream?.withinMs ?? 5_000);
  // Where the document has no fence, any answer after the deadline shows that the connection is served.
  const proofs = protocol.fence === undefined ? receiver.answered : receiver.fences;
  const fence = proofs.find(
    ({ sentAt, answeredAt }) => (trace.history[sentAt]?.atMs ?? 0) >= deadlineMs && answeredAt < unmet.until,
  );
  return fence === undefined
    ? undefined
    : { actual: "none within the deadline", events: [unmet.settledAt, fence.sentAt, fence.answeredAt] };
}

/** Whether the frame may have another cause than the one that it was matched with. */
export function isElsewhere({ elsewhere }: Knowledge, { message, frame }: Received): boolean {
  return message !== undefined && elsewhere?.(message.name, frame) === true;
}

/** Whether no other frame of the run could have been taken for this one. */
function isUnique(met: Obligation, matches: Matches): boolean {
  let same = 0;
  for (const other of matches.values()) if (other.receiver === met.receiver && other.text === met.text) same++;
  return same === 1;
}

function checkCounts(
  evaluation: Evaluation,
  met: Obligation,
  mine: readonly Obligation[],
  { frame, at }: Received,
  collector: ResultCollector,
) {
  // What is replayed says how many there were then, which is checked by its position.
  const alike = mine.filter((other) => other.text === met.text && other.from < at);
  if (alike.some(({ again }) => again)) return;
  for (const [pointer, value] of met.effect.bindings) {
    if (value.kind !== "count") continue;
    const got = lookup(frame, pointer);
    // When the server noticed an end is not known, only that it did before it told. Equal texts cannot be told apart: it is enough that one of their causes explains the number.
    const ranges = alike.map((other) =>
      countRange(
        evaluation,
        value.relation,
        other.key,
        other.cause,
        other.invocation,
        other.from,
        other.invocation === undefined ? at : Math.min(other.settledAt, at),
      ),
    );
    const fits = typeof got === "number" && ranges.some(({ least, most }) => got >= least && got <= most);
    const wanted = ranges.map(({ least, most }) => (least === most ? `${least}` : `${least} to ${most}`)).join(" or ");
    collector.check(fits, "count-in-range", met.effect.pointer, `${wanted} at ${pointer}`, shown(got), [...sendOf(met), at]);
  }
}
