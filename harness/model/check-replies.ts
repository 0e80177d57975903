// Replies: each request has exactly one, it is the one that the requirements allow, and it says what the effects bind.
import { type Effect, isErrorValue } from "../../spec/contract.ts";
import { lookup } from "../../spec/pointer.ts";
import { checkLists } from "./check-lists.ts";
import { countRange } from "./counting.ts";
import type { ResultCollector } from "./evaluation-result.ts";
import { canonical, shown } from "./frame.ts";
import { namesNoRequest } from "./loose-error.ts";
import { resolve, resolveKey, scopeOf } from "./membership.ts";
import { codesOf, type Evaluation, type Expected, expectOutcome } from "./outcomes.ts";
import { errorIn, isErrorMessage, splitBindings } from "./protocol.ts";
import { type Connection, type Fence, type Invocation, NEVER, promisesReply } from "./trace.ts";

type ReplyEffect = Extract<Effect, { kind: "reply" }>;
type ChangeEffect = Extract<Effect, { kind: "add" | "remove" }>;

export function checkReplies(evaluation: Evaluation, collector: ResultCollector) {
  for (const invocation of evaluation.trace.invocations) {
    if (invocation.ambiguous) continue;
    if (invocation.malformed !== undefined) checkMalformed(evaluation, invocation, collector);
    else if (promisesReply(invocation)) checkReply(evaluation, invocation, collector);
    else for (const requirement of expectOutcome(evaluation, invocation).held) collector.cover(requirement.pointer);
  }
  for (const connection of evaluation.trace.connections.values()) checkLooseErrors(evaluation, connection, collector);
}

function checkReply(evaluation: Evaluation, invocation: Invocation, collector: ResultCollector) {
  const { operation, reply, connection } = invocation;
  if (operation === undefined) return;
  const later = connection.fences.find((fence) => fence.sentAt > invocation.sentAt);
  if (reply === undefined && invocation.unrecognised.length > 0) {
    const [at = invocation.sentAt] = invocation.unrecognised;
    const wanted = replyNames(invocation).join(" or ");
    const actual = `no message of the protocol: ${shown(frameAt(evaluation, at))}`;
    collector.check(false, "reply-matches-effect", operation.pointer, wanted, actual, [invocation.sentAt, at]);
    return;
  }
  if (reply === undefined) {
    const served = servedAfter(evaluation, invocation);
    const what = `one reply to ${operation.id}, before the reply to the fence that was sent after it`;
    if (later !== undefined) {
      collector.check(false, "reply-exactly-one", operation.pointer, what, "none", [
        invocation.sentAt,
        later.sentAt,
        later.answeredAt,
      ]);
    } else if (served !== undefined) {
      const actual = `none within ${evaluation.knowledge.replyWithinMs} ms; a later request was answered`;
      collector.failByClock("reply-exactly-one", operation.pointer, `one reply to ${operation.id}`, actual, [
        invocation.sentAt,
        served.sentAt,
        served.answeredAt,
      ]);
    } else if (connection.hungUpAt === NEVER && connection.closedAt === NEVER) {
      collector.wait({
        rule: "reply-exactly-one",
        pointer: operation.pointer,
        connection: connection.id,
        expected: `a reply to ${operation.id}`,
      });
    }
    return;
  }
  const extra = invocation.extraReplies;
  collector.check(
    extra.length === 0,
    "reply-exactly-one",
    operation.pointer,
    `one reply to ${operation.id}`,
    `${1 + extra.length}`,
    [...[invocation.sentAt, reply.at], ...extra],
  );
  if (later !== undefined) {
    const pointer = evaluation.protocol.channel.delivery?.pointer ?? operation.pointer;
    const actual = `it came after the reply to a fence that was sent later`;
    const events = [invocation.sentAt, later.sentAt, later.answeredAt, reply.at];
    collector.check(
      reply.at < later.answeredAt,
      "fence-in-order",
      pointer,
      `the reply to ${operation.id} before that of the fence`,
      actual,
      events,
    );
  }
  if (reply.both !== undefined) {
    const wanted = `${reply.message.name} or ${reply.both.name}`;
    const actual = `both at once: ${shown(reply.frame)}`;
    collector.check(false, "reply-matches-effect", operation.pointer, wanted, actual, [invocation.sentAt, reply.at]);
    return;
  }
  const expected = expectOutcome(evaluation, invocation);
  if (invocation.outcome === "info") {
    const wanted = replyNames(invocation).join(" or ");
    const events = [invocation.sentAt, reply.at];
    collector.check(false, "reply-matches-effect", operation.pointer, wanted, reply.message.name, events);
  } else if (invocation.outcome === "ok") checkSuccess(evaluation, invocation, expected, collector);
  else checkRefusal(evaluation, invocation, expected, collector);
}

