// Servers on TCP that misbehave towards a client, each in its own way, and the bounds in which the client must stay.
import { createHash } from "node:crypto";
import { once } from "node:events";
import { type AddressInfo, createServer, type Server, type Socket } from "node:net";
import { closeCodes } from "../../generated/protocol.gen.ts";

/** A client tries each server for this long. */
export const trialMs = 15_000;
/** The client's deadline for the upgrade and for the first message. */
export const connectTimeoutMs = 2_500;
/** At least 500 ms lie between two attempts. */
const mostAttempts = trialMs / 500 + 1;

export interface HostileServer {
  readonly name: string;
  /** Handles one upgrade request. */
  readonly serve: (connection: Connection) => void;
  /** Upgrade requests within the trial. */
  readonly attempts: readonly [least: number, most: number];
  /** The client's state at the end; undefined: any. */
  readonly endsAs?: "connected" | "closed";
  /** Least number of frames that the client must report as invalid, default 0. */
  readonly invalid?: number;
}

interface Connection {
  readonly socket: Socket;
  /** Accepts the upgrade. */
  accept(key?: string): void;
  send(message: string, opcode?: number): void;
  greet(change?: object): void;
  close(code: number): void;
  /** Calls `received` with each text frame. */
  read(received: (message: { readonly id?: string; readonly type: string; readonly payload: unknown }) => void): void;
}

const opcodes = { text: 1, binary: 2 };

function frame(opcode: number, payload: Buffer): Buffer {
  const head =
    payload.length < 126 ? [0x80 | opcode, payload.length] : [0x80 | opcode, 126, payload.length >> 8, payload.length & 255];
  return Buffer.concat([Buffer.from(head), payload]);
}

const rate = { burst: 20, perSecond: 1 };
const hello = (change: object) => ({
  type: "connected",
  timestamp: new Date().toISOString(),
  payload: {
    clientId: "c-1",
    userId: "u",
    username: "u",
    expiresAt: new Date(Date.now() + 3_600_000).toISOString(),
    protocol: "rooms.v1",
    heartbeat: { intervalMs: 30_000, timeoutMs: 10_000 },
    limits: {
      ...{ messageBytes: 65_536, roomsPerConnection: 50, membersPerRoom: 10, connectionsPerUser: 20, malformedPerMinute: 10 },
      ...{ refusalsPerMinute: 30, queuedBytes: 1_048_576, tokenGraceMs: 25_000 },
      ...{ publish: rate, publishUser: rate, control: rate, ping: { burst: 60, perSecond: 10 } },
    },
    ...change,
  },
});

const invalidFrames = [
  "null",
  "5",
  "[]",
  '"x"',
  "{",
  "",
  '{"type":"connected"}',
  '{"type":"error"}',
  '{"type":"message"}',
  '{"type":"no"}',
];

function attemptsAfter(code: number, reconnect: string, minDelayMs: number): readonly [number, number] {
  if (reconnect === "stop") return [1, 1];
  if (reconnect === "fresh-token") return [2, 2];
  // 1012 without an announcement: at random within 30 s.
  if (minDelayMs > 0 || code === 1012) return [1, 3];
  return [2, mostAttempts];
}

