// Replies: each request has exactly one, it is the one that the requirements allow, and it says what the effects bind.
import type { Effect } from "../../spec/contract.ts";
import { lookup } from "../../spec/pointer.ts";
import { countRange } from "./counting.ts";
import { canonical, shown } from "./frame.ts";
import type { Judging } from "./judgement.ts";
import { resolve, resolveKey, type Scope } from "./membership.ts";
import { type Expected, expectOutcome, type World } from "./outcomes.ts";
import { splitBindings } from "./protocol.ts";
import { type Act, type Link, NEVER } from "./recording.ts";

type ReplyEffect = Extract<Effect, { kind: "reply" }>;
type ChangeEffect = Extract<Effect, { kind: "add" | "remove" }>;

export function checkReplies(world: World, judging: Judging) {
  for (const act of world.recording.acts) {
    if (act.ambiguous) continue;
    if (act.malformed !== undefined) checkMalformed(world, act, judging);
    else if (act.operation?.reply !== undefined) checkReply(world, act, judging);
    else for (const requirement of expectOutcome(world, act).held) judging.cover(requirement.pointer);
  }
  for (const link of world.recording.links.values()) checkLooseErrors(world, link, judging);
}

function checkReply(world: World, act: Act, judging: Judging) {
  const { operation, reply, link } = act;
  if (operation === undefined) return;
  const later = link.fences.find((fence) => fence.sentAt > act.sentAt);
  if (reply === undefined) {
    const what = `one reply to ${operation.id}, before the reply to the fence that was sent after it`;
    if (later !== undefined) {
      judging.check(false, "reply-exactly-one", operation.pointer, what, "none", [act.sentAt, later.sentAt, later.answeredAt]);
    } else if (link.hungUpAt === NEVER && link.closedAt === NEVER) {
      judging.wait({
        rule: "reply-exactly-one",
        pointer: operation.pointer,
        connection: link.id,
        expected: `a reply to ${operation.id}`,
      });
    }
    return;
  }
  const extra = act.extraReplies;
  judging.check(
    extra.length === 0,
    "reply-exactly-one",
    operation.pointer,
    `one reply to ${operation.id}`,
    `${1 + extra.length}`,
    [...[act.sentAt, reply.at], ...extra],
  );
  if (later !== undefined) {
    const pointer = world.protocol.channel.delivery?.pointer ?? operation.pointer;
    const actual = `it came after the reply to a fence that was sent later`;
    const events = [act.sentAt, later.sentAt, later.answeredAt, reply.at];
    judging.check(
      reply.at < later.answeredAt,
      "fence-in-order",
      pointer,
      `the reply to ${operation.id} before that of the fence`,
      actual,
      events,
    );
  }
  const expected = expectOutcome(world, act);
  if (act.outcome === "done") checkSuccess(world, act, expected, judging);
  else checkRefusal(world, act, expected, judging);
}

function checkSuccess(world: World, act: Act, expected: Expected, judging: Judging) {
  const { operation, reply } = act;
  if (operation === undefined || reply === undefined) return;
  const events = [act.sentAt, reply.at];
  const failed = expected.refusals.at(-1);
  if (!expected.mayPass && failed !== undefined) {
    const wanted = expected.refusals.map(({ requirement }) => requirement.else).join(" or ");
    judging.check(
      false,
      "requirement-is-enforced",
      failed.requirement.pointer,
      `the error ${wanted}`,
      reply.message.name,
      events,
    );
    return;
  }
  for (const requirement of expected.held) judging.cover(requirement.pointer);
  judging.decide("no-internal-error");
  if (expected.refusals.length === 0) judging.decide("allowed-is-not-refused");
  const effects = operation.effects.filter((effect): effect is ReplyEffect => effect.kind === "reply");
  const effect = effects.find((candidate) => candidate.message === reply.message.name);
  const names = effects.length > 0 ? effects.map(({ message }) => message) : (operation.reply ?? []);
  const pointer = effects[0]?.pointer ?? operation.pointer;
  judging.check(
    names.includes(reply.message.name),
    "reply-matches-effect",
    pointer,
    names.join(" or "),
    reply.message.name,
    events,
  );
  if (effect === undefined) return;
  judging.cover(effect.pointer);
  checkFields(world, act, effect, judging);
}

