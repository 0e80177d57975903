// Starts the mock: one port for every endpoint of the document, its connections, and its orderly end.
import { createServer, type IncomingMessage, type Server, STATUS_CODES } from "node:http";
import type { AddressInfo, Socket } from "node:net";
import { type ServerOptions, WebSocketServer } from "ws";
import type { Contract } from "../../spec/contract.ts";
import { endpointFor, endpointsOf, pathOf } from "../../spec/endpoints.ts";
import { lookup } from "../../spec/pointer.ts";
import { schemasAt } from "../../spec/schema-walk.ts";
import { withDrawnExamples } from "../schema/drawn-examples.ts";
import { UsageError } from "../schema/errors.ts";
import { createPrng } from "../schema/prng.ts";
import { Connection } from "./connection.ts";
import { createCredentialCheck, type MockAuth } from "./credential.ts";
import { Engine } from "./engine.ts";
import { createFaults } from "./faults.ts";
import { decideUpgrade, refusalFor, type UpgradeDecision } from "./handshake.ts";
import { createHttpOperations } from "./http-operations.ts";
import { numbersInForce } from "./numbers.ts";
import type { Session } from "./session.ts";

export interface MockOptions {
  readonly contract: Contract;
  /** 0: any free port. */
  readonly port: number;
  readonly host: string;
  readonly seed: number;
  readonly latencyMs: number;
  readonly faults: readonly string[];
  readonly auth: MockAuth;
  /** Beside pages of this machine: `*` for all. */
  readonly origins: readonly string[];
  /** Numbers in place of the document's. */
  readonly set: Readonly<Record<string, string>>;
  /** Connections at once. */
  readonly maxConnections: number;
}

export interface ReceivedFrame {
  readonly connection: number;
  readonly text: string;
}

export interface Mock {
  readonly port: number;
  /** `ws://HOST:PORT/PATH` of each endpoint. */
  readonly urls: readonly string[];
  readonly engines: readonly Engine[];
  connections(): readonly { readonly connection: Connection; readonly engine: Engine; readonly session: Session }[];
  /** Called with each text frame of a client until the function that it returns is called. */
  onReceived(listener: (frame: ReceivedFrame) => void): () => void;
  /** Says goodbye as the document does, closes all connections, and ends. Safe to call twice. */
  stop(): Promise<void>;
}

const closeTimeoutMs = 2_000;
/** Messages of clients are read up to here where the document has no limit. */
const usualMessageBytes = 1_048_576;
const requestTimeoutMs = 30_000;

