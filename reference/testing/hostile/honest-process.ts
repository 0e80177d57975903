// 50 clients that keep the contract: rooms of 5, messages at a constant rate. Reports latencies from the intended time, and what was missing. Arguments: port, tokens as JSON.
import { once } from "node:events";
import { build } from "hdr-histogram-js";
import { WebSocket } from "ws";

export interface HonestReport {
  readonly sent: number;
  readonly acked: number;
  /** Messages that members should have got, and did. */
  readonly due: number;
  readonly delivered: number;
  readonly closed: number;
  readonly p50Ms: number;
  readonly p99Ms: number;
}

const membersPerRoom = 5;
const perSecondAndClient = 4;
const tickMs = 5;

const [port, tokens] = process.argv.slice(2) as [string, string];
const latencies = build({ lowestDiscernibleValue: 1, highestTrackableValue: 60_000_000, numberOfSignificantValueDigits: 3 });
const intendedAt = new Map<string, number>();
const count = { sent: 0, acked: 0, due: 0, delivered: 0, closed: 0 };
let ids = 0;

const clients = await Promise.all(
  (JSON.parse(tokens) as string[]).map(async (token, index) => {
    const socket = new WebSocket(`ws://127.0.0.1:${port}/ws?token=${token}`, ["rooms.v1"]);
    socket.on("error", () => {});
    socket.on("close", () => count.closed++);
    const room = `room-${Math.floor(index / membersPerRoom)}`;
    await once(socket, "message");
    socket.send(JSON.stringify({ type: "join_room", id: "join", payload: { room } }));
    await once(socket, "message");
    socket.on("message", (data: Buffer) => receive(data.toString()));
    return { socket, room };
  }),
);

function receive(text: string): void {
  if (text.startsWith('{"type":"message"')) count.delivered++;
  const { type, replyTo } = JSON.parse(text) as { readonly type: string; readonly replyTo?: string };
  if (type !== "ack" || replyTo === undefined) return;
  count.acked++;
  count.due += membersPerRoom;
  latencies.recordValue(Math.max(1, Math.round((performance.now() - intendedAt.get(replyTo)!) * 1000)));
  intendedAt.delete(replyTo);
}

let nextAt = performance.now();
const gapMs = 1000 / (perSecondAndClient * clients.length);
const timer = setInterval(() => {
  for (; nextAt <= performance.now(); nextAt += gapMs) {
    const { socket, room } = clients[ids % clients.length]!;
    const id = `m${ids++}`;
    intendedAt.set(id, nextAt);
    count.sent++;
    socket.send(JSON.stringify({ type: "chat", id, payload: { room, content: `content ${id}` } }));
  }
}, tickMs);

process.on("message", (message) => {
  if (message === "reset") {
    latencies.reset();
    process.send?.({ reset: true });
  } else if (message === "read") {
    const [p50Ms, p99Ms] = [50, 99].map((percentile) => latencies.getValueAtPercentile(percentile) / 1000) as [number, number];
    process.send?.({ report: { ...count, p50Ms, p99Ms } satisfies HonestReport });
  } else {
    clearInterval(timer);
    void finish();
  }
});

/** Waits until all is answered and delivered, at most 10 s. */
async function finish(): Promise<void> {
  const isSettled = (): boolean => count.acked === count.sent && count.delivered >= count.due;
  for (let waitedMs = 0; waitedMs < 10_000 && !isSettled(); waitedMs += 20)
    await new Promise((resolve) => setTimeout(resolve, 20));
  process.send?.({ report: { ...count, p50Ms: 0, p99Ms: 0 } satisfies HonestReport }, () => process.exit(0));
}
process.send?.({ ready: true });
