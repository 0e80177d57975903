// The fault proxy: a man in the middle between the harness and any server, which plants one fault. Without one it changes nothing.
import net from "node:net";
import type { Channel, Contract } from "../../../spec/contract.ts";
import type { Auth } from "../../client/credentials.ts";
import type { Messages } from "../../client/messages.ts";
import type { OnRequest, OnResponse, Transformation } from "../../conformance/faults/plan.ts";
import { UsageError } from "../../schema/errors.ts";
import { createDelay, type DelayOptions } from "../../testbed/delayed-writer.ts";
import { diesOf } from "./active-faults.ts";
import { type CredentialChecker, createCredentialChecker } from "./credential-checker.ts";
import { ProxiedConnection, type ProxyState } from "./proxied-connection.ts";
import { isUpgrade, parseRequest, type RewriteContext, rewriteRequest } from "./request.ts";
import { changed, emitResponse, parseResponse, statusOf } from "./response.ts";
import { createTraffic } from "./traffic.ts";

export interface ProxyOptions {
  /** `ws:` only. */
  readonly target: URL;
  readonly contract: Contract;
  readonly channel: Channel;
  readonly messages: Messages;
  /** Default none: transparent. */
  readonly transformations?: readonly Transformation[];
  /** The target's shared secret, for faults that accept invalid credentials. */
  readonly auth?: Auth;
  /** An origin that the target accepts. */
  readonly origin?: string;
  /** Default none. */
  readonly delays?: DelayOptions;
}

export interface FaultProxy {
  /** To connect to in place of the target's URL. */
  readonly url: string;
  /** Ends every connection through it. */
  close(): Promise<void>;
}

const maxHeadBytes = 65_536;
const slowUpgradeMs = 40;
/** For faults that do not concern credentials. */
const noChecker: CredentialChecker = { verdict: async () => undefined, good: async () => undefined };

/**
 * Starts it on a free port of 127.0.0.1.
 * @throws UsageError for a target that is not ws:
 */
export async function startProxy(options: ProxyOptions): Promise<FaultProxy> {
  const { target, contract, channel, messages, transformations = [], auth = {}, origin, delays } = options;
  if (target.protocol !== "ws:") throw new UsageError(`the fault proxy needs a target with ws:, got ${target.href}`);
  let streams = 0;
  const state: ProxyState = {
    transformations,
    traffic: createTraffic(contract, channel, messages),
    connections: new Set(),
    maxMessageBytes: channel.limits.find(({ kind }) => kind === "message-bytes")?.value ?? Number.POSITIVE_INFINITY,
    delay: delays === undefined ? undefined : () => createDelay(delays, streams++),
    died: (cause) => (diesOf(transformations, cause) ? die() : undefined),
  };
  const requestActs = transformations.filter((one): one is OnRequest => one.on === "request").map(({ act }) => act);
  const fixes = requestActs.some(({ do: what }) => what === "fix");
  const context: RewriteContext = {
    channel,
    path: target.pathname + target.search,
    origin,
    credentials: fixes ? createCredentialChecker(contract, channel, auth) : noChecker,
  };
  const responses = transformations.filter((one): one is OnResponse => one.on === "response");
  const change: Change = {
    responses,
    // One request a connection, so that the first answer is its answer.
    touchesResponses: responses.length > 0,
    request: async (head) => {
      // The server that dies of a reset meanwhile takes its time, so that no quick machine hides it.
      if (diesOf(transformations, "reset-during-upgrade")) await new Promise((resolve) => setTimeout(resolve, slowUpgradeMs));
      return rewritten(head, requestActs, responses.length > 0, context);
    },
  };
  const isTransparent = transformations.length === 0 && delays === undefined;
  const sockets = new Set<net.Socket>();
  const die = () => {
    server.close();
    for (const socket of sockets) socket.resetAndDestroy();
  };
  /** Clients that have their 101. */
  const opened = new WeakSet<net.Socket>();
  const port = Number(target.port || 80);

  const server = net.createServer({ allowHalfOpen: true, noDelay: true }, (client) => {
    const upstream = net.connect({ host: target.hostname, port, allowHalfOpen: true, noDelay: true });
    for (const socket of [client, upstream]) {
      sockets.add(socket);
      socket.on("error", () => undefined); // `close` tells
      socket.on("close", () => sockets.delete(socket));
    }
    client.on("close", (hadError) => {
      if (hadError && !opened.has(client)) state.died("reset-during-upgrade");
    });
    if (isTransparent) pipe(client, upstream);
    else void crossOver(client, upstream, state, change, () => opened.add(client));
  });
  await new Promise<void>((resolve, reject) => {
    server.once("error", reject);
    server.listen(0, "127.0.0.1", resolve);
  });
  const { port: ownPort } = server.address() as net.AddressInfo;
  return {
    url: `ws://127.0.0.1:${ownPort}${target.pathname}${target.search}`,
    async close() {
      const closed = new Promise<void>((resolve) => server.close(() => resolve()));
      for (const connection of state.connections) connection.destroy();
      for (const socket of sockets) socket.destroy();
      await closed;
    },
  };
}

