// x-rate-limits: the burst is admitted, what is beyond it is refused, and the time to wait is the truth.
import type { Operation, RateLimit } from "../../../../spec/contract.ts";
import { lookup } from "../../../../spec/pointer.ts";
import { Violation } from "../../../errors.ts";
import { type Fault, faults } from "../../../faults/fault.ts";
import type { Context } from "../../context.ts";
import { withValueAt } from "../../messages.ts";
import type { Peer, Received, User } from "../../peer.ts";
import { reach, userFor } from "../../reach.ts";
import { NotTestable, type Promised, type Rule, rule, type Subject } from "../../rule.ts";

interface RatePromise extends Promised {
  readonly limit: RateLimit;
}

function operationsUnder({ contract, channel }: Subject, limit: RateLimit): readonly Operation[] {
  return contract.operations.filter(
    (operation) =>
      operation.action === "receive" &&
      operation.channel === channel.id &&
      operation.reply !== undefined &&
      operation.requires.some((requirement) => requirement.kind === "rate" && requirement.limit === limit.name),
  );
}

/** An operation with a reply that only other rate limits can refuse. */
function operationNotUnder({ contract, channel }: Subject, limit: RateLimit): Operation | undefined {
  return contract.operations.find(
    (operation) =>
      operation.channel === channel.id &&
      operation.action === "receive" &&
      operation.reply !== undefined &&
      operation.requires.length > 0 &&
      operation.requires.every((requirement) => requirement.kind === "rate" && requirement.limit !== limit.name),
  );
}

function retryAfterBecomes({ contract }: Subject, ms: number): Fault {
  const { message, retryAfterMs } = contract.errors!.reply;
  return faults.changesField(message!, retryAfterMs!, ms);
}

/** Limits that some operation with a reply on the WebSocket channel is under, of this kind of scope. */
function limitsOf(scope: "connection" | "shared" | "any"): (subject: Subject) => readonly RatePromise[] {
  return (subject) =>
    subject.channel.rateLimits
      .filter((limit) => scope === "any" || (limit.scope === "connection") === (scope === "connection"))
      .filter((limit) => operationsUnder(subject, limit).length > 0)
      .map((limit) => ({ pointer: limit.pointer, says: limit.description, limit }));
}

/** Ready to send messages that only rate limits can refuse. */
interface Sender {
  readonly peer: Peer;
  readonly operation: Operation;
  readonly message: unknown;
  /** Messages under the limit that were sent to get here. */
  readonly used: number;
}

/** Prefers an operation that needs nothing to come before it, so that the bucket is full. */
async function senderUnder(context: Context, limit: RateLimit, user?: User): Promise<Sender> {
  const operation = easiestUnder(context, limit);
  const peer = await context.dial({ user: user ?? (await userFor(context, operation)) });
  const before = sentCount(context, peer);
  const message = await reach(context, peer, operation);
  const sameBucket = operation.requires.every(({ kind }) => kind !== "relation");
  return { peer, operation, message, used: sameBucket ? 0 : countUnder(context, peer, limit, before) };
}

function easiestUnder(subject: Subject, limit: RateLimit): Operation {
  return [...operationsUnder(subject, limit)].sort((a, b) => preparations(a) - preparations(b))[0]!;
}

function preparations({ requires }: Operation): number {
  return requires.filter(({ kind }) => kind !== "rate").length;
}

function sentCount(context: Context, peer: Peer): number {
  return context.history().filter(({ kind, connection }) => kind === "send" && connection === peer.connection).length;
}

/** Messages of the connection since `from` whose operation is under the limit. */
function countUnder(context: Context, peer: Peer, limit: RateLimit, from: number): number {
  const names = new Set(operationsUnder(context, limit).flatMap(({ messages }) => messages));
  return context
    .history()
    .filter(({ kind, connection }) => kind === "send" && connection === peer.connection)
    .slice(from)
    .filter((event) => {
      const name = event.kind === "send" ? context.read(JSON.stringify(event.frame), "fromClient").name : undefined;
      return name !== undefined && names.has(name);
    }).length;
}

