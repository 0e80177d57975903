// What takes time: the end of a credential, and a client that does not read. The times are those that the target advertises.

import type { Limit, Operation } from "../../../../spec/contract.ts";
import type { ContractUnderTest } from "../../../client/context.ts";
import { withValueAt } from "../../../client/messages.ts";
import { satisfyPreconditions } from "../../../client/preconditions.ts";
import type { Closed } from "../../../client/received.ts";
import { NotTestable, Violation } from "../../../schema/errors.ts";
import type { Context } from "../../context.ts";
import { faults } from "../../faults/fault.ts";
import { type Clause, type Rule, rule } from "../../rule.ts";
import { mustBeAlive, patient, slackMs } from "./heartbeats.ts";

type Grace = Extract<Limit, { kind: "credential-grace" }>;
interface GracePromise extends Clause {
  readonly limit: Grace;
}

function graces({ channel }: ContractUnderTest): readonly GracePromise[] {
  return channel.limits.flatMap((limit) =>
    limit.kind === "credential-grace" && limit.close !== undefined
      ? [{ pointer: limit.pointer, text: limit.description, limit }]
      : [],
  );
}

function renewing({ contract, channel }: ContractUnderTest): Operation | undefined {
  return contract.operations.find(
    (operation) => operation.channel === channel.id && operation.effects.some(({ kind }) => kind === "renew"),
  );
}

/** Whole seconds, because that is what a JWT can say. */
const lifetimeSeconds = 2;

type Queue = Extract<Limit, { kind: "queued-bytes" }>;
interface QueuePromise extends Clause {
  readonly limit: Queue;
}

/** Limits that hold at once; those that hold only for some time are reached on the way. */
function queues({ channel }: ContractUnderTest): readonly QueuePromise[] {
  return channel.limits.flatMap((limit) =>
    limit.kind === "queued-bytes" && limit.close !== undefined && limit.forMs === 0
      ? [{ pointer: limit.pointer, text: limit.description, limit }]
      : [],
  );
}

/** A request whose reply is as long as the server reads: the fence's reply gives back a value that no schema bounds. */
function bulkyRequest(context: Context): {
  readonly name: string;
  readonly message: unknown;
  readonly correlation: string;
} {
  const operation = context.contract.operations.find(({ id }) => id === context.channel.delivery?.fence);
  const name = operation?.messages[0];
  const reply = operation?.effects.find((effect) => effect.kind === "reply");
  if (name === undefined || reply?.kind !== "reply") throw new NotTestable("no operation gives back what it was sent");
  const bytes = Math.min(
    60_000,
    ...context.channel.limits.flatMap((limit) => (limit.kind === "message-bytes" ? [context.effective(limit) - 1_000] : [])),
  );
  for (const value of reply.bindings.values()) {
    if (value.kind !== "message") continue;
    const message = withValueAt(context.example(name), value.pointer, "x".repeat(bytes));
    const correlation = context.message(name).correlation;
    if (context.wrongWith(name, message).length === 0 && correlation !== undefined) return { name, message, correlation };
  }
  throw new NotTestable("no operation gives back a value that may be long");
}

const notReadingForMs = [500, 2_000, 4_000, 6_000, 9_000];

/** A client that asks for much and reads nothing for some time; how its connection ended, once it reads again. */
async function stopReading(context: Context, ms: number): Promise<Closed | undefined> {
  const { name, message, correlation } = bulkyRequest(context);
  const slow = await context.dial();
  const fence = context.channel.delivery?.fence;
  const rates = context.contract.operations
    .find(({ id }) => id === fence)
    ?.requires.flatMap((one) => (one.kind === "rate" ? [one.limit] : []));
  const bucket = context.channel.rateLimits.find(({ name }) => rates?.includes(name));
  const { burst, perSecond } = bucket === undefined ? { burst: 100, perSecond: 20 } : context.effective(bucket);
  const ask = () => slow.send(withValueAt(message, correlation, context.id(name)));
  slow.pause();
  const untilMs = context.clock.nowMs() + ms;
  for (let count = 0; count < burst; count++) ask();
  while (context.clock.nowMs() < untilMs) {
    await context.clock.sleep(1000 / perSecond);
    ask();
  }
  slow.resume();
  const lateMs = context.clock.nowMs() + Math.min(context.timeoutMs, 2_000);
  while (slow.closed === undefined && context.clock.nowMs() < lateMs) await context.clock.sleep(50);
  return slow.closed;
}