/** @throws UsageError where the document has no WebSocket channel, or an option does not fit it; the error of `listen` */
export async function startMock(options: MockOptions): Promise<Mock> {
  const endpoints = endpointsOf(options.contract).map(
    ({ path }) => endpointFor(options.contract, `ws://localhost${filled(path)}`)!,
  );
  if (endpoints.length === 0) throw new UsageError(`the document ${options.contract.file} has no WebSocket channel`);
  const listeners = new Set<(frame: ReceivedFrame) => void>();
  let isDraining = false;
  const live = new Map<Connection, Engine>();
  const served = endpoints.map(({ contract, channel }) => {
    const engine = new Engine({
      contract: withDrawnExamples(contract),
      channel,
      numbers: numbersInForce(channel, options.set),
      checkCredential: createCredentialCheck(channel.handshake?.credentials, options.auth),
      seed: options.seed,
      nowMs: Date.now,
    });
    engine.onRenewed = (session) => {
      for (const connection of live.keys()) if (connection.session === session) connection.renewed();
    };
    const names = engine.protocol.serverMessages.map(({ name }) => name);
    const limit = channel.limits.find(({ kind }) => kind === "message-bytes");
    const sockets = new WebSocketServer({
      noServer: true,
      clientTracking: false,
      perMessageDeflate: false,
      maxPayload: limit?.close === 1009 ? engine.numbers.limit(limit) : Math.max(usualMessageBytes, (limit?.value ?? 0) * 2),
      closeTimeout: closeTimeoutMs,
      handleProtocols: (offered: Set<string>) => channel.handshake?.subprotocols.find((name) => offered.has(name)) ?? false,
    } as ServerOptions);
    return { engine, sockets, connection: { engine, latencyMs: options.latencyMs, faults: createFaults(options.faults, names) } };
  });
  const random = createPrng(options.seed);
  const calls = served.map(({ engine }) => createHttpOperations(engine))[0]!;
  const server = createServer({ requestTimeout: requestTimeoutMs, connectionsCheckingInterval: 1_000 }, (request, response) => {
    if (isDraining) response.setHeader("Connection", "close");
    if (calls(request, response)) return;
    const own = findEndpoint(request);
    const decision = refusalFor((own ?? served[0]!).engine.channel, own === undefined ? "path-unknown" : "not-an-upgrade");
    const { status, why } = decision?.kind === "refuse" ? decision : { status: 404, why: "no such path" };
    const upgrade = status === 426 ? { Upgrade: "websocket", Connection: "Upgrade", "Sec-WebSocket-Version": "13" } : {};
    response.writeHead(status, { "Content-Type": "text/plain; charset=utf-8", ...upgrade }).end(why);
  });
  server.timeout = requestTimeoutMs;

  const findEndpoint = (request: IncomingMessage) => {
    const { pathname } = new URL(request.url ?? "/", "http://localhost");
    const found = endpointFor(options.contract, `ws://localhost${pathname}`);
    const isSame = ({ engine }: (typeof served)[number]) => engine.channel.id === found?.channel.id;
    const one = served.find(isSame);
    // With a single endpoint every path fits: only its own one counts.
    return one !== undefined && fits(options.contract, one.engine, pathname) ? one : undefined;
  };

  server.on("upgrade", (request: IncomingMessage, tcp: Socket, head: Buffer) => {
    tcp.on("error", () => undefined);
    tcp.setNoDelay(true);
    tcp.setTimeout(0);
    const own = findEndpoint(request);
    if (own === undefined) {
      rejectUpgrade(tcp, refusalFor(served[0]!.engine.channel, "path-unknown")!);
      return;
    }
    const { engine, sockets } = own;
    const limits = engine.channel.limits.filter((limit) => limit.kind === "connections");
    const decision: UpgradeDecision =
      /^websocket$/i.test(request.headers.upgrade ?? "") && request.method === "GET"
        ? decideUpgrade(
            {
              httpVersion: request.httpVersion,
              headers: request.headers,
              query: new URL(request.url!, "http://localhost").searchParams,
            },
            {
              channel: engine.channel,
              isDraining,
              isAllowedOrigin: (origin) => isLocal(origin) || options.origins.includes(origin) || options.origins.includes("*"),
              check: (credential) => engine.checkCredential(credential),
              isFull: (claims) =>
                live.size >= options.maxConnections ||
                limits.some(
                  (limit) =>
                    limit.kind === "connections" && engine.connectionsOf(limit.per, claims) >= engine.numbers.limit(limit),
                ),
            },
          )
        : refusalFor(engine.channel, "not-an-upgrade")!;
    if (decision.kind === "refuse") {
      rejectUpgrade(tcp, decision);
      return;
    }
    sockets.handleUpgrade(request, tcp, head, (socket) => {
      if (decision.kind === "close") {
        socket.on("error", () => undefined);
        socket.close(decision.code, decision.why);
        return;
      }
      const connection = new Connection(socket, tcp, decision.claims, decision.expiresAtMs, {
        ...own.connection,
        random,
        onReceived: (session, text) => {
          for (const listener of listeners) listener({ connection: session.id, text });
        },
      });
      if (connection.session === undefined) {
        const refused = refusalFor(engine.channel, "credential-invalid");
        socket.close(refused?.kind === "close" ? refused.code : 1008, "the claims do not fit");
        return;
      }
      live.set(connection, engine);
      socket.on("close", () => live.delete(connection));
    });
  });

  const port = await listen(server, options.port, options.host);
  const host = options.host.includes(":") ? `[${options.host}]` : options.host;
  let ending: Promise<void> | undefined;
  async function end(): Promise<void> {
    isDraining = true;
    for (const [connection, engine] of live) sayGoodbye(connection, engine);
    const untilMs = Date.now() + closeTimeoutMs;
    while (live.size > 0 && Date.now() < untilMs) await new Promise((resolve) => setTimeout(resolve, 20));
    for (const connection of live.keys()) connection.terminate();
    await new Promise<void>((resolve) => {
      server.close(() => resolve());
      server.closeAllConnections();
    });
  }
  return {
    port,
    urls: served.map(({ engine }) => `ws://${host}:${port}${pathOf(options.contract, engine.channel)}`),
    engines: served.map(({ engine }) => engine),
    connections: () =>
      [...live].flatMap(([connection, engine]) =>
        connection.session ? [{ connection, engine, session: connection.session }] : [],
      ),
    onReceived(listener) {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
    stop: () => {
      ending ??= end();
      return ending;
    },
  };
}

/** The message that tells over which time clients may come back, then the close code of a restart. */
function sayGoodbye(connection: Connection, { channel, protocol, factory, contract }: Engine): void {
  const code = channel.closeCodes.find(({ reconnect, by }) => reconnect === "spread" && by !== "client");
  const at = code?.spreadMsAt;
  const message =
    at === undefined
      ? undefined
      : (protocol.serverMessages.find(({ examples }) => examples.some(({ payload }) => lookup(payload, at) !== undefined)) ??
        protocol.serverMessages.find(({ payload }) => schemasAt(payload, at, contract.definitions) !== undefined));
  if (message !== undefined) connection.send(JSON.stringify(factory.build(message.name, [])), message.name);
  const declared = [1001, 1000].find((one) => channel.closeCodes.some((other) => other.code === one));
  connection.close(code?.code ?? declared ?? 1001, "the mock ends");
}

function rejectUpgrade(tcp: Socket, decision: UpgradeDecision): void {
  const { status, headers, why } =
    decision.kind === "refuse" ? decision : { status: 400, headers: [] as readonly string[], why: "refused" };
  const values: Readonly<Record<string, string>> = { "Retry-After": "1", "Sec-WebSocket-Version": "13" };
  const named = status === 426 ? [...headers, "Sec-WebSocket-Version"] : headers;
  const lines = [
    `HTTP/1.1 ${status} ${STATUS_CODES[status] ?? "Refused"}`,
    ...[...new Set(named)].map((name) => `${name}: ${values[name] ?? "Bearer"}`),
    ...(status === 426 ? ["Upgrade: websocket", "Connection: Upgrade, close"] : ["Connection: close"]),
    "Content-Type: text/plain; charset=utf-8",
    `Content-Length: ${Buffer.byteLength(why)}`,
  ];
  tcp.end(`${lines.join("\r\n")}\r\n\r\n${why}`);
  setTimeout(() => tcp.destroy(), closeTimeoutMs).unref();
}

function isLocal(origin: string): boolean {
  return /^https?:\/\/(localhost|127\.0\.0\.1|\[::1\])(:\d+)?$/i.test(origin);
}

/** A path that fits the pattern. */
const filled = (path: string) => path.replaceAll(/\{[^{}]*\}/g, "x");

function fits(contract: Contract, { channel }: Engine, pathname: string): boolean {
  const patterns = endpointsOf(contract).filter(({ channels }) => channels.includes(channel.id));
  return patterns.some(({ path }) => {
    const source = path
      .replace(/(.)\/$/, "$1")
      .split(/\{[^{}]*\}/)
      .map((part) => part.replaceAll(/[.*+?^$()|[\]{}\\/-]/g, "\\$&"));
    return new RegExp(`^${source.join("[^/]+")}/?$`).test(pathname);
  });
}

function listen(server: Server, port: number, host: string): Promise<number> {
  return new Promise((resolve, reject) => {
    server.once("error", reject);
    server.listen(port, host, () => {
      server.off("error", reject);
      resolve((server.address() as AddressInfo).port);
    });
  });
}
