// npm run bench:generator: how many deliveries a second the load generator checks with one core, and how much of its work is the checking.

import { fork } from "node:child_process";
import { once } from "node:events";
import net, { type AddressInfo } from "node:net";
import os from "node:os";
import { fileURLToPath } from "node:url";
import { createMessages, withValueAt } from "../client/messages.ts";
import type { TestClient } from "../client/test-client.ts";
import { encodeFrame, opcode } from "../client/wire/frame.ts";
import type { ByteReader } from "../client/wire/socket.ts";
import type { LogRoles } from "../cluster/log-roles.ts";
import { logRoles } from "../cluster/log-roles.ts";
import { expectContractUnderTest } from "../conformance/load-contract-under-test.ts";
import { nowMs } from "../load/clock.ts";
import { LoadSocket } from "../load/load-socket.ts";
import { Member } from "../load/member.ts";
import { padded } from "../load/members.ts";
import { Recorder } from "../load/recorder.ts";
import { Replies } from "../load/replies.ts";
import { dueMark, SeqLog } from "../load/seq-log.ts";

const members = 200;
const saids = 10_000;
/** Of each way, after one that does not count. */
const rounds = 5;
/** Frames in one write. */
const perWrite = 32;
const contentBytes = 64;
const key = "load-generator";

const subject = await expectContractUnderTest({
  spec: undefined,
  perspective: undefined,
  overlay: undefined,
  server: undefined,
  variables: undefined,
  urls: [],
});
const roles = logRoles(subject.contract, subject.channel)!;
const messages = createMessages(subject.contract, subject.channel, () => []);

if (process.argv[2] === "writer") await write(roles);
else await measure();

/** The bare writer: the same prebuilt frames to all, as fast as each takes them, then the end. */
async function write({ stream, delivered, content }: LogRoles): Promise<void> {
  const [example] = subject.contract.messages.find(({ name }) => name === delivered)!.examples;
  const writes: Buffer[] = [];
  for (let seq = 1; seq <= saids; seq += perWrite) {
    const frames = Array.from({ length: Math.min(perWrite, saids - seq + 1) }, (_, index) => {
      let said: unknown = withValueAt(example!.payload, stream.key!, key);
      said = withValueAt(said, stream.seq!, seq + index);
      said = withValueAt(said, content.delivered, padded(dueMark(nowMs(), seq + index), contentBytes));
      return encodeFrame({ opcode: opcode.text, payload: JSON.stringify(said) });
    });
    writes.push(Buffer.concat(frames));
  }
  let waiting: net.Socket[] = [];
  const server = net.createServer((socket) => {
    waiting.push(socket);
    if (waiting.length < members) return;
    const all = waiting;
    waiting = [];
    for (const one of all) send(one, 0);
  });
  function send(socket: net.Socket, from: number): void {
    for (let at = from; at < writes.length; at++) {
      if (socket.write(writes[at]!)) continue;
      socket.once("drain", () => send(socket, at + 1));
      return;
    }
    socket.end();
  }
  server.listen(0, "127.0.0.1", () => process.send!((server.address() as AddressInfo).port));
}

interface Round {
  readonly deliveries: number;
  readonly cpuSeconds: number;
  readonly seconds: number;
}

async function round(port: number, isChecked: boolean): Promise<Round> {
  const log = new SeqLog(key, roles, messages);
  const recorder = new Recorder();
  recorder.begin({ startMs: 0, endMs: Number.MAX_SAFE_INTEGER });
  let counted = 0;
  let cpu = process.cpuUsage();
  let startMs = 0;
  const sockets = Array.from({ length: members }, () => net.connect(port, "127.0.0.1"));
  const placed = sockets.map((socket) => {
    const peer = peerOn(socket);
    if (isChecked) return new Member(peer, { log, recorder, replies: new Replies(subject.contract, messages, recorder) });
    new LoadSocket(peer, recorder, {
      text() {
        counted++;
      },
    });
    return undefined;
  });
  sockets[0]!.once("data", () => {
    cpu = process.cpuUsage();
    startMs = nowMs();
  });
  await Promise.all(sockets.map((socket) => once(socket, "end")));
  const { user, system } = process.cpuUsage(cpu);
  const seconds = (nowMs() - startMs) / 1000;
  for (const socket of sockets) socket.destroy();
  const { received, duplicated, disordered, unexpected } = recorder.counts;
  const lost = placed.reduce((sum, member) => sum + (member?.lost(1, saids) ?? 0), 0);
  const deliveries = isChecked ? received : counted;
  if (deliveries !== members * saids || lost + duplicated + disordered + unexpected > 0)
    throw new Error(`${deliveries} of ${members * saids} came: ${JSON.stringify({ lost, duplicated, disordered, unexpected })}`);
  return { deliveries, cpuSeconds: (user + system) / 1e6, seconds };
}

/** A socket without a handshake: the writer knows nothing of WebSocket either. */
function peerOn(tcp: net.Socket): TestClient {
  const socket = {
    takeBytes(reader: ByteReader) {
      tcp.on("data", (chunk) => reader.bytes(chunk));
    },
  };
  return { handOver: () => ({ socket, waiting: [], closed: undefined }) } as unknown as TestClient;
}

async function measure(): Promise<void> {
  const writer = fork(fileURLToPath(import.meta.url), ["writer"]);
  try {
    const [port] = (await once(writer, "message")) as [number];
    const checked: Round[] = [];
    const counted: Round[] = [];
    for (let at = 0; at <= rounds; at++) {
      // Alternating, and the first pair does not count.
      for (const isChecked of at % 2 === 0 ? [true, false] : [false, true]) {
        const one = await round(port, isChecked);
        if (at > 0) (isChecked ? checked : counted).push(one);
      }
    }
    const perCpu = ({ deliveries, cpuSeconds }: Round) => deliveries / cpuSeconds;
    const perSecond = ({ deliveries, seconds }: Round) => deliveries / seconds;
    const shares = checked.map((one, at) => 1 - perCpu(one) / perCpu(counted[at]!));
    const [cpu] = os.cpus();
    const of = (values: readonly number[], text: (value: number) => string) => {
      const sorted = [...values].sort((left, right) => left - right);
      return `${text(sorted[(sorted.length - 1) >> 1]!)} (${text(sorted[0]!)} to ${text(sorted.at(-1)!)})`;
    };
    const millions = (value: number) => `${(value / 1e6).toFixed(2)} M`;
    const percent = (value: number) => `${Math.round(value * 100)} %`;
    process.stdout.write(
      [
        `${members} members, ${saids} messages each, ${rounds} rounds, ${os.cpus().length} x ${cpu?.model}, Node ${process.version}; median (least to most)`,
        `checked, per second of one core:  ${of(checked.map(perCpu), millions)}`,
        `checked, per second of the clock: ${of(checked.map(perSecond), millions)}`,
        `counted, per second of one core:  ${of(counted.map(perCpu), millions)}`,
        `share of the work that checking is: ${of(shares, percent)}`,
        "",
      ].join("\n"),
    );
  } finally {
    writer.kill();
  }
}