function checkFields(world: World, act: Act, effect: ReplyEffect, judging: Judging) {
  const frame = act.reply?.frame;
  const events = [act.sentAt, act.reply?.at ?? act.sentAt];
  const scope: Scope = { link: act.link, frame: act.frame, key: new Map() };
  const { fixed, counts } = splitBindings(effect.bindings);
  for (const [pointer, value] of fixed) {
    const wanted = resolve(value, scope);
    const got = lookup(frame, pointer);
    const same = canonical(wanted) === canonical(got);
    judging.check(same, "reply-fields-match", effect.pointer, `${shown(wanted)} at ${pointer}`, shown(got), events);
  }
  const change = act.operation?.effects.find(
    (candidate): candidate is ChangeEffect => candidate.kind === "add" || candidate.kind === "remove",
  );
  const key = change === undefined ? new Map() : resolveKey(change.where, scope);
  for (const { pointer, relation } of counts) {
    const { least, most } = countRange(world, relation, key, act.link, act, act.sentAt, act.settledAt);
    const got = lookup(frame, pointer);
    const fits = typeof got === "number" && got >= least && got <= most;
    const wanted = least === most ? `${least} at ${pointer}` : `${least} to ${most} at ${pointer}`;
    judging.check(fits, "count-in-range", effect.pointer, wanted, shown(got), events);
  }
}

function checkRefusal(world: World, act: Act, expected: Expected, judging: Judging) {
  const { operation, reply } = act;
  if (operation === undefined || reply === undefined) return;
  const events = [act.sentAt, reply.at];
  const declared = world.protocol.contract.errors?.codes.find(({ code }) => code === reply.error);
  if (declared?.when === "unavailable") {
    judging.inconclusive.push(`${operation.id} was answered with ${declared.code}`);
    return;
  }
  if (declared?.when === "internal") {
    judging.check(false, "no-internal-error", declared.pointer, `no ${declared.code}`, shown(reply.frame), events);
    return;
  }
  checkErrorFlags(world, act, judging);
  const found = expected.refusals.find(({ requirement }) => requirement.else === reply.error);
  if (found?.certain === true) {
    judging.cover(found.requirement.pointer);
    if (declared !== undefined) judging.cover(declared.pointer);
  }
  if (expected.refusals.length === 0) {
    const wanted = `success of ${operation.id}: all that it requires holds`;
    judging.check(false, "allowed-is-not-refused", operation.pointer, wanted, `the error ${shown(reply.error)}`, events);
    return;
  }
  const wanted = expected.refusals.map(({ requirement }) => requirement.else).join(" or ");
  const pointer = expected.refusals.at(-1)?.requirement.pointer ?? operation.pointer;
  judging.decide("requirement-is-enforced");
  judging.check(
    found !== undefined,
    "error-by-first-failed-requirement",
    pointer,
    `the error ${wanted}`,
    shown(reply.error),
    events,
  );
}

function checkErrorFlags({ protocol }: World, act: Act, judging: Judging) {
  const errors = protocol.contract.errors;
  const declared = errors?.codes.find(({ code }) => code === act.reply?.error);
  // Over HTTP the error stands elsewhere: rules of its own look at it.
  if (errors?.reply.retryable === undefined || declared === undefined || act.reply === undefined || act.link.http) return;
  const got = lookup(act.reply.frame, errors.reply.retryable);
  const wanted = `${declared.retryable} at ${errors.reply.retryable} of ${declared.code}`;
  judging.check(got === declared.retryable, "error-retryable-as-declared", declared.pointer, wanted, shown(got), [
    act.sentAt,
    act.reply.at,
  ]);
}