export const timeRules: readonly Rule[] = [
  rule<GracePromise>({
    id: "limits-credential-expired-closed",
    level: "MUST",
    phase: "limits",
    title: "closes with the declared code when the credential has expired, after the grace period and not before",
    from: graces,
    async check(context, { limit }) {
      const expiresAtMs = context.clock.nowMs() + lifetimeSeconds * 1000;
      const peer = await context.dial({ user: await context.user({ lifetimeSeconds }) });
      const graceMs = patient(context.effective(limit));
      const { atMs } = await peer.closes({ code: limit.close!, withinMs: lifetimeSeconds * 1000 + graceMs + slackMs });
      // A JWT has whole seconds, so the end may come up to one earlier than we asked for.
      if (atMs < expiresAtMs - 1_000 + graceMs) {
        throw new Violation(`a grace of ${graceMs} ms`, `close ${Math.round(expiresAtMs + graceMs - atMs)} ms too early`);
      }
    },
    waitsMs: (context, { limit }) => lifetimeSeconds * 1000 + context.effective(limit),
    brokenBy: ({ limit }) => [faults.neverCloses(limit.close!), faults.changesCloseCode(limit.close!, 1000)],
  }),

  rule<GracePromise>({
    id: "limits-credential-renewed-kept",
    level: "MUST",
    phase: "limits",
    title: "keeps a connection whose credential was renewed",
    from: (subject) => (renewing(subject) === undefined ? [] : graces(subject)),
    async check(context, { limit }) {
      const peer = await context.dial({ user: await context.user({ lifetimeSeconds }) });
      const graceMs = patient(context.effective(limit));
      const reply = await peer.request(await satisfyPreconditions(context, peer, renewing(context)!));
      const code = context.errorCode(reply);
      if (code !== undefined) throw new Violation("the renewal to succeed", `the error ${code}`);
      await context.clock.sleep(lifetimeSeconds * 1000 + graceMs + 1_000);
      context.judged();
      await mustBeAlive(peer);
    },
    waitsMs: (context, { limit }) => lifetimeSeconds * 1000 + context.effective(limit) + 1_000,
    brokenBy: (_, subject) => {
      const { id, messages } = renewing(subject)!;
      return faults.pretends(id, messages[0]!);
    },
  }),

  rule<QueuePromise>({
    id: "limits-slow-consumer-closed",
    level: "MUST",
    phase: "limits",
    alone: true,
    title: "closes a slow consumer with the declared code and keeps serving others",
    from: (subject) => (subject.channel.delivery?.fence === undefined ? [] : queues(subject)),
    async check(context, { limit }) {
      const controlConnection = await context.dial({ stays: true });
      // When the queue is over its limit cannot be seen from outside, and a server waits only so long for the close to be read. So
      // several clients stop reading for different times: one of them looks soon enough after its connection was closed.
      const ends = await Promise.all(notReadingForMs.map((ms) => stopReading(context, ms)));
      await mustBeAlive(controlConnection);
      context.judged(ends.length);
      if (ends.some((closed) => closed?.code === limit.close)) return;
      if (ends.every((closed) => closed?.code === 1006)) {
        // TCP throws away what was not read when a reset comes: the close frame may have been there.
        throw new NotTestable("each connection ended in a reset before the harness had read all of it");
      }
      const seen = [...new Set(ends.map((closed) => (closed === undefined ? "an open connection" : `close ${closed.code}`)))];
      throw new Violation(`close ${limit.close}`, seen.join(" or "));
    },
    waitsMs: () => 10_000,
    // Not by the proxy: its own buffers take what the client does not read.
    brokenBy: () => [faults.server("queue-unbounded"), faults.server("queue-closes-normally")],
  }),

  rule({
    id: "limits-first-message-in-time",
    level: "MUST",
    phase: "limits",
    title: "closes with the declared code when the first message is late",
    from: ({ channel }) =>
      channel.limits
        .filter((limit) => limit.kind === "first-message" && limit.close !== undefined)
        .map(({ pointer, description }) => ({ pointer, text: description })),
    async check(context, { pointer }) {
      const limit = context.channel.limits.find((one) => one.pointer === pointer)!;
      const peer = await context.dial({ awaitFirst: false });
      await peer.closes({ code: limit.close!, withinMs: patient(context.effective(limit)) + slackMs });
    },
    waitsMs: (context, { pointer }) => context.effective(context.channel.limits.find((one) => one.pointer === pointer)!),
    brokenBy: ({ pointer }, { channel }) => faults.neverCloses(channel.limits.find((one) => one.pointer === pointer)!.close!),
  }),

  rule<GracePromise>({
    id: "limits-credential-grace-served",
    level: "MUST",
    phase: "limits",
    title: "serves a connection during the grace period, so that it can renew its credential",
    from: (subject) => (renewing(subject) === undefined ? [] : graces(subject)),
    async check(context, { limit }) {
      const graceMs = patient(context.effective(limit));
      if (graceMs < 2_000) throw new NotTestable(`a grace of ${graceMs} ms is too short to be met from outside`);
      const peer = await context.dial({ user: await context.user({ lifetimeSeconds }) });
      await context.clock.sleep(lifetimeSeconds * 1000 + 200);
      const code = context.errorCode(await peer.request(await satisfyPreconditions(context, peer, renewing(context)!)));
      if (code !== undefined) throw new Violation("the renewal to succeed during the grace", `the error ${code}`);
      context.judged();
    },
    waitsMs: () => lifetimeSeconds * 1000 + 200,
    brokenBy: (_, subject) => faults.swallowsReply(renewing(subject)!.id),
  }),
];
