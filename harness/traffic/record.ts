// A proxy that records: passes bytes on unchanged in both directions, and tells what messages they are.
import net from "node:net";
import tls from "node:tls";
import { type Frame, FrameDecoder } from "../client/wire/frame.ts";
import { MessageReader, type WireEvent } from "../client/wire/message-reader.ts";
import { parseResponseHead } from "../client/wire/upgrade.ts";
import { isDeep, readText, tooDeep } from "./har.ts";
import type { TrafficEvent } from "./traffic-event.ts";

export interface RecordOptions {
  /** `ws:` or `wss:`. */
  readonly target: URL;
  readonly port: number;
  readonly host: string;
  /** Accept a certificate of the target that cannot be verified. */
  readonly insecure: boolean;
  /** To listen with TLS. */
  readonly tls: { readonly cert: Buffer; readonly key: Buffer } | undefined;
  /** Monotonic, in ms. */
  nowMs(): number;
  event(event: TrafficEvent): void;
}

export interface RecordingProxy {
  readonly port: number;
  /** Ends every connection. Safe to call twice. */
  stop(): Promise<void>;
}

const maxHeadBytes = 65_536;
/** A longer message is passed on and not recorded. */
const maxMessageBytes = 16 * 1024 * 1024;

/** @throws the error of `listen` */
export async function startRecording(options: RecordOptions): Promise<RecordingProxy> {
  const sockets = new Set<net.Socket>();
  let connections = 0;
  const accept = (client: net.Socket) => {
    const upstream = connectTo(options);
    for (const socket of [client, upstream]) {
      sockets.add(socket);
      socket.on("error", () => undefined);
      socket.on("close", () => sockets.delete(socket));
    }
    relay(client, upstream, options, () => connections++);
  };
  const server =
    options.tls === undefined
      ? net.createServer({ allowHalfOpen: true, noDelay: true }, accept)
      : tls.createServer({ ...options.tls, allowHalfOpen: true, noDelay: true }, accept);
  await new Promise<void>((resolve, reject) => {
    server.once("error", reject);
    server.listen(options.port, options.host, resolve);
  });
  return {
    port: (server.address() as net.AddressInfo).port,
    stop: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        for (const socket of sockets) socket.destroy();
      }),
  };
}

function connectTo({ target, insecure }: RecordOptions): net.Socket {
  const secure = target.protocol === "wss:";
  const host = target.hostname.replace(/^\[|\]$/g, "");
  const port = Number(target.port || (secure ? 443 : 80));
  return secure
    ? tls.connect({
        host,
        port,
        ...(net.isIP(host) ? {} : { servername: host }),
        rejectUnauthorized: !insecure,
        allowHalfOpen: true,
      } as tls.ConnectionOptions)
    : net.connect({ host, port, allowHalfOpen: true, noDelay: true });
}

/** Joins the two sockets: the head of the first request is rewritten, everything else goes through as it is. */
function relay(client: net.Socket, upstream: net.Socket, options: RecordOptions, count: () => number): void {
  let head: Buffer | undefined = Buffer.alloc(0);
  let tap: Tap | undefined;
  pass(client, upstream, (chunk) => {
    if (head === undefined) {
      tap?.fromClient(chunk);
      return chunk;
    }
    head = Buffer.concat([head, chunk]);
    const end = head.indexOf("\r\n\r\n");
    if (end < 0 && head.length <= maxHeadBytes) return undefined;
    const bytes = head;
    head = undefined;
    if (end < 0) return bytes;
    const text = bytes.subarray(0, end + 4).toString("latin1");
    if (/^upgrade:\s*websocket\s*$/im.test(text)) tap = new Tap(options, count, text);
    const rest = bytes.subarray(end + 4);
    if (rest.length > 0) tap?.fromClient(rest);
    return Buffer.concat([Buffer.from(withHost(text, options.target.host), "latin1"), rest]);
  });
  pass(upstream, client, (chunk) => {
    tap?.fromServer(chunk);
    return chunk;
  });
  const closed = () => tap?.ended();
  client.on("close", closed);
  upstream.on("close", closed);
}

/** The target's name for itself, and no offer of compression: what is compressed could not be recorded. */
function withHost(head: string, host: string): string {
  return head.replace(/^host:[^\r\n]*/im, `Host: ${host}`).replace(/^sec-websocket-extensions:[^\r\n]*\r\n/gim, "");
}

/** One direction. A slow reader slows the other side down, so that memory stays bounded. @param change undefined: nothing goes on yet */
function pass(from: net.Socket, to: net.Socket, change: (chunk: Buffer) => Buffer | undefined): void {
  from.on("data", (chunk: Buffer) => {
    const bytes = change(chunk);
    if (bytes === undefined || to.destroyed || !to.writable) return;
    if (!to.write(bytes)) {
      from.pause();
      to.once("drain", () => from.resume());
    }
  });
  from.on("end", () => to.end());
  from.on("close", (hadError) => (hadError ? to.resetAndDestroy() : to.end()));
  to.on("close", () => from.resume());
}