/** A frame that is no message of the protocol is answered with the error for that, with its id where it has a usable one. */
function checkMalformed(world: World, act: Act, judging: Judging) {
  const code = world.protocol.contract.errors?.codes.find(({ when }) => when === act.malformed);
  if (code === undefined) return;
  const later = act.link.fences.find((fence) => fence.sentAt > act.sentAt);
  const loose = looseErrors(world, act.link).find((error) => error.at > act.sentAt && error.code === code.code);
  const got = act.reply?.error ?? loose?.code;
  const events = [act.sentAt, act.reply?.at ?? loose?.at ?? later?.answeredAt ?? act.sentAt];
  if (act.reply === undefined && loose === undefined) {
    if (later === undefined) return;
    judging.check(
      false,
      "malformed-is-refused",
      code.pointer,
      `the error ${code.code}`,
      "none before the reply to a later fence",
      events,
    );
    return;
  }
  const limited = world.protocol.channel.rateLimits.some((limit) => limit.error === got);
  if (got === code.code) judging.cover(code.pointer);
  judging.check(got === code.code || limited, "malformed-is-refused", code.pointer, `the error ${code.code}`, shown(got), events);
}

interface LooseError {
  readonly at: number;
  readonly code: unknown;
}

/** Errors that name no request. */
function looseErrors({ protocol }: World, link: Link): LooseError[] {
  const errors = protocol.contract.errors?.reply;
  if (errors?.message === undefined) return [];
  return link.received
    .filter(
      ({ message, act, frame }) =>
        message?.name === errors.message && act === undefined && idOf(message?.correlation, frame) === undefined,
    )
    .map(({ at, frame }) => ({ at, code: lookup(frame, errors.code ?? "") }));
}

const idOf = (correlation: string | undefined, frame: unknown) =>
  correlation === undefined ? undefined : lookup(frame, correlation);

/** Errors without an id answer operations that promise no reply, and malformed frames; at every moment at most as many as there were causes. */
function checkLooseErrors(world: World, link: Link, judging: Judging) {
  const spent = new Map<unknown, number>();
  for (const { at, code } of looseErrors(world, link)) {
    const causes = link.acts.filter((act) => act.sentAt < at && mayBeRefusedLoosely(world, act, code));
    const used = (spent.get(code) ?? 0) + 1;
    spent.set(code, used);
    const silent = link.acts.find((act) => act.sentAt < at && act.operation !== undefined && act.operation.reply === undefined);
    if (used <= causes.length) {
      judging.decide("error-by-first-failed-requirement");
      const requirement = causes[used - 1]?.operation?.requires.find((candidate) => candidate.else === code);
      if (requirement !== undefined) judging.cover(requirement.pointer);
    } else if (silent !== undefined) {
      const wanted = `no error: all that ${silent.operation?.id} requires holds`;
      judging.check(false, "allowed-is-not-refused", silent.operation?.pointer ?? "#", wanted, `the error ${shown(code)}`, [
        silent.sentAt,
        at,
      ]);
    } else {
      const pointer = world.protocol.contract.errors?.codes.find((candidate) => candidate.code === code)?.pointer ?? "#/x-errors";
      judging.check(false, "unexpected-message", pointer, "no error that answers nothing", `the error ${shown(code)}`, [at]);
    }
  }
}

function mayBeRefusedLoosely(world: World, act: Act, code: unknown): boolean {
  const declared = world.protocol.contract.errors?.codes.find((candidate) => candidate.code === code);
  if (declared?.when === "unavailable" || declared?.when === "internal") return true;
  if (act.malformed !== undefined) return declared?.when === act.malformed;
  if (act.operation === undefined || act.operation.reply !== undefined) return false;
  return expectOutcome(world, act).refusals.some(({ requirement }) => requirement.else === code);
}
