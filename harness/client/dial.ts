// The request of a handshake, from the contract and what a rule wants different. Pure.
import { createHash } from "node:crypto";
import type { Carrier, Channel } from "../../spec/contract.ts";
import { Violation } from "../schema/errors.ts";
import type { User } from "./received.ts";
import type { TestClient } from "./test-client.ts";
import type { UpgradeRequest } from "./wire/upgrade.ts";

export interface DialOptions {
  /** Default: a fresh user. */
  readonly user?: User;
  /** Index of the URL, default 0. */
  readonly node?: number;
  /** Default: the user's; null: none. */
  readonly credential?: string | null;
  /** Default: the contract's first. */
  readonly carrier?: Carrier;
  /** More credentials beside it, each by a carrier of its own. */
  readonly also?: readonly { readonly carrier: Carrier; readonly credential: string }[];
  /** Offered ones; default the contract's. A carrier in a subprotocol adds its own. */
  readonly subprotocols?: readonly string[];
  /** Default: the run's `--origin`; null: no Origin header. */
  readonly origin?: string | null;
  /** In place of the URL's path. */
  readonly path?: string;
  /** Set or, by undefined, left out of the request. Names as they shall be written. */
  readonly headers?: Readonly<Record<string, string | undefined>>;
  /** Default `GET`. */
  readonly method?: string;
  /** Default `HTTP/1.1`. */
  readonly httpVersion?: string;
  /** Whether to wait for the contract's first message, default true. */
  readonly awaitFirst?: boolean;
  /** Whether to send at once what a limit of kind `first-message` waits for, so that it can stay open idle. Default false. */
  readonly stays?: boolean;
  /** Whether to perform at once the login that the fence requires, where it requires one. Default true. */
  readonly logsIn?: boolean;
  /** Called with the connection as soon as it is open, before the first message. */
  readonly opened?: (client: TestClient) => void;
  /** Reset the TCP connection so long after the request was sent, in ms, whatever the answer. */
  readonly resetAfterMs?: number;
  /** Of an HTTP request. Nothing of a WebSocket is sent before the 101 (RFC 6455 section 4.1). */
  readonly body?: Uint8Array;
}

/** How the target answered a handshake. */
export type Attempt =
  | { readonly kind: "open"; readonly client: TestClient }
  /** Refused in HTTP. Header names in lower case. */
  | {
      readonly kind: "refused";
      readonly status: number;
      readonly headers: ReadonlyMap<string, string>;
      readonly body: string;
      /** The request as it was sent. */
      readonly request: string;
    }
  /** The TCP connection ended without an answer that we could read. */
  | { readonly kind: "dropped"; readonly how: string };

/** The target answered a handshake that should have been accepted in another way. */
export class HandshakeRejected extends Violation {
  readonly answer: Exclude<Attempt, { kind: "open" }>;
  constructor(answer: Exclude<Attempt, { kind: "open" }>, actual: string) {
    super("the handshake to be accepted", actual);
    this.answer = answer;
  }
}

export interface Dial {
  readonly url: URL;
  readonly channel: Channel;
  readonly options: DialOptions;
  readonly credential: string | undefined;
  readonly origin: string | undefined;
  /** Makes the key unlike any other of the run. */
  readonly connection: number;
}

/** Base64 of 16 bytes (RFC 6455 section 4.1), from a counter, because a run shall be repeatable. */
export function keyFor(connection: number): string {
  return createHash("md5").update(String(connection)).digest("base64");
}

export function createRequest({ url, channel, options, credential, origin, connection }: Dial): UpgradeRequest {
  const carriers = channel.handshake?.credentials?.carriers ?? [];
  const carried = [
    ...(credential !== undefined && carriers.length > 0 ? [{ carrier: options.carrier ?? carriers[0]!, credential }] : []),
    ...(options.also ?? []),
  ];
  const subprotocols = [...(options.subprotocols ?? channel.handshake?.subprotocols ?? [])];
  const query: string[] = [];
  const headers = new Map<string, string | undefined>([
    ["Host", url.host],
    ["Connection", "Upgrade"],
    ["Upgrade", "websocket"],
    ["Sec-WebSocket-Version", "13"],
    ["Sec-WebSocket-Key", keyFor(connection)],
    ["Origin", options.origin === null ? undefined : (options.origin ?? origin)],
  ]);
  const given = new URLSearchParams(options.path === undefined ? url.search : (/\?(.*)$/.exec(options.path)?.[1] ?? ""));
  for (const { name, value, required } of channel.handshake?.query ?? []) {
    if (required && value !== undefined && !given.has(name))
      query.push(`${encodeURIComponent(name)}=${encodeURIComponent(value)}`);
  }
  for (const { name, value, required } of channel.handshake?.headers ?? []) {
    if (required && value !== undefined) setHeader(headers, name, value);
  }
  for (const { carrier, credential } of carried) {
    if (carrier.in === "header") setHeader(headers, carrier.name, carrier.prefix + credential);
    else if (carrier.in === "subprotocol") subprotocols.push(carrier.prefix + encoded(carrier, credential));
    else query.push(`${encodeURIComponent(carrier.name)}=${encodeURIComponent(credential)}`);
  }
  setHeader(headers, "Sec-WebSocket-Protocol", subprotocols.length > 0 ? subprotocols.join(", ") : undefined);
  for (const [name, value] of Object.entries(options.headers ?? {})) setHeader(headers, name, value);
  const path = options.path ?? url.pathname + url.search;
  return {
    method: options.method ?? "GET",
    path: query.length > 0 ? `${path}${path.includes("?") ? "&" : "?"}${query.join("&")}` : path,
    httpVersion: options.httpVersion ?? "HTTP/1.1",
    headers: [...headers].flatMap(([name, value]) => (value === undefined ? [] : [[name, value] as const])),
  };
}

/** Headers that every handshake has. */
const usual = /^(host|connection: upgrade$|upgrade: websocket$|sec-websocket-(key|version: 13$))/i;

/** The request in one line for a person, what is usual left out and credentials hidden. */
export function describeRequest(request: UpgradeRequest, credentials: readonly string[]): string {
  const headers = request.headers.map(([name, value]) => `${name}: ${value}`).filter((line) => !usual.test(line));
  const text = [`${request.method} ${request.path}`, ...headers].join(", ");
  const secrets = credentials.flatMap((one) => [one, encodeURIComponent(one), Buffer.from(one).toString("base64url")]);
  return secrets.reduce((hidden, secret) => (secret === "" ? hidden : hidden.replaceAll(secret, "(credential)")), text);
}

/** How a credential stands in a subprotocol. */
export function encoded(carrier: Carrier & { readonly in: "subprotocol" }, credential: string): string {
  return carrier.encoding === "base64url" ? Buffer.from(credential).toString("base64url") : credential;
}

function setHeader(headers: Map<string, string | undefined>, name: string, value: string | undefined): void {
  for (const known of headers.keys()) if (known.toLowerCase() === name.toLowerCase()) headers.delete(known);
  headers.set(name, value);
}
