// Our own WebSocket client on a raw TCP or TLS socket: it may break every rule of the standard, and sees all that the other side does.
import net from "node:net";
import tls from "node:tls";
import { TargetLost } from "../../schema/errors.ts";
import { closePayload, encodeFrame, FrameDecoder, type FrameToEncode, FrameTooLong, opcode } from "./frame.ts";
import { MessageReader, type WireEvent } from "./message-reader.ts";
import { Inflater, readAnswer } from "./permessage-deflate.ts";
import { emitRequest, isBodyWhole, NotHttp, parseResponseHead, type UpgradeRequest, type UpgradeResponse } from "./upgrade.ts";

export interface ConnectOptions {
  /** `ws:` or `wss:`; only host and port are used. */
  readonly url: URL;
  readonly request: UpgradeRequest;
  /** Reset TCP so long after the request, in ms. */
  readonly resetAfterMs?: number;
  /** Of an HTTP request. */
  readonly body?: Uint8Array;
  /** For the TCP connection and the head of the response, each. */
  readonly timeoutMs: number;
  /** Accept a certificate that cannot be verified. Default false. */
  readonly insecure?: boolean;
  /** PEM texts of the authorities that a certificate may come from. Default: those of Node. */
  readonly ca?: string | undefined;
  /** Whether pings are answered, default true. */
  readonly answerPings?: boolean;
}

export type Connected =
  | { readonly kind: "open"; readonly socket: WireSocket; readonly headers: ReadonlyMap<string, string> }
  | { readonly kind: "refused"; readonly status: number; readonly headers: ReadonlyMap<string, string>; readonly body: string }
  | { readonly kind: "dropped"; readonly how: string };

/** How long a refusal's body is waited for where nothing tells its end. */
const bodyMs = 500;
/** How long the other side may take to end TCP after the close handshake, before we do. */
const lingerMs = 2_000;

/**
 * Connects, sends the request as it is, and reads the answer.
 * @throws TargetLost where no TCP or TLS connection comes about, or no answer within `timeoutMs`
 */
export async function connect(options: ConnectOptions): Promise<Connected> {
  const socket = await openTcp(options);
  socket.write(emitRequest(options.request), "latin1");
  if (options.body !== undefined) socket.write(options.body);
  if (options.resetAfterMs !== undefined) setTimeout(() => resetTcp(socket), options.resetAfterMs).unref();
  return new Promise((resolve, reject) => {
    let bytes: Buffer = Buffer.alloc(0);
    let head: ReturnType<typeof parseResponseHead>;
    let timer = setTimeout(() => finish(() => reject(new TargetLost(noAnswer(options)))), options.timeoutMs);
    // Only our own listeners are taken off: node:net has some that end the socket.
    const finish = (then: () => void, keepOpen = false) => {
      clearTimeout(timer);
      socket.off("data", onData).off("end", onEnd).off("error", onError).off("close", onClose);
      if (!keepOpen) {
        socket.on("error", () => undefined);
        socket.destroy();
      }
      then();
    };
    const refused = () =>
      finish(() => resolve({ kind: "refused", status: head!.status, headers: head!.headers, body: bytes.toString("utf8") }));
    const dropped = (how: string) => (head === undefined ? finish(() => resolve({ kind: "dropped", how })) : refused());
    const opened = ({ headers, rest }: UpgradeResponse) =>
      finish(() => {
        const inflater = inflaterFor(options.request, headers);
        resolve({ kind: "open", socket: new WireSocket(socket, rest, options.answerPings ?? true, inflater), headers });
      }, true);

    function onData(chunk: Buffer): void {
      bytes = Buffer.concat([bytes, chunk]);
      if (head === undefined) {
        try {
          head = parseResponseHead(bytes);
        } catch (error) {
          if (!(error instanceof NotHttp)) throw error;
          dropped(`the target sent ${error.message}`);
          return;
        }
        if (head === undefined) return;
        if (head.status === 101) {
          opened(head);
          return;
        }
        bytes = Buffer.from(head.rest);
        clearTimeout(timer);
        timer = setTimeout(refused, bodyMs);
      }
      if (isBodyWhole(head.headers, bytes)) refused();
    }
    function onEnd(): void {
      dropped("the target closed the TCP connection without an answer");
    }
    function onError(error: NodeJS.ErrnoException): void {
      dropped(`the target aborted the TCP connection (${error.code ?? error.message})`);
    }
    /** Our own reset raises neither an end nor an error. */
    function onClose(): void {
      dropped("the connection was reset by us");
    }
    socket.on("data", onData).on("end", onEnd).on("error", onError).on("close", onClose);
  });
}