interface Answer {
  readonly sentAtMs: number;
  readonly reply: Received;
  readonly code: string | undefined;
}

/** Sends `count` copies at once and waits for each reply. */
async function flood(context: Context, { peer, operation, message }: Sender, count: number): Promise<readonly Answer[]> {
  const correlation = context.message(operation.messages[0]!).correlation;
  if (correlation === undefined)
    throw new NotTestable(`the message of ${operation.id} has no correlationId, so its replies cannot be told apart`);
  const sent = Array.from({ length: count }, () => {
    const id = context.id();
    const atMs = context.clock.nowMs();
    peer.send(withValueAt(message, correlation, id));
    return { id, atMs };
  });
  const answers: Answer[] = [];
  for (const { id, atMs } of sent) {
    const reply = await peer.reply(id);
    answers.push({ sentAtMs: atMs, reply, code: context.errorCode(reply) });
  }
  return answers;
}

function retryAfterMs(context: Context, { reply }: Answer): number {
  const pointer = context.contract.errors?.reply.retryAfterMs ?? "";
  const value = lookup(reply.value, pointer);
  if (typeof value !== "number") throw new Violation(`the time to wait at ${pointer} of a refusal for its rate`, reply.text);
  return value;
}

/**
 * Demands that never more was admitted than the burst and what was refilled since. Judged at each reply: what was answered by then
 * was admitted by then and, at the earliest, when the first was sent, so that this refill is the most that there can have been.
 * @param spent admitted before, at `sinceMs` at the earliest
 */
function demandWithin(
  { burst, perSecond }: { readonly burst: number; readonly perSecond: number },
  answers: readonly Answer[],
  error: string,
  { sinceMs = answers[0]!.sentAtMs, spent = 0 } = {},
): void {
  const admitted = answers.filter(({ code }) => code !== error).sort((a, b) => a.reply.atMs - b.reply.atMs);
  for (const [at, { reply }] of admitted.entries()) {
    const tookMs = reply.atMs - sinceMs;
    // The server's clock may count whole ms.
    const atMost = burst - spent + Math.floor((perSecond * (tookMs + 1)) / 1000);
    if (at + 1 > atMost) {
      throw new Violation(
        `at most ${atMost} messages to be admitted in ${Math.round(tookMs)} ms`,
        `${at + 1} admitted, ${admitted.length} of ${answers.length} in all`,
      );
    }
  }
}

function offByOneOrMore({ limit }: RatePromise, subject: Subject): readonly Fault[] {
  return [faults.acceptsRefused(easiestUnder(subject, limit).id, limit.error), faults.server("rate-admits-one-more")];
}

/** How many beyond the burst are worth sending: enough to outrun the refill, fewer than would close the connection. */
function beyond(context: Context, perSecond: number, error: string): number {
  const strikes = context.channel.limits.flatMap((limit) =>
    limit.kind === "errors" && limit.errors.includes(error) ? [context.effective(limit)] : [],
  );
  return Math.max(1, Math.min(5 + Math.ceil(perSecond), ...strikes.map((value) => value - 1)));
}

/** The smallest burst of the connection's own limits that the operation is under as well. */
function otherBurst(context: Context, operation: Operation, limit: RateLimit): number {
  const others = context.channel.rateLimits.filter(
    (other) =>
      other.name !== limit.name &&
      other.scope === "connection" &&
      operation.requires.some((requirement) => requirement.kind === "rate" && requirement.limit === other.name),
  );
  return Math.min(Number.MAX_SAFE_INTEGER, ...others.map((other) => context.effective(other).burst));
}

