// All members of all logs that this thread holds: ready before a run, and asked at its end what never came.

import { setTimeout as sleep } from "node:timers/promises";
import { lookup } from "../../spec/pointer.ts";
import { withValueAt } from "../client/messages.ts";
import { satisfyPreconditions, userFor } from "../client/preconditions.ts";
import type { TestClient } from "../client/test-client.ts";
import { type LogRoles, logRoles } from "../cluster/log-roles.ts";
import type { Context } from "../conformance/context.ts";
import { UsageError, Violation } from "../schema/errors.ts";
import { nowMs } from "./clock.ts";
import { Member } from "./member.ts";
import { Replies } from "./replies.ts";
import { SeqLog } from "./seq-log.ts";
import type { SlowReaders } from "./slow-readers.ts";
import { createTemplate, type Template } from "./template.ts";
import type { Reached, Seen, WorkerContext } from "./worker-context.ts";

/** A member that may publish, with the message that it sends. */
export interface Ready {
  readonly member: Member;
  readonly replies: Replies;
  readonly template: Template;
}

export interface Members {
  readonly roles: LogRoles;
  /** Of the whole run. */
  readonly keys: readonly string[];
  /** Those that this thread holds, by log; a log without any is left out. */
  readonly byLog: readonly (readonly Ready[])[];
  log(key: string): SeqLog;
  /** Waits for replies, at most the profile's timeout. */
  reached(): Promise<Reached>;
  /** Waits until all that was acknowledged has come, at most the profile's timeout, and counts what has not. */
  settle(reached: Reached): Promise<void>;
  /** Of those that are still connected. */
  seen(): Seen;
  end(): Promise<void>;
}

/** @throws UsageError where the document has no log */
export async function setupMembers(
  worker: WorkerContext,
  progress: (count: number) => void,
  slow?: SlowReaders,
): Promise<Members> {
  const { contract, channel, profile, recorder, run } = worker;
  const roles = logRoles(contract, channel);
  if (roles === undefined) {
    throw new UsageError(
      "fanout and publish need a log: an operation that joins, one that publishes, and an x-delivery stream in total order with a seq. The document has none; echo, mixed, idle and handshake work without.",
    );
  }
  const { publish, key } = roles;
  const keys = Array.from({ length: profile.rooms }, (_, index) => `load-${worker.label}-${index}`);
  const logs = new Map(keys.map((one) => [one, new SeqLog(one, roles, run.messages)]));
  const id = run.messages.message(publish.messages[0]!).correlation;

  /** Where one may publish without it; else reaching the publish has joined. */
  async function join(context: Context, client: TestClient, keyOf: Map<string, unknown>): Promise<void> {
    const message = await satisfyPreconditions(context, client, roles!.join, keyOf);
    if (roles!.join.reply === undefined) {
      client.send(message);
      return;
    }
    const code = context.errorCode(await client.request(message));
    if (code !== undefined) throw new Violation(`the operation ${roles!.join.id} to succeed`, `the error ${code}`);
  }

  async function until(isDone: () => boolean): Promise<void> {
    const lastMs = nowMs() + profile.timeoutMs;
    while (!isDone() && nowMs() < lastMs) await sleep(10);
  }

  let wanted: Reached = {};
  const lostBy = (member: Member) => {
    const span = wanted[member.log.key];
    return span === undefined ? 0 : member.lost(span.lowest, span.highest);
  };
  const all = await worker.setupAll(
    worker.mine(profile.rooms * profile.members),
    (item) =>
      worker.setup(
        item,
        async (context, client): Promise<Ready> => {
          const room = keys[item % profile.rooms]!;
          const keyOf = new Map([[key.column, room]]);
          if (!publish.requires.some((one) => one.kind === "relation" && one.present)) await join(context, client, keyOf);
          const message = withValueAt(await satisfyPreconditions(context, client, publish, keyOf), key.published, room);
          const template = createTemplate(message, { id, content: roles.content.sent });
          const own = slow?.recorderFor(item) ?? recorder;
          const replies = new Replies(contract, run.messages, own);
          const member = new Member(client, { log: logs.get(room)!, recorder: own, replies });
          if (own !== recorder) slow?.add(member.socket, () => lostBy(member));
          return { member, replies, template };
        },
        (context) => userFor(context, publish),
      ),
    progress,
  );
  const ready = all.filter(({ member }) => slow?.has(member.socket) !== true);

  return {
    roles,
    keys,
    byLog: keys.map((one) => ready.filter(({ member }) => member.log.key === one)).filter((some) => some.length > 0),
    log: (one) => logs.get(one)!,
    async reached() {
      await until(() => ready.every(({ replies }) => replies.waiting === 0));
      return Object.fromEntries(
        [...logs].flatMap(([one, { acked }]) =>
          acked.count === 0 ? [] : [[one, { lowest: acked.lowest, highest: acked.highest }]],
        ),
      );
    },
    async settle(reached) {
      wanted = reached;
      const open = () => all.filter(({ member }) => member.socket.isOpen);
      await until(() => {
        const hasAll = (member: Member) => {
          const span = reached[member.log.key];
          return span === undefined || member.hasReached(span.highest);
        };
        return open().every(({ member, replies }) => replies.waiting === 0 && hasAll(member));
      });
      const { counts } = recorder;
      for (const { member, replies } of open()) {
        if (slow?.has(member.socket) === true) continue;
        counts.timeouts += replies.giveUp();
        counts.lost += lostBy(member);
      }
      counts.expected = counts.received - counts.unexpected + counts.lost;
      const ways = [...logs.values()].map((log) => log.ways);
      const parsed = ways.reduce((sum, one) => sum + one.parsed, 0);
      const matched = ways.reduce((sum, one) => sum + one.matched, 0);
      if (parsed > matched && parsed > 10_000)
        recorder.notes.add(
          "this server writes varying fields before seq, so most deliveries had to be parsed, which costs the generator CPU",
        );
    },
    seen() {
      const open = ready.filter(({ member }) => member.socket.isOpen);
      return Object.fromEntries(
        keys.map((one) => [one, open.flatMap(({ member }) => (member.log.key === one ? [member.seen] : []))]),
      );
    },
    async end() {
      for (const { member } of all) if (member.socket.isOpen) member.socket.leave();
    },
  };
}

/** The seq that a reply gives its publish, where the stream's messages have it or, as over HTTP, at the top. */
export function seqIn(reply: unknown, { stream }: LogRoles): number | undefined {
  const seq = lookup(reply, stream.seq!) ?? lookup(reply, stream.seq!.slice(stream.seq!.lastIndexOf("/")));
  return typeof seq === "number" ? seq : undefined;
}

/** Content of `bytes` bytes that begins with the mark; the mark alone where that is longer. */
export function padded(mark: string, bytes: number): string {
  return bytes <= mark.length ? mark : `${mark} `.padEnd(bytes, "x");
}