/** A request that was sent after the deadline of the reply, and answered. */
function servedAfter({ trace, knowledge }: Evaluation, { connection, sentAt }: Invocation): Fence | undefined {
  if (knowledge.replyWithinMs === undefined) return undefined;
  const atMs = (at: number) => trace.history[at]?.atMs ?? 0;
  const dueMs = atMs(sentAt) + knowledge.replyWithinMs;
  return connection.answered.find((answer) => answer.sentAt > sentAt && atMs(answer.sentAt) >= dueMs);
}

/** The replies that the effects declare, else all of the operation. */
function replyNames({ operation }: Invocation): readonly string[] {
  const declared = operation?.effects.flatMap((effect) => (effect.kind === "reply" ? [effect.message] : [])) ?? [];
  return declared.length > 0 ? declared : (operation?.reply ?? []);
}

function frameAt({ trace }: Evaluation, at: number): unknown {
  const event = trace.history[at];
  return event !== undefined && "frame" in event ? event.frame : undefined;
}

function checkSuccess(evaluation: Evaluation, invocation: Invocation, expected: Expected, collector: ResultCollector) {
  const { operation, reply } = invocation;
  if (operation === undefined || reply === undefined) return;
  const events = [invocation.sentAt, reply.at];
  const failed = expected.refusals.at(-1);
  if (!expected.mayPass && failed !== undefined) {
    const wanted = expected.refusals.flatMap(({ requirement }) => codesOf(requirement)).join(" or ");
    collector.check(
      false,
      "requirement-is-enforced",
      failed.requirement.pointer,
      `the error ${wanted}`,
      reply.message.name,
      events,
    );
    return;
  }
  for (const requirement of expected.held) collector.cover(requirement.pointer);
  collector.decide("no-internal-error");
  if (expected.refusals.length === 0) collector.decide("allowed-is-not-rejected");
  const effects = operation.effects.filter((effect): effect is ReplyEffect => effect.kind === "reply");
  const effect = effects.find((candidate) => candidate.message === reply.message.name);
  const names = effects.length > 0 ? effects.map(({ message }) => message) : (operation.reply ?? []);
  const pointer = effects[0]?.pointer ?? operation.pointer;
  collector.check(
    names.includes(reply.message.name),
    "reply-matches-effect",
    pointer,
    names.join(" or "),
    reply.message.name,
    events,
  );
  if (effect === undefined) return;
  collector.cover(effect.pointer);
  checkFields(evaluation, invocation, effect, collector);
}