export const hostileServers: readonly HostileServer[] = [
  {
    name: "refuses the upgrade with 503",
    serve: ({ socket }) => socket.end("HTTP/1.1 503 Service Unavailable\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"),
    attempts: [2, mostAttempts],
  },
  { name: "never answers the upgrade", serve: () => undefined, attempts: [2, mostAttempts] },
  { name: "accepts with a wrong key", serve: ({ accept }) => accept("wrong"), attempts: [2, mostAttempts] },
  { name: "never sends the first message", serve: ({ accept }) => accept(), attempts: [2, mostAttempts] },
  {
    name: "resets the connection after the upgrade",
    serve({ socket, accept }) {
      accept();
      setTimeout(() => socket.resetAndDestroy(), 50);
    },
    attempts: [2, mostAttempts],
  },
  {
    name: "sends bytes that are no frame",
    serve({ socket, accept, greet }) {
      accept();
      greet();
      setTimeout(() => socket.write(Buffer.from([0xff, 0xff, 1, 2, 3])), 50);
    },
    // Some clients report 1002, which stops; others 1006.
    attempts: [1, mostAttempts],
  },
  {
    name: "sends a close frame and leaves TCP open",
    serve({ accept, greet, send }) {
      accept();
      greet();
      setTimeout(() => send("\u000f\u00a1", 8), 50);
    },
    attempts: [2, mostAttempts],
  },
  {
    name: "falls silent after the greeting",
    serve({ accept, greet }) {
      accept();
      greet({ heartbeat: { intervalMs: 1, timeoutMs: 1 } });
    },
    attempts: [2, 8],
  },
  {
    name: "greets with a heartbeat of 0",
    serve({ accept, greet }) {
      accept();
      greet({ heartbeat: { intervalMs: 0, timeoutMs: 0 } });
    },
    attempts: [2, mostAttempts],
    invalid: 2,
  },
  {
    name: "sends frames that are no messages",
    serve({ accept, greet, send, read }) {
      accept();
      greet();
      for (const text of invalidFrames) send(text);
      send("binary", opcodes.binary);
      read(({ id, payload }) =>
        send(JSON.stringify({ type: "pong", timestamp: new Date().toISOString(), replyTo: id, payload })),
      );
    },
    attempts: [1, 1],
    endsAs: "connected",
    invalid: invalidFrames.length + 1,
  },
  {
    name: "refuses each request for now, and says 0 ms",
    serve({ socket, accept, greet, send, read }) {
      accept();
      greet();
      const payload = { code: "RATE_LIMITED", message: "x", retryable: true, retryAfterMs: 0 };
      let requests = 0;
      read(({ id }) => {
        // More requests than this, and the trial counts another attempt.
        if (++requests > 40) socket.destroy();
        send(JSON.stringify({ type: "error", timestamp: new Date().toISOString(), replyTo: id, payload }));
      });
    },
    attempts: [1, 1],
    endsAs: "connected",
  },
  ...Object.values(closeCodes).map(
    (entry): HostileServer => ({
      name: `greets and closes at once with ${entry.code}`,
      serve({ accept, greet, close }) {
        accept();
        greet();
        close(entry.code);
      },
      attempts: attemptsAfter(entry.code, entry.reconnect, "minDelayMs" in entry ? entry.minDelayMs : 0),
      ...(entry.reconnect === "stop" || entry.reconnect === "fresh-token" ? { endsAs: "closed" as const } : {}),
    }),
  ),
];

export interface RunningServer {
  readonly port: number;
  readonly attempts: number;
  close(): void;
}

export async function startHostileServer({ serve }: HostileServer): Promise<RunningServer> {
  const sockets = new Set<Socket>();
  let attempts = 0;
  const server: Server = createServer((socket) => {
    sockets.add(socket);
    socket.on("close", () => sockets.delete(socket)).on("error", () => socket.destroy());
    let head = "";
    const onData = (chunk: Buffer) => {
      head += chunk.toString("latin1");
      if (!head.includes("\r\n\r\n")) return;
      socket.off("data", onData).resume();
      attempts++;
      serve(createConnection(socket, /^sec-websocket-key: *(\S+)/im.exec(head)?.[1] ?? ""));
    };
    socket.on("data", onData);
  }).listen(0, "127.0.0.1");
  await once(server, "listening");
  return {
    port: (server.address() as AddressInfo).port,
    get attempts() {
      return attempts;
    },
    close() {
      for (const socket of sockets) socket.destroy();
      server.close();
    },
  };
}

function createConnection(socket: Socket, key: string): Connection {
  const send = (message: string, opcode = opcodes.text) => {
    if (!socket.destroyed) socket.write(frame(opcode, Buffer.from(message, opcode === opcodes.text ? "utf8" : "latin1")));
  };
  return {
    socket,
    accept(other = key) {
      const accepted = createHash("sha1").update(`${other}258EAFA5-E914-47DA-95CA-C5AB0DC85B11`).digest("base64");
      const headers = `Upgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: ${accepted}\r\nSec-WebSocket-Protocol: rooms.v1`;
      socket.write(`HTTP/1.1 101 Switching Protocols\r\n${headers}\r\n\r\n`);
    },
    send,
    greet: (change = {}) => send(JSON.stringify(hello(change))),
    close(code) {
      send(String.fromCharCode(code >> 8, code & 255), 8);
      socket.end();
    },
    read(received) {
      let buffered = Buffer.alloc(0);
      socket.on("data", (chunk) => {
        buffered = Buffer.concat([buffered, chunk]);
        // Frames of a client are masked, and those of this one are short.
        while (buffered.length >= 6 && buffered.length >= 6 + (buffered[1]! & 127)) {
          const length = buffered[1]! & 127;
          const mask = buffered.subarray(2, 6);
          const payload = buffered.subarray(6, 6 + length).map((byte, index) => byte ^ mask[index % 4]!);
          const isText = (buffered[0]! & 15) === opcodes.text;
          buffered = buffered.subarray(6 + length);
          if (isText) received(JSON.parse(Buffer.from(payload).toString()));
        }
      });
    },
  };
}
