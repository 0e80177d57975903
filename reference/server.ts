// The server: one port for HTTP and WebSocket, its connections, from start to the end of the drain.
import { createServer, type IncomingMessage, type Server } from "node:http";
import { createServer as createTlsServer, type ServerOptions as HttpsOptions, type Server as TlsServer } from "node:https";
import type { AddressInfo, Socket } from "node:net";
import { setTimeout as sleep } from "node:timers/promises";
import { type ServerOptions, WebSocketServer } from "ws";
import { closeCodes, subprotocols } from "../generated/protocol.gen.ts";
import type { Clock } from "./clock.ts";
import type { Config } from "./config.ts";
import { Connection, type ConnectionContext, ConnectionSocket } from "./connection.ts";
import { drain } from "./drain.ts";
import type { FanOut } from "./fan-out.ts";
import { decideUpgrade, encodeRefusal, isAllowedOrigin } from "./handshake.ts";
import { createHttpRoutes, createMetricsRoutes } from "./http-routes.ts";
import type { Hub } from "./hub/hub.ts";
import type { Logger } from "./log.ts";
import { createMetrics } from "./metrics.ts";
import { randomId } from "./random-id.ts";
import { noRevocations, readRevocations } from "./revocations.ts";
import { Session } from "./session.ts";
import type { SessionContext } from "./session-context.ts";
import { forwardedAddress, SocketRegistry, socketStates, socketsWithinDescriptors } from "./sockets.ts";
import { readCertificate, type TlsFiles, watchCertificate } from "./tls.ts";
import { createToken, createTokenVerifier } from "./tokens.ts";

/** How long ws waits for the answer to a close frame. */
const closeTimeoutMs = 5_000;
/** Connections that wait to be accepted: a reconnect storm must not wait for TCP to try again. The kernel's own limit is usually the same. */
const listenBacklog = 4_096;
/** Time for a whole HTTP request. */
const requestTimeoutMs = 30_000;

export interface ServerParts {
  readonly config: Config & { readonly jwtSecret: string };
  readonly hub: Hub;
  readonly clock: Clock;
  readonly log: Logger;
  /** The hub's own, where it has one. */
  readonly fanOut: FanOut;
}

export interface RunningServer {
  readonly port: number;
  /** Rejects new connections, closes all others, closes the hub. Resolves within 20 s; a second call waits for the same drain. */
  drain(): Promise<void>;
}

/**
 * Resolves when the server listens.
 * @throws the error of `listen`, such as EADDRINUSE
 */