/** A compressed message of the target may inflate to this many bytes. */
const maxInflatedBytes = 16 * 1024 * 1024;

/** Where the request offers permessage-deflate and the answer accepts it. */
function inflaterFor({ headers }: UpgradeRequest, answer: ReadonlyMap<string, string>): Inflater | undefined {
  const offer = headers.find(([name]) => name.toLowerCase() === "sec-websocket-extensions")?.[1];
  const agreed = offer === undefined ? undefined : readAnswer(offer, answer.get("sec-websocket-extensions"));
  return agreed === undefined ? undefined : new Inflater(agreed.parameters, maxInflatedBytes);
}

function noAnswer({ url, timeoutMs }: ConnectOptions): string {
  return `${url.host} accepts the TCP connection but does not answer the handshake within ${timeoutMs} ms. Is it stopped, or is this the port of something else? Allow more time with --timeout.`;
}

function openTcp(options: ConnectOptions): Promise<net.Socket> {
  const { url, timeoutMs } = options;
  const secure = url.protocol === "wss:";
  const port = Number(url.port || (secure ? 443 : 80));
  const host = url.hostname.replace(/^\[|\]$/g, "");
  return new Promise((resolve, reject) => {
    const tcp = net.connect({ host, port }).setNoDelay(true);
    const timer = setTimeout(() => {
      tcp.destroy();
      reject(
        new TargetLost(
          `No ${secure ? "TLS" : "TCP"} connection to ${url.host} within ${timeoutMs} ms. Check host and port, or allow more time with --timeout.`,
        ),
      );
    }, timeoutMs);
    const failed = (error: NodeJS.ErrnoException) => {
      clearTimeout(timer);
      reject(new TargetLost(connectFailure(url, error)));
    };
    const opened = (socket: net.Socket) => {
      clearTimeout(timer);
      socket.off("error", failed);
      resolve(socket);
    };
    tcp.on("error", failed);
    tcp.once("connect", () => {
      if (!secure) return opened(tcp);
      const name = net.isIP(host) ? {} : { servername: host };
      const socket = tls.connect({ socket: tcp, ...name, ca: options.ca, rejectUnauthorized: options.insecure !== true });
      tcpBelow.set(socket, tcp);
      socket.on("error", failed);
      socket.once("secureConnect", () => opened(socket));
    });
  });
}

/** TLS socket -> the TCP socket below it. */
const tcpBelow = new WeakMap<net.Socket, net.Socket>();

/** Node resets TCP sockets only. */
function resetTcp(socket: net.Socket): void {
  (tcpBelow.get(socket) ?? socket).resetAndDestroy();
}

/** Cause and next step, in one paragraph. */
function connectFailure(url: URL, error: NodeJS.ErrnoException): string {
  const code = error.code ?? "";
  if (code === "ECONNREFUSED") return `Nothing listens at ${url.host} (${code}). Start the server, or correct the URL.`;
  if (code === "ENOTFOUND" || code === "EAI_AGAIN")
    return `The host ${url.hostname} has no address (${code}). Correct the URL, or check the name server.`;
  if (url.protocol === "wss:" && (code.startsWith("ERR_SSL") || code === "EPROTO" || code === "ECONNRESET")) {
    return `${url.host} does not speak TLS (${code}). Use ws: instead of wss:, or give the TLS port.`;
  }
  if (url.protocol === "wss:" && /CERT|SELF_SIGNED|UNABLE_TO|ALTNAME/.test(code)) {
    return `The certificate of ${url.host} cannot be verified (${code}). Trust its authority with --ca or NODE_EXTRA_CA_CERTS, or add --insecure for a test server.`;
  }
  return `Cannot connect to ${url.host}: ${error.message}. Check host, port and network.`;
}

/** What `WireSocket` tells its owner. All in the order of the wire. */
export interface WireListener {
  /** A message, a control frame, or a clause that a frame breaks. */
  event(event: WireEvent): void;
  /** TCP has ended. `reset`: without a FIN, or by an error. Called once, last. */
  ended(how: "fin" | "reset"): void;
}

/** Reads a connection's bytes in place of `WireListener`. */
export interface ByteReader {
  bytes(chunk: Buffer): void;
  /** Called once, last. */
  ended(how: "fin" | "reset"): void;
}

/** One upgraded connection. */
export class WireSocket {
  answerPings: boolean;
  /** Whether a close frame is echoed, default true. */
  echoClose = true;
  readonly #socket: net.Socket;
  readonly #decoder = new FrameDecoder();
  readonly #reader: MessageReader;
  readonly #onData = (chunk: Buffer) => this.#read(chunk);
  #listener: WireListener | undefined;
  #early: Buffer | undefined;
  #sentClose = false;
  #gotClose = false;
  #forgotten = false;
  #masks = 0;
  #linger: NodeJS.Timeout | undefined;

