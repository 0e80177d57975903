// Heartbeats: WebSocket pings and messages, from either side. The times are those that the target advertises.

import { type Heartbeat, isWebSocketPing } from "../../../../spec/contract.ts";
import type { ContractUnderTest } from "../../../client/context.ts";
import { heartbeatAnswer } from "../../../client/heartbeat.ts";
import type { TestClient } from "../../../client/test-client.ts";
import { NotTestable, Violation } from "../../../schema/errors.ts";
import type { Context } from "../../context.ts";
import { faults } from "../../faults/fault.ts";
import { type Clause, type Rule, rule } from "../../rule.ts";

/** What a deadline is longer than the promise, because this machine and the network are not idle. */
export const slackMs = 2_000;
/** Longer waits are not made unasked. */
const longestMs = 120_000;

interface HeartbeatPromise extends Clause {
  readonly heartbeat: Heartbeat;
}

/** A heartbeat of WebSocket pings by the server. */
function serverPings({ channel: { heartbeat } }: ContractUnderTest): readonly HeartbeatPromise[] {
  return heartbeat?.by === "server" && isWebSocketPing(heartbeat)
    ? [
        {
          pointer: heartbeat.pointer,
          text: `The server pings every ${heartbeat.intervalMs} ms and waits ${heartbeat.timeoutMs} ms.`,
          heartbeat,
        },
      ]
    : [];
}

function closingPings(subject: ContractUnderTest): readonly HeartbeatPromise[] {
  return serverPings(subject).filter(({ heartbeat }) => heartbeat.close !== undefined);
}

function cycleMs(context: Context, heartbeat: Heartbeat): number {
  const { intervalMs, timeoutMs } = context.effective(heartbeat);
  return patient(intervalMs + timeoutMs);
}

export function patient(ms: number): number {
  if (ms > longestMs)
    throw new NotTestable(`it takes ${Math.ceil(ms / 1000)} s; run the server with a shorter time and let it advertise that`);
  return ms;
}

/** A heartbeat by a message, of the side that asks. */
function byMessage(...sides: readonly Heartbeat["by"][]): (subject: ContractUnderTest) => readonly HeartbeatPromise[] {
  return ({ channel: { heartbeat } }) =>
    heartbeat === undefined || isWebSocketPing(heartbeat) || !sides.includes(heartbeat.by)
      ? []
      : [
          {
            pointer: heartbeat.pointer,
            text: `The ${heartbeat.by} sends ${heartbeat.frame} every ${heartbeat.intervalMs} ms and waits ${heartbeat.timeoutMs} ms.`,
            heartbeat,
          },
        ];
}

/** Those in which a client can take part: it has the message that is due from it. */
function withClientPart(subject: ContractUnderTest): readonly HeartbeatPromise[] {
  const { contract, channel } = subject;
  const { heartbeat } = channel;
  if (heartbeat?.by === "client" && isWebSocketPing(heartbeat))
    return [
      {
        pointer: heartbeat.pointer,
        text: `The client sends a WebSocket ping every ${heartbeat.intervalMs} ms; the server waits ${heartbeat.timeoutMs} ms.`,
        heartbeat,
      },
    ];
  return byMessage(
    "server",
    "client",
  )(subject).filter(({ heartbeat: { by } }) => by === "client" || heartbeatAnswer(contract, channel) !== undefined);
}

const closing = (subject: ContractUnderTest) => withClientPart(subject).filter(({ heartbeat }) => heartbeat.close !== undefined);

export async function mustBeAlive(client: TestClient): Promise<void> {
  await client.fence();
  if (client.closed !== undefined) throw new Violation("the connection to be open", `close ${client.closed.code}`);
}

/** A client that does its part of the heartbeat, and nothing else, keeps its connection for two cycles. */
const keepsIdle = {
  async check(context, { heartbeat }) {
    const client = await context.dial();
    await context.clock.sleep(2 * cycleMs(context, heartbeat));
    context.judged();
    await mustBeAlive(client);
    // A server that never asks keeps everybody.
    const pings = () => context.history().some((event) => event.kind === "note" && event.text === "received a WebSocket ping");
    if (isWebSocketPing(heartbeat) && heartbeat.by === "server" && !pings())
      throw new Violation(`a WebSocket ping within ${context.effective(heartbeat).intervalMs} ms`, "none");
  },
  waitsMs: (context, { heartbeat }) => 2 * cycleMs(context, heartbeat),
} satisfies Pick<Rule<HeartbeatPromise>, "check" | "waitsMs">;