export const rateRules: readonly Rule[] = [
  rule<RatePromise>({
    id: "limits-rate-burst-admitted",
    level: "MUST",
    phase: "limits",
    title: "admits the whole burst at once",
    from: limitsOf("connection"),
    async check(context, { limit }) {
      const { burst } = context.effective(limit);
      const sender = await senderUnder(context, limit);
      const answers = await flood(context, sender, Math.max(1, burst - sender.used));
      const refused = answers.filter(({ code }) => code === limit.error).length;
      if (refused > 0)
        throw new Violation(
          `${answers.length} messages at once to be admitted`,
          `${refused} of them refused with ${limit.error}`,
        );
    },
    brokenBy: ({ limit }, subject) => {
      const { id, messages } = easiestUnder(subject, limit);
      return [faults.refuses(id, messages[0]!, limit.error, { everyNth: 3 }), faults.server("rate-admits-one-fewer")];
    },
  }),

  rule<RatePromise>({
    id: "limits-rate-beyond-refused",
    level: "MUST",
    phase: "limits",
    title: "refuses what is beyond the burst and what has been refilled since",
    from: limitsOf("connection"),
    async check(context, { limit }) {
      const { burst, perSecond } = context.effective(limit);
      let tries = 0;
      let outran = true;
      for (let isSharp = false; !isSharp && tries < 3; tries++) {
        const sender = await senderUnder(context, limit);
        const answers = await flood(context, sender, burst + beyond(context, perSecond, limit.error));
        demandWithin(context.effective(limit), answers, limit.error);
        outran = answers.every(({ code }) => code !== limit.error);
        // One too many is seen only where it was answered before the first refill; on a busy machine it may not be.
        isSharp = !outran && answers[burst]!.reply.atMs - answers[0]!.sentAtMs < 1000 / perSecond;
      }
      if (outran) throw new NotTestable(`the refill of ${perSecond} a second outran us, ${tries} times`);
    },
    brokenBy: offByOneOrMore,
  }),

  rule<RatePromise>({
    id: "limits-rate-retry-after-honoured",
    level: "MUST",
    phase: "limits",
    title: "admits the same message once the time to wait has passed",
    from: (subject) => (subject.contract.errors?.reply.retryAfterMs === undefined ? [] : limitsOf("connection")(subject)),
    async check(context, { limit }) {
      const { burst, perSecond } = context.effective(limit);
      const sender = await senderUnder(context, limit);
      const refused = (await flood(context, sender, burst + beyond(context, perSecond, limit.error))).filter(
        ({ code }) => code === limit.error,
      );
      const last = refused.at(-1);
      if (last === undefined) throw new NotTestable("nothing was refused");
      const waitMs = retryAfterMs(context, last);
      await context.clock.sleep(last.reply.atMs + waitMs + 50 - context.clock.nowMs());
      const [again] = await flood(context, sender, 1);
      if (again!.code === limit.error) {
        throw new Violation(
          `the message to be admitted after the ${waitMs} ms that the server asked for`,
          `the error ${limit.error} again`,
        );
      }
    },
    waitsMs: (context, { limit }) => 1000 / context.effective(limit).perSecond + 50,
    // Once the burst is used up, everything is refused for good.
    brokenBy: ({ limit }, subject) => {
      const { id, messages } = easiestUnder(subject, limit);
      return faults.refuses(id, messages[0]!, limit.error, { fromNth: limit.burst });
    },
  }),

  rule<RatePromise>({
    id: "limits-rate-retry-after-exact",
    level: "MUST",
    phase: "limits",
    title: "asks for no longer a wait than the refill of one message takes, and refuses before it has passed",
    from: (subject) => (subject.contract.errors?.reply.retryAfterMs === undefined ? [] : limitsOf("connection")(subject)),
    async check(context, { limit }) {
      const { burst, perSecond } = context.effective(limit);
      const sender = await senderUnder(context, limit);
      const refused = (await flood(context, sender, burst + beyond(context, perSecond, limit.error))).filter(
        ({ code }) => code === limit.error,
      );
      const last = refused.at(-1);
      if (last === undefined) throw new NotTestable("nothing was refused");
      const waitMs = retryAfterMs(context, last);
      const longestMs = Math.ceil(1000 / perSecond);
      if (waitMs > longestMs || waitMs < 0) throw new Violation(`a wait from 0 to ${longestMs} ms`, `${waitMs} ms`);
      const [again] = await flood(context, sender, 1);
      // Judged only where the answer came before the wait was over, counted from when the refused message was sent.
      if (again!.code !== limit.error && again!.reply.atMs < last.sentAtMs + waitMs) {
        throw new Violation(
          `a refusal until ${waitMs} ms have passed`,
          `the message admitted after ${Math.round(again!.reply.atMs - last.sentAtMs)} ms`,
        );
      }
    },
    brokenBy: (_, subject) => retryAfterBecomes(subject, 3_600_000),
  }),

  rule<RatePromise>({
    id: "limits-rate-neighbour-admitted",
    level: "MUST",
    phase: "limits",
    title: "does not make others pay for one who sends too much",
    from: limitsOf("any"),
    async check(context, { limit }) {
      const { perSecond } = context.effective(limit);
      const offender = await senderUnder(context, limit);
      const neighbour = await senderUnder(context, limit);
      const burst = Math.min(context.effective(limit).burst, otherBurst(context, offender.operation, limit));
      await flood(context, offender, burst + beyond(context, perSecond, limit.error));
      const [answer] = await flood(context, neighbour, 1);
      if (answer!.code === limit.error)
        throw new Violation("the message of another user to be admitted", `the error ${limit.error}`);
    },
    brokenBy: ({ limit }, subject) => {
      const { id, messages } = easiestUnder(subject, limit);
      return faults.refuses(id, messages[0]!, limit.error);
    },
  }),

  rule<RatePromise>({
    id: "limits-rate-other-bucket-free",
    level: "MUST",
    phase: "limits",
    title: "counts operations of another limit apart",
    from: (subject) => limitsOf("connection")(subject).filter(({ limit }) => operationNotUnder(subject, limit) !== undefined),
    async check(context, { limit }) {
      const { burst, perSecond } = context.effective(limit);
      const sender = await senderUnder(context, limit);
      const other = operationNotUnder(context, limit);
      if (other === undefined) throw new NotTestable("no operation is under other limits alone");
      await flood(context, sender, burst + beyond(context, perSecond, limit.error));
      const reply = await sender.peer.request(await reach(context, sender.peer, other));
      const code = context.errorCode(reply);
      if (code === limit.error) throw new Violation(`${other.id} to be admitted`, `the error ${code}`);
    },
    brokenBy: ({ limit }, subject) => {
      const { id, messages } = operationNotUnder(subject, limit)!;
      return faults.refuses(id, messages[0]!, limit.error);
    },
  }),

  rule<RatePromise>({
    id: "limits-rate-shared-by-scope",
    level: "MUST",
    phase: "limits",
    title: "counts the connections of one user together",
    from: limitsOf("shared"),
    async check(context, { limit }) {
      const { burst, perSecond } = context.effective(limit);
      const operation = easiestUnder(context, limit);
      const user = await userFor(context, operation);
      const each = otherBurst(context, operation, limit);
      const total = burst + beyond(context, perSecond, limit.error);
      const sinceMs = context.clock.nowMs();
      const senders: Sender[] = [];
      // All connections are made ready first, so that little is refilled while the messages are sent.
      while (senders.length < Math.ceil(total / each)) senders.push(await senderUnder(context, limit, user));
      const spent = senders.reduce((sum, { used }) => sum + used, 0);
      const answers: Answer[] = [];
      for (const sender of senders)
        answers.push(...(await flood(context, sender, Math.min(each, total - spent - answers.length))));
      const admitted = answers.filter(({ code }) => code !== limit.error).length;
      if (admitted + spent < burst)
        throw new Violation(`${burst - spent} messages of one user to be admitted`, `${admitted} admitted`);
      demandWithin(context.effective(limit), answers, limit.error, spent === 0 ? {} : { sinceMs, spent });
      if (admitted === answers.length) throw new NotTestable(`the refill of ${perSecond} a second outran us`);
    },
    brokenBy: (promise, subject) => [...offByOneOrMore(promise, subject), faults.server("rate-admits-one-fewer")],
  }),
];