function checkFields(evaluation: Evaluation, invocation: Invocation, effect: ReplyEffect, collector: ResultCollector) {
  const frame = invocation.reply?.frame;
  const events = [invocation.sentAt, invocation.reply?.at ?? invocation.sentAt];
  const scope = scopeOf(invocation);
  const { fixed, counts } = splitBindings(effect.bindings);
  for (const [pointer, value] of fixed) {
    const wanted = resolve(value, scope);
    const got = lookup(frame, pointer);
    const same = canonical(wanted) === canonical(got);
    collector.check(same, "reply-fields-match", effect.pointer, `${shown(wanted)} at ${pointer}`, shown(got), events);
  }
  const change = invocation.operation?.effects.find(
    (candidate): candidate is ChangeEffect => candidate.kind === "add" || candidate.kind === "remove",
  );
  const key = change === undefined ? new Map() : resolveKey(change.where, scope);
  checkLists(evaluation, invocation, effect, key, collector);
  for (const { pointer, relation } of counts) {
    const { least, most } = countRange(
      evaluation,
      relation,
      key,
      invocation.connection,
      invocation,
      invocation.sentAt,
      invocation.settledAt,
    );
    const got = lookup(frame, pointer);
    const fits = typeof got === "number" && got >= least && got <= most;
    const wanted = least === most ? `${least} at ${pointer}` : `${least} to ${most} at ${pointer}`;
    collector.check(fits, "count-in-range", effect.pointer, wanted, shown(got), events);
  }
}

function checkRefusal(evaluation: Evaluation, invocation: Invocation, expected: Expected, collector: ResultCollector) {
  const { operation, reply } = invocation;
  if (operation === undefined || reply === undefined) return;
  const events = [invocation.sentAt, reply.at];
  const declared = evaluation.protocol.contract.errors?.codes.find(({ code }) => code === reply.error);
  const isOpen = !operation.effectsKnown && operation.requires.length === 0;
  // The document leaves open when the operation is refused.
  if (isOpen && (declared?.when === "required" || declared?.when === "unavailable")) return;
  if (declared?.when === "unavailable") {
    collector.inconclusive.push(`${operation.id} was answered with ${declared.code}`);
    return;
  }
  if (declared?.when === "internal") {
    collector.check(false, "no-internal-error", declared.pointer, `no ${declared.code}`, shown(reply.frame), events);
    return;
  }
  checkErrorFlags(evaluation, invocation, collector);
  const found = expected.refusals.find(
    ({ requirement }) => isErrorValue(reply.error) && codesOf(requirement).includes(reply.error),
  );
  if (found?.certain === true) {
    collector.cover(found.requirement.pointer);
    if (declared !== undefined) collector.cover(declared.pointer);
  }
  if (expected.refusals.length === 0) {
    const wanted = `success of ${operation.id}: all its requirements hold`;
    collector.check(false, "allowed-is-not-rejected", operation.pointer, wanted, `the error ${shown(reply.error)}`, events);
    return;
  }
  const wanted = expected.refusals.flatMap(({ requirement }) => codesOf(requirement)).join(" or ");
  const pointer = expected.refusals.at(-1)?.requirement.pointer ?? operation.pointer;
  collector.decide("requirement-is-enforced");
  collector.check(
    found !== undefined,
    "error-by-first-failed-requirement",
    pointer,
    `the error ${wanted}`,
    shown(reply.error),
    events,
  );
}

function checkErrorFlags({ protocol }: Evaluation, { reply, connection, sentAt }: Invocation, collector: ResultCollector) {
  const errors = protocol.contract.errors;
  const declared = errors?.codes.find(({ code }) => code === reply?.error);
  const retryable = errors?.replies.find(({ message }) => message === reply?.message.name)?.retryable;
  // Over HTTP the error stands elsewhere, and the rules of the HTTP phase check it.
  if (retryable === undefined || declared === undefined || reply === undefined || connection.http) return;
  const got = lookup(reply.frame, retryable);
  const wanted = `${declared.retryable} at ${retryable} of ${declared.code}`;
  const same = got === declared.retryable;
  collector.check(same, "error-retryable-as-declared", declared.pointer, wanted, shown(got), [sentAt, reply.at]);
}