/** Reads along, and tells what it saw. Whatever it cannot read is passed on all the same. */
class Tap {
  readonly #options: RecordOptions;
  readonly #connection: number;
  readonly #path: string;
  readonly #offered: readonly string[];
  #answer: Buffer | undefined = Buffer.alloc(0);
  /** What the client sent before the handshake was answered. */
  readonly #early: Buffer[] = [];
  #isOpen = false;
  #hasEnded = false;
  #clientClosed = false;
  #serverCode: { readonly code: number; readonly reason: string } | undefined;
  readonly #client = new Direction("client");
  readonly #server = new Direction("server");

  /** @param head of the opening request. Its query and its further subprotocols may hold credentials: they are not told */
  constructor(options: RecordOptions, count: () => number, head: string) {
    this.#options = options;
    this.#path = /^\S+ ([^\s?]*)/.exec(head)?.[1] ?? "/";
    this.#offered = [...head.matchAll(/^sec-websocket-protocol:([^\r\n]*)/gim)].flatMap(([, names]) =>
      names!.split(",").map((name) => name.trim()),
    );
    this.#connection = count();
  }

  fromClient(chunk: Buffer): void {
    if (!this.#isOpen) {
      if (this.#answer !== undefined) this.#early.push(chunk);
      return;
    }
    for (const event of this.#client.read(chunk)) this.#sent(event);
  }

  fromServer(chunk: Buffer): void {
    if (this.#isOpen) {
      for (const event of this.#server.read(chunk)) this.#received(event);
      return;
    }
    if (this.#answer === undefined) return;
    this.#answer = Buffer.concat([this.#answer, chunk]);
    let head: ReturnType<typeof parseResponseHead>;
    try {
      head = parseResponseHead(this.#answer);
    } catch {
      this.#answer = undefined;
      return;
    }
    if (head === undefined) return;
    this.#answer = undefined;
    if (head.status !== 101) {
      this.#event({ kind: "refused", status: head.status });
      return;
    }
    this.#isOpen = true;
    const subprotocol = head.headers.get("sec-websocket-protocol") ?? "";
    const offered = subprotocol === "" || this.#offered.includes(subprotocol) ? [subprotocol].filter(Boolean) : [];
    const told = { node: this.#options.target.host, path: this.#path, subprotocol, offered, control: true, user: "" } as const;
    this.#event({ kind: "open", ...told });
    for (const early of this.#early.splice(0)) this.fromClient(early);
    if (head.rest.length > 0) this.fromServer(head.rest);
  }

  ended(): void {
    if (this.#hasEnded || !this.#isOpen) return;
    this.#hasEnded = true;
    const { code, reason } = this.#serverCode ?? { code: 1006, reason: "" };
    if (!this.#clientClosed && this.#serverCode === undefined) this.#event({ kind: "hang-up", code: 1006 });
    this.#event({ kind: "close", code, reason });
  }

  #sent(event: WireEvent): void {
    if (event.kind === "text" && isDeep(event.text)) this.#event({ kind: "note", text: `sent ${tooDeep}` });
    else if (event.kind === "text") this.#event({ kind: "send", ...readText(event.text) });
    else if (event.kind === "binary") this.#event({ kind: "send", ...binary(event.payload) });
    else if (event.kind === "close") {
      if (this.#serverCode === undefined && !this.#clientClosed) this.#event({ kind: "hang-up", code: event.code });
      this.#clientClosed = true;
    } else if (event.kind === "broken") this.#event({ kind: "note", text: `sent ${event.how}` });
    else this.#event({ kind: "note", text: `WebSocket ${event.kind} by the client` });
  }

  #received(event: WireEvent): void {
    if (event.kind === "text" && isDeep(event.text)) this.#event({ kind: "note", text: `received ${tooDeep}` });
    else if (event.kind === "text") this.#event({ kind: "receive", ...readText(event.text) });
    else if (event.kind === "binary") this.#event({ kind: "receive", ...binary(event.payload) });
    else if (event.kind === "close") this.#serverCode = { code: event.code, reason: event.reason };
    else if (event.kind === "broken") this.#event({ kind: "note", text: `received ${event.how}` });
    else this.#event({ kind: "note", text: `WebSocket ${event.kind} by the server` });
  }

  #event(event: object): void {
    this.#options.event({ ...event, connection: this.#connection, atMs: this.#options.nowMs() } as TrafficEvent);
  }
}

const binary = (payload: Buffer) =>
  ({ frame: payload.toString("hex"), json: false, binary: true, bytes: payload.length }) as const;

/** Frames and messages of one side. */
class Direction {
  readonly #decoder = new FrameDecoder(maxMessageBytes);
  readonly #reader: MessageReader;
  #isLost = false;

  constructor(from: "client" | "server") {
    this.#reader = new MessageReader(from);
  }

  read(chunk: Buffer): WireEvent[] {
    if (this.#isLost) return [];
    let frames: readonly Frame[];
    try {
      frames = this.#decoder.push(chunk);
    } catch (error) {
      this.#isLost = true;
      return [{ kind: "broken", clause: "", how: `frames that are not recorded: ${(error as Error).message}` }];
    }
    return frames.flatMap((frame) => this.#reader.read(frame));
  }
}