export async function startServer({ config, hub, clock, log, fanOut }: ServerParts): Promise<RunningServer> {
  const connections = new Set<Connection>();
  let isDraining = false;
  /** Known once the server listens. */
  let allowedOrigins: readonly string[] = [];
  const registry = createSocketRegistry(config, log);
  const metrics = createMetrics({
    connections: () => connections.size,
    sockets: () => socketStates.map((state) => [state, registry.count(state)] as const),
    shed: () => registry.shed,
    isReady: () => !isDraining && hub.available,
    isRateLocal: () => hub.isRateLocal,
    delivered: () => fanOut.delivered,
  });
  const revocations = config.revocationsFile === undefined ? noRevocations : readRevocations(config.revocationsFile);
  const verifyToken = createTokenVerifier(config.jwtSecret, clock, revocations.isRevoked);
  const accessLog = config.accessLog ? log.child({ access: true }) : undefined;
  const failed = (error: unknown): void => log.error({ err: error }, "internal error");
  const sessionContext: SessionContext = {
    hub,
    clock,
    config,
    verifyToken,
    observer: { received: metrics.received, refused: metrics.refused, failed },
  };
  const connectionContext: ConnectionContext = {
    clock,
    config,
    random: Math.random,
    fanOut,
    closing: (tcp) => registry.setState(tcp, "closing"),
    ended(connection, code) {
      connections.delete(connection);
      metrics.closed(code);
      const { clientId, userId } = connection.session?.member ?? {};
      log.debug({ clientId, code }, "closed");
      accessLog?.info({ event: "closed", clientId, userId, address: connection.address, code });
    },
  };

  const app = createHttpRoutes({
    config,
    hub,
    metrics,
    verifyToken,
    accessLog,
    isDraining: () => isDraining,
    failed,
    allowsOrigin: (origin) => isAllowedOrigin(origin, allowedOrigins),
    signDevToken: config.dev
      ? ({ name, roles, lifetimeSeconds }) => createToken(config.jwtSecret, name, roles, lifetimeSeconds)
      : undefined,
  });
  const timeouts = {
    headersTimeout: config.headersTimeoutMs,
    requestTimeout: Math.max(requestTimeoutMs, config.headersTimeoutMs),
    // How often Node checks for late headers. Its default is 30 s.
    connectionsCheckingInterval: Math.min(1_000, config.headersTimeoutMs),
  };
  const tlsServer = config.tls && createTls(config.tls, { ...timeouts, handshakeTimeout: config.headersTimeoutMs });
  const server = tlsServer?.on("request", app) ?? createServer(timeouts, app);
  // Not `server.timeout`: that is one more timer for each WebSocket. Until a request has come, headersTimeout bounds a socket.
  server.on("request", ({ socket }) => socket.setTimeout(requestTimeoutMs));
  if (tlsServer) registry.ownTls(server);
  else registry.own(server);
  const sockets = new WebSocketServer<typeof ConnectionSocket>({
    noServer: true,
    WebSocket: ConnectionSocket,
    clientTracking: false,
    perMessageDeflate: false,
    maxPayload: config.limits.messageBytes,
    // Empty fragments have no bytes that a limit could count. Beyond this ws closes with 1008.
    maxFragments: 1_024,
    closeTimeout: closeTimeoutMs,
    // Connection limits control frames and closes with a code. ws would end the connection without one.
    maxPendingAutoPongs: 0,
    handleProtocols: (offered) => subprotocols.find((name) => offered.has(name)) ?? false,
  } as ServerOptions<typeof ConnectionSocket>);

  server.on("upgrade", (request: IncomingMessage, tcp: Socket, head: Buffer) => {
    // A reset before ws listens would end the process.
    tcp.on("error", ignore);
    const { headers } = request;
    const decision = decideUpgrade(
      {
        target: request.url ?? "",
        httpVersion: request.httpVersion,
        host: headers.host,
        upgrade: headers.upgrade,
        version: headers["sec-websocket-version"],
        origin: headers.origin,
        offered: headers["sec-websocket-protocol"],
        authorization: headers.authorization,
      },
      { isDraining, allowedOrigins, retryAfterSeconds: Math.ceil(config.reconnectWithinMs / 1000) },
    );
    if (decision.kind === "refuse") {
      metrics.upgraded(`${decision.status}`);
      accessLog?.info({ event: "refused", address: addressOf(request), status: decision.status });
      registry.refuse(tcp, encodeRefusal(decision));
      return;
    }
    const address = addressOf(request);
    const admission = registry.admit(tcp, address);
    // The 101 and the greeting, or the close frame, go out in one write.
    tcp.cork();
    sockets.handleUpgrade(request, tcp, head, (socket) => {
      tcp.off("error", ignore);
      registry.setState(tcp, "open");
      const connection = new Connection(socket, tcp, address, connectionContext);
      connections.add(connection);
      if (decision.kind === "close") close(connection, decision.code, decision.reason);
      else if (admission !== "ok") close(connection, closeCodes.TRY_AGAIN_LATER.code, fullReasons[admission]);
      else if (decision.credential === undefined) close(connection, closeCodes.UNAUTHENTICATED.code, "no token");
      else admit(connection, decision.credential);
    });
    tcp.uncork();
  });

  /** Refusals after the upgrade use a close code, because a browser shows only 1006 for any HTTP refusal. */
  function admit(connection: Connection, credential: string): void {
    const identity = verifyToken(credential);
    if (typeof identity === "string") {
      close(connection, closeCodes.UNAUTHENTICATED.code, `token ${identity}`);
      return;
    }
    metrics.upgraded("accepted");
    const session = new Session(`c-${randomId()}`, identity, sessionContext, connection);
    log.debug({ clientId: session.member.clientId }, "connected");
    accessLog?.info({
      event: "connected",
      clientId: session.member.clientId,
      userId: identity.userId,
      address: connection.address,
    });
    connection.start(session);
  }
  const addressOf = ({ headers, socket }: IncomingMessage): string | undefined =>
    forwardedAddress(headers["x-forwarded-for"], config.trustedProxyHops) ?? socket.remoteAddress;
  function close(connection: Connection, code: number, reason: string): void {
    metrics.upgraded(`${code}`);
    connection.close(code, reason);
  }

  revocations.watch(
    () => {
      log.info("the revocations have changed");
      for (const { session } of connections) session?.closeIfRevoked(revocations.isRevoked);
    },
    (error) => log.error({ reason: error.message }, "the revocations cannot be read: the list before stays in force"),
  );

  const unwatch =
    tlsServer &&
    watchCertificate(
      config.tls!,
      (certificate) => {
        tlsServer.setSecureContext(certificate);
        log.info("the certificate has changed");
      },
      (error) => log.error({ reason: error.message }, "the certificate cannot be read: the one before stays in force"),
    );

  const port = await listen(server, config.port, config.host);
  if (registry.maxSockets < config.maxConnections) {
    const { maxSockets } = registry;
    log.warn({ maxSockets }, "the descriptor limit (ulimit -n) allows fewer sockets than MAX_CONNECTIONS");
  }
  allowedOrigins =
    config.allowedOrigins ??
    ["localhost", "127.0.0.1", "[::1]"].map((name) => `${tlsServer ? "https" : "http"}://${name}:${port}`);
  const metricsServer = config.metricsPort === undefined ? undefined : createServer(createMetricsRoutes(metrics));
  if (metricsServer) {
    metricsServer.timeout = requestTimeoutMs;
    registry.own(metricsServer);
    await listen(metricsServer, config.metricsPort!, config.host);
  }

  let ending: Promise<void> | undefined;
  async function end(): Promise<void> {
    isDraining = true;
    log.info({ connections: connections.size }, "draining");
    revocations.close();
    unwatch?.();
    await drain(connections, config, sleep);
    await hub.close();
    for (const one of [server, metricsServer]) {
      one?.close();
      one?.closeAllConnections();
    }
    registry.destroyAll();
    log.info("drained");
  }
  return {
    port,
    drain: () => {
      ending ??= end();
      return ending;
    },
  };
}

