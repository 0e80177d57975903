// What takes time: the end of a credential, and a client that does not read. The times are those that the target advertises.

import type { Limit, Operation } from "../../../../spec/contract.ts";
import type { ContractUnderTest } from "../../../client/context.ts";
import { satisfyPreconditions } from "../../../client/preconditions.ts";
import { NotTestable, Violation } from "../../../schema/errors.ts";
import { faults } from "../../faults/fault.ts";
import { type Clause, type Rule, rule } from "../../rule.ts";
import { mustBeAlive, patient, slackMs } from "./heartbeats.ts";
import { bucketOf, bulkyRequest, freeRequests, type SlowReading, stopReading } from "./slow-reader.ts";

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

/** Where a rate keeps the queue from being filled at once, the limit is reached late. */
const notReadingForMs = { unlimited: [500, 1_500, 3_000], limited: [500, 2_000, 4_000, 6_000, 9_000] };

/** How long the client that wants all replies does not read. */
const notReadingMs = 1_000;

interface RequestPromise extends Clause {
  readonly operation: Operation;
}

/** A request that no rate keeps from filling the queue, whatever the document says about queues. */
function unlimitedRequests(subject: ContractUnderTest): readonly RequestPromise[] {
  const [operation] = unlimited(subject);
  return operation === undefined ? [] : [{ pointer: operation.pointer, operation }];
}

function unlimited(subject: ContractUnderTest): readonly Operation[] {
  return freeRequests(subject).filter((one) => bucketOf(subject, one) === undefined);
}

function describeReading({ closeCode, sent, missing }: SlowReading): string {
  if (closeCode !== undefined) return `close ${closeCode}`;
  return missing === 0 ? "an open connection" : `an open connection on which ${missing} of ${sent} replies are missing`;
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
      const client = await context.dial({ user: await context.user({ lifetimeSeconds }) });
      const graceMs = patient(context.effective(limit));
      const { atMs } = await client.closes({ code: limit.close!, withinMs: lifetimeSeconds * 1000 + graceMs + slackMs });
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
      const client = await context.dial({ user: await context.user({ lifetimeSeconds }) });
      const graceMs = patient(context.effective(limit));
      const reply = await client.request(await satisfyPreconditions(context, client, renewing(context)!));
      const code = context.errorCode(reply);
      if (code !== undefined) throw new Violation("the renewal to succeed", `the error ${code}`);
      await context.clock.sleep(lifetimeSeconds * 1000 + graceMs + 1_000);
      context.judged();
      await mustBeAlive(client);
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
      const request = bulkyRequest(context);
      const queueBytes = context.effective(limit);
      const times = request.bucket === undefined ? notReadingForMs.unlimited : notReadingForMs.limited;
      let isDecided = false;
      const ends = await Promise.all(
        times.map(async (ms) => {
          const end = await stopReading(context, request, ms, queueBytes, () => isDecided);
          isDecided ||= end.closeCode === limit.close;
          return end;
        }),
      );
      await mustBeAlive(controlConnection);
      context.judged(ends.length);
      if (isDecided) return;
      if (ends.every(({ closeCode }) => closeCode === 1006)) {
        // TCP throws away what was not read when a reset comes: the close frame may have been there.
        throw new NotTestable("each connection ended in a reset before the harness had read all of it");
      }
      const seen = [...new Set(ends.map(describeReading))];
      throw new Violation(`close ${limit.close}`, seen.join(" or "));
    },
    waitsMs: () => 10_000,
    // Not by the proxy: its own buffers take what the client does not read.
    brokenBy: () => [faults.server("queue-unbounded"), faults.server("queue-closes-normally")],
  }),

  rule<RequestPromise>({
    id: "limits-slow-reader-complete",
    level: "MUST",
    phase: "limits",
    alone: true,
    title: "sends a client that reads late every reply once, or closes its connection",
    from: unlimitedRequests,
    async check(context) {
      const request = bulkyRequest(context, unlimited(context));
      const { sent, missing, doubled, closeCode } = await stopReading(context, request, notReadingMs, 0);
      context.judged(sent);
      if (doubled > 0) throw new Violation(`one reply to each of ${sent} requests`, `${doubled} with more than one`);
      if (missing > 0 && closeCode === undefined)
        throw new Violation(`a reply to each of ${sent} requests, or the end of the connection`, `${missing} without a reply`);
    },
    waitsMs: () => notReadingMs,
    brokenBy: ({ operation }) => faults.swallowsReply(operation.id),
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
      const client = await context.dial({ awaitFirst: false });
      await client.closes({ code: limit.close!, withinMs: patient(context.effective(limit)) + slackMs });
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
      const client = await context.dial({ user: await context.user({ lifetimeSeconds }) });
      await context.clock.sleep(lifetimeSeconds * 1000 + 200);
      const code = context.errorCode(await client.request(await satisfyPreconditions(context, client, renewing(context)!)));
      if (code !== undefined) throw new Violation("the renewal to succeed during the grace", `the error ${code}`);
      context.judged();
    },
    waitsMs: () => lifetimeSeconds * 1000 + 200,
    brokenBy: (_, subject) => faults.swallowsReply(renewing(subject)!.id),
  }),
];