export const heartbeatRules: readonly Rule[] = [
  rule<HeartbeatPromise>({
    id: "limits-heartbeat-answered-kept",
    level: "MUST",
    phase: "limits",
    title: "keeps an idle connection that answers pings",
    from: serverPings,
    ...keepsIdle,
    brokenBy: () => faults.server("heartbeat-ignores-pongs"),
  }),

  rule<HeartbeatPromise>({
    id: "limits-heartbeat-silent-closed",
    level: "MUST",
    phase: "limits",
    title: "closes an unresponsive connection with the declared code, within the declared time and not before",
    from: closingPings,
    async check(context, { heartbeat }) {
      const { timeoutMs } = context.effective(heartbeat);
      const client = await context.dial();
      client.answerPings = false;
      const sentAtMs = context.clock.nowMs();
      const { atMs } = await client.closes({ code: heartbeat.close!, withinMs: 2 * cycleMs(context, heartbeat) + slackMs });
      // A ping is sent after our last frame at the earliest, and its answer is waited for.
      if (atMs < sentAtMs + timeoutMs * 0.9) {
        throw new Violation(`at least ${timeoutMs} ms to answer a ping`, `close after ${Math.round(atMs - sentAtMs)} ms`);
      }
    },
    waitsMs: (context, { heartbeat }) => 2 * cycleMs(context, heartbeat),
    brokenBy: ({ heartbeat }) => [faults.neverCloses(heartbeat.close!), faults.changesCloseCode(heartbeat.close!, 1000)],
  }),

  rule<HeartbeatPromise>({
    id: "limits-heartbeat-busy-kept",
    level: "MUST",
    phase: "limits",
    title: "keeps a connection that sends messages but answers no pings",
    from: (subject) =>
      subject.channel.delivery?.fence === undefined
        ? []
        : closingPings(subject).filter(({ heartbeat }) => heartbeat.answeredBy === "any-frame"),
    async check(context, { heartbeat }) {
      const { timeoutMs } = context.effective(heartbeat);
      const client = await context.dial();
      client.answerPings = false;
      const untilMs = context.clock.nowMs() + 2 * cycleMs(context, heartbeat);
      while (context.clock.nowMs() < untilMs) {
        await mustBeAlive(client);
        await context.clock.sleep(timeoutMs / 4);
      }
      context.judged();
      await mustBeAlive(client);
    },
    waitsMs: (context, { heartbeat }) => 2 * cycleMs(context, heartbeat),
    brokenBy: () => faults.server("heartbeat-counts-only-pongs"),
  }),

  rule<HeartbeatPromise>({
    id: "limits-heartbeat-message-sent",
    level: "MUST",
    phase: "limits",
    title: "sends its heartbeat message within the declared interval",
    from: byMessage("server"),
    async check(context, { heartbeat }) {
      const { intervalMs } = context.effective(heartbeat);
      const client = await context.dial();
      const withinMs = patient(intervalMs) + slackMs;
      await context.until(`the heartbeat ${heartbeat.frame}`, () => client.heartbeats[0], { withinMs });
    },
    waitsMs: (context, { heartbeat }) => cycleMs(context, heartbeat),
    brokenBy: () => faults.shapes("heartbeat-never-sent", "The server never sends its heartbeat message."),
  }),

  rule<HeartbeatPromise>({
    id: "limits-heartbeat-message-answered",
    level: "MUST",
    phase: "limits",
    title: "answers the client's heartbeat message within the declared time",
    from: (subject) => byMessage("client")(subject).filter(({ heartbeat }) => heartbeat.answer !== undefined),
    async check(context, { heartbeat }) {
      const { timeoutMs } = context.effective(heartbeat);
      const client = await context.dial();
      const operation = context.contract.operations.find(({ messages }) => messages[0] === heartbeat.frame);
      const message = context.example(heartbeat.frame);
      const withinMs = patient(timeoutMs) + slackMs;
      if (operation?.reply !== undefined) await client.request(message, { withinMs });
      else {
        client.send(message);
        await context.until(`the answer ${heartbeat.answer}`, () => client.heartbeats[0], { withinMs });
      }
    },
    waitsMs: (context, { heartbeat }) => patient(context.effective(heartbeat).timeoutMs) + slackMs,
    brokenBy: () => faults.shapes("heartbeat-unanswered", "The server does not answer the client's heartbeat message."),
  }),

  rule<HeartbeatPromise>({
    id: "limits-heartbeat-message-kept",
    level: "MUST",
    phase: "limits",
    title: "keeps an idle connection that takes part in the heartbeat",
    from: withClientPart,
    ...keepsIdle,
    brokenBy: () =>
      faults.shapes("heartbeat-ignores-messages", "The server closes a connection that takes part in the heartbeat."),
  }),

  rule<HeartbeatPromise>({
    id: "limits-heartbeat-message-missing-closed",
    level: "MUST",
    phase: "limits",
    title: "closes a connection that takes no part in the heartbeat, with the declared code and not before its time",
    from: closing,
    async check(context, { heartbeat }) {
      const { intervalMs, timeoutMs } = context.effective(heartbeat);
      const client = await context.dial();
      client.answerPings = false;
      const sentAtMs = context.clock.nowMs();
      const { atMs } = await client.closes({ code: heartbeat.close!, withinMs: 2 * cycleMs(context, heartbeat) + slackMs });
      const allowedMs = heartbeat.by === "server" ? timeoutMs : intervalMs;
      if (atMs < sentAtMs + allowedMs * 0.9) {
        throw new Violation(`at least ${allowedMs} ms for the heartbeat`, `close after ${Math.round(atMs - sentAtMs)} ms`);
      }
    },
    waitsMs: (context, { heartbeat }) => 2 * cycleMs(context, heartbeat),
    brokenBy: () => [
      faults.shapes("heartbeat-not-enforced", "The server keeps a connection that takes no part in the heartbeat."),
      faults.shapes("heartbeat-too-hasty", "The server closes before the time for the heartbeat is over."),
    ],
  }),
];