/** A frame that is no message of the protocol is answered with the error for that, with its id where it has a usable one. */
function checkMalformed(evaluation: Evaluation, invocation: Invocation, collector: ResultCollector) {
  const declared = evaluation.protocol.contract.errors?.codes.filter(({ when }) => when === invocation.malformed) ?? [];
  const [first] = declared;
  if (first === undefined) return;
  const isDue = (error: unknown) => declared.some(({ code }) => code === error);
  const due = `the error ${declared.map(({ code }) => code).join(" or ")}`;
  const later = invocation.connection.fences.find((fence) => fence.sentAt > invocation.sentAt);
  const loose = looseErrors(evaluation, invocation.connection).find((error) => error.at > invocation.sentAt && isDue(error.code));
  const got = invocation.reply?.error ?? loose?.code;
  const events = [invocation.sentAt, invocation.reply?.at ?? loose?.at ?? later?.answeredAt ?? invocation.sentAt];
  if (invocation.reply === undefined && loose === undefined) {
    if (later === undefined) return;
    collector.check(false, "malformed-is-rejected", first.pointer, due, "none before the reply to a later fence", events);
    return;
  }
  const limited = evaluation.protocol.channel.rateLimits.some((limit) => limit.error === got);
  const pointer = declared.find(({ code }) => code === got)?.pointer;
  if (pointer !== undefined) collector.cover(pointer);
  collector.check(isDue(got) || limited, "malformed-is-rejected", pointer ?? first.pointer, due, shown(got), events);
}

interface LooseError {
  readonly at: number;
  readonly code: unknown;
}

/** Errors that name no request. */
function looseErrors(evaluation: Evaluation, connection: Connection): LooseError[] {
  const { protocol } = evaluation;
  return connection.received.flatMap(({ at, message, invocation, frame }) =>
    message !== undefined &&
    isErrorMessage(protocol, message.name) &&
    invocation === undefined &&
    namesNoRequest(evaluation, connection, message, frame)
      ? [{ at, code: errorIn(protocol, message.name, frame) }]
      : [],
  );
}

/** Errors without an id answer operations that promise no reply, and malformed frames; at every moment at most as many as there were causes. */
function checkLooseErrors(evaluation: Evaluation, connection: Connection, collector: ResultCollector) {
  const spent = new Map<unknown, number>();
  for (const { at, code } of looseErrors(evaluation, connection)) {
    const causes = connection.invocations.filter(
      (invocation) => invocation.sentAt < at && mayBeRefusedLoosely(evaluation, invocation, code),
    );
    const used = (spent.get(code) ?? 0) + 1;
    spent.set(code, used);
    const silent = connection.invocations.find(
      (invocation) => invocation.sentAt < at && invocation.operation !== undefined && invocation.operation.reply === undefined,
    );
    if (used <= causes.length) {
      collector.decide("error-by-first-failed-requirement");
      const requirement = causes[used - 1]?.operation?.requires.find(
        (candidate) => isErrorValue(code) && codesOf(candidate).includes(code),
      );
      if (requirement !== undefined) collector.cover(requirement.pointer);
    } else if (silent !== undefined) {
      const wanted = `no error: all requirements of ${silent.operation?.id} hold`;
      collector.check(false, "allowed-is-not-rejected", silent.operation?.pointer ?? "#", wanted, `the error ${shown(code)}`, [
        silent.sentAt,
        at,
      ]);
    } else {
      const pointer =
        evaluation.protocol.contract.errors?.codes.find((candidate) => candidate.code === code)?.pointer ?? "#/x-errors";
      collector.check(false, "unexpected-message", pointer, "no unsolicited error", `the error ${shown(code)}`, [at]);
    }
  }
}

function mayBeRefusedLoosely(evaluation: Evaluation, invocation: Invocation, code: unknown): boolean {
  // One code may stand for several mistakes.
  const whens = (evaluation.protocol.contract.errors?.codes ?? []).flatMap((one) => (one.code === code ? [one.when] : []));
  if (whens.includes("unavailable") || whens.includes("internal")) return true;
  if (invocation.malformed !== undefined) return whens.includes(invocation.malformed);
  if (invocation.operation === undefined || invocation.operation.reply !== undefined) return false;
  return expectOutcome(evaluation, invocation).refusals.some(
    ({ requirement }) => isErrorValue(code) && codesOf(requirement).includes(code),
  );
}