  /** @param inflater where permessage-deflate was agreed */
  constructor(socket: net.Socket, early: Buffer, answerPings: boolean, inflater?: Inflater) {
    this.#socket = socket;
    this.#reader = new MessageReader("server", inflater);
    this.#early = early;
    this.answerPings = answerPings;
    socket.pause();
    socket.on("error", () => undefined); // `close` tells
  }

  /** Begins to read. What came before is not lost. */
  listen(listener: WireListener): void {
    this.#listener = listener;
    this.#socket.on("data", this.#onData);
    this.#socket.on("close", (hadError) => {
      clearTimeout(this.#linger);
      this.#listener?.ended(hadError ? "reset" : "fin");
    });
    const early = this.#early;
    this.#early = undefined;
    if (early !== undefined && early.length > 0) this.#read(early);
    this.#socket.resume();
  }

  /**
   * From now on the bytes go to `reader` as they come, beginning with those of a frame that is not whole yet. Nothing is parsed
   * or answered any more: pings and the close handshake are the reader's. To be called once, after `listen`.
   */
  takeBytes(reader: ByteReader): void {
    this.#listener = { event: () => undefined, ended: (how) => reader.ended(how) };
    this.#socket.off("data", this.#onData);
    const pending = this.#decoder.takePending();
    if (pending.length > 0) reader.bytes(pending);
    this.#socket.on("data", (chunk: Buffer) => reader.bytes(chunk));
  }

  get bytesWaiting(): number {
    return this.#socket.writableLength;
  }

  sendText(text: string): void {
    this.sendFrame({ opcode: opcode.text, payload: text });
  }

  /** Masked with a key of our own, unless it has one, or `mask` is false. */
  sendFrame(frame: FrameToEncode, mask = true): void {
    if (frame.opcode === opcode.close) this.#sentClose = true;
    this.sendBytes(encodeFrame(mask && frame.maskKey === undefined ? { ...frame, maskKey: this.#maskKey() } : frame));
  }

  sendBytes(bytes: Uint8Array): void {
    if (!this.#socket.destroyed && this.#socket.writable) this.#socket.write(bytes);
  }

  /** @param code undefined: a close frame without a code */
  sendClose(code: number | undefined, reason = ""): void {
    if (this.#sentClose) return;
    this.sendFrame({ opcode: opcode.close, payload: closePayload(code, reason) });
    this.#endSoon();
  }

  pause(): void {
    this.#socket.pause();
  }

  resume(): void {
    this.#socket.resume();
  }

  /** Sends a FIN. */
  end(): void {
    this.#socket.end();
  }

  /** Sends a RST. */
  reset(): void {
    resetTcp(this.#socket);
  }

  /** Forgets the connection, whatever is left. */
  destroy(): void {
    this.#forgotten = true;
    this.#socket.destroy();
  }

  /** Not random: keys need to be unforeseeable only to protect proxies (section 10.3), and a run shall be repeatable. */
  #maskKey(): number {
    this.#masks += 1;
    return Math.imul(this.#masks, 0x9e37_79b1) >>> 0;
  }

  #read(chunk: Buffer): void {
    try {
      for (const frame of this.#decoder.push(chunk))
        for (const event of this.#reader.read(frame)) {
          if (this.#forgotten) return; // a chunk may hold thousands of frames
          this.#take(event);
        }
    } catch (error) {
      if (!(error instanceof FrameTooLong)) throw error;
      this.#listener?.event({ kind: "broken", clause: "RFC 6455 section 5.2", how: error.message });
      this.destroy();
    }
  }

  #take(event: WireEvent): void {
    if (event.kind === "ping" && this.answerPings && !this.#sentClose)
      this.sendFrame({ opcode: opcode.pong, payload: event.payload });
    if (this.#gotClose && event.kind !== "broken") {
      this.#listener?.event({
        kind: "broken",
        clause: "RFC 6455 section 5.5.1",
        how: `a ${event.kind} frame after the close frame`,
      });
      return;
    }
    if (event.kind === "close") {
      this.#gotClose = true;
      if (this.echoClose) this.sendClose(event.code === 1005 ? undefined : event.code);
      this.#endSoon();
    }
    this.#listener?.event(event);
  }

  /** The server ends TCP first (section 7.1.1); one that does not is not waited for without end. */
  #endSoon(): void {
    this.#linger ??= setTimeout(() => this.#socket.destroy(), lingerMs);
  }
}