interface Change {
  readonly responses: readonly OnResponse[];
  /** Whether answers to requests other than upgrades are changed. */
  readonly touchesResponses: boolean;
  /** The head as it goes on, with the empty line. */
  request(head: string): Promise<string>;
}

async function rewritten(
  head: string,
  acts: readonly OnRequest["act"][],
  closes: boolean,
  context: RewriteContext,
): Promise<string> {
  const request = parseRequest(head);
  if (request === undefined) return `${head}\r\n\r\n`;
  const last: OnRequest["act"] = { do: "set-header", name: "Connection", value: "close" };
  const all = closes && !isUpgrade(request) ? [...acts, last] : acts;
  return all.length === 0 ? `${head}\r\n\r\n` : rewriteRequest(request, all, context);
}

/** Passes the request's head, changed, then the rest. Anything but a request passes unchanged. */
async function crossOver(
  client: net.Socket,
  upstream: net.Socket,
  state: ProxyState,
  change: Change,
  onOpened: () => void,
): Promise<void> {
  const head = await readHead(client);
  const request = parseRequest(head.text);
  if (!head.whole || request === undefined) {
    upstream.write(head.bytes);
    pipe(client, upstream);
    return;
  }
  upstream.write(await change.request(head.text), "latin1");
  if (head.rest.length > 0) client.unshift(head.rest);
  if (!isUpgrade(request)) {
    // Its body goes on at once: the answer may wait for it.
    oneWay(client, upstream);
    if (!change.touchesResponses) {
      oneWay(upstream, client);
      return;
    }
  }
  const goOn = () => (isUpgrade(request) ? pipe(client, upstream) : oneWay(upstream, client));
  const answer = await readHead(upstream);
  if (client.destroyed || upstream.destroyed) {
    // The target refused the connection, or one side is gone already.
    upstream.destroy();
    client.resetAndDestroy();
    return;
  }
  if (!answer.whole) {
    client.write(answer.bytes);
    goOn();
    return;
  }
  const original = parseResponse(answer.text);
  const response = changed(original, change.responses, head.text);
  if (response === undefined) {
    client.end();
    upstream.destroy();
    return;
  }
  client.write(emitResponse(response), "latin1");
  if (answer.rest.length > 0) upstream.unshift(answer.rest);
  if (response.body !== undefined) {
    client.end();
    upstream.destroy();
    return;
  }
  if (statusOf(response) === 101) {
    onOpened();
    new ProxiedConnection(state, client, upstream).start();
  } else if (statusOf(original) === 101) {
    client.end();
    upstream.destroy();
  } else goOn();
}

/** Both ways, ends and resets included. */
function pipe(client: net.Socket, upstream: net.Socket): void {
  oneWay(client, upstream);
  oneWay(upstream, client);
}

function oneWay(from: net.Socket, to: net.Socket): void {
  from.pipe(to);
  from.on("close", (hadError) => (hadError ? to.resetAndDestroy() : to.end()));
}

interface Head {
  readonly whole: boolean;
  /** Up to and without the empty line. */
  readonly text: string;
  readonly rest: Buffer;
  /** All of it. */
  readonly bytes: Buffer;
}

/** Reads up to the empty line; `whole` is false where the other side ends before, or the head is too long. */
function readHead(socket: net.Socket): Promise<Head> {
  return new Promise((resolve) => {
    let bytes: Buffer = Buffer.alloc(0);
    const finish = (end: number) => {
      socket.off("data", onData).off("end", onEnd).off("close", onEnd);
      socket.pause();
      resolve({
        whole: end >= 0,
        text: bytes.subarray(0, Math.max(end, 0)).toString("latin1"),
        rest: end < 0 ? Buffer.alloc(0) : bytes.subarray(end + 4),
        bytes,
      });
    };
    const onData = (chunk: Buffer) => {
      bytes = Buffer.concat([bytes, chunk]);
      const end = bytes.indexOf("\r\n\r\n");
      if (end >= 0 || bytes.length > maxHeadBytes) finish(end);
    };
    const onEnd = () => finish(-1);
    socket.on("data", onData).on("end", onEnd).on("close", onEnd);
  });
}