const fullReasons = { full: "this node is full", "address-full": "too many connections from this address" } as const;
/** Dropped sockets are logged at most this often. */
const shedLogMs = 10_000;

function createSocketRegistry({ maxConnections, connectionsPerAddress = maxConnections }: Config, log: Logger): SocketRegistry {
  const possible = socketsWithinDescriptors() ?? maxConnections;
  // The share above the limit that is still answered needs descriptors too.
  const maxSockets = Math.min(maxConnections, Math.floor(possible / 1.06));
  let loggedAtMs = Number.NEGATIVE_INFINITY;
  return new SocketRegistry({ maxSockets, maxPerAddress: connectionsPerAddress }, (shed) => {
    if (performance.now() - loggedAtMs < shedLogMs) return;
    loggedAtMs = performance.now();
    log.warn({ shed, maxSockets }, "dropping new sockets: too many are open");
  });
}

function createTls(files: TlsFiles, options: HttpsOptions): TlsServer {
  return createTlsServer({ ...options, ...readCertificate(files) });
}

function ignore(): void {}

function listen(server: Server, port: number, host: string): Promise<number> {
  return new Promise((resolve, reject) => {
    server.once("error", reject);
    server.listen({ port, host, backlog: listenBacklog }, () => {
      server.off("error", reject);
      resolve((server.address() as AddressInfo).port);
    });
  });
}
