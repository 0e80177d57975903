// Decides on an upgrade request, from its facts only: refuse it over HTTP, accept it, or accept it and close at once.
import { STATUS_CODES } from "node:http";
import { closeCodes, handshake, protocol, subprotocols } from "../generated/protocol.gen.ts";

export interface UpgradeFacts {
  /** Path and query of the request line. */
  readonly target: string;
  /** Such as `1.1`. */
  readonly httpVersion: string;
  readonly host: string | undefined;
  readonly upgrade: string | undefined;
  readonly version: string | undefined;
  readonly origin: string | undefined;
  /** The value of Sec-WebSocket-Protocol. */
  readonly offered: string | undefined;
  readonly authorization: string | undefined;
}

export interface UpgradeRules {
  readonly isDraining: boolean;
  /** `*` alone: any. */
  readonly allowedOrigins: readonly string[];
  /** For Retry-After, in seconds. */
  readonly retryAfterSeconds: number;
}

export type UpgradeDecision =
  | {
      readonly kind: "refuse";
      readonly status: number;
      readonly headers: readonly (readonly [string, string])[];
      readonly why: string;
    }
  /** `credential` is undefined where no carrier has one. */
  | { readonly kind: "accept"; readonly subprotocol: string; readonly credential: string | undefined }
  | { readonly kind: "close"; readonly code: number; readonly reason: string };

export function decideUpgrade(facts: UpgradeFacts, rules: UpgradeRules): UpgradeDecision {
  if (facts.host === undefined || facts.httpVersion !== "1.1") {
    // RFC 6455 section 4.2.1, items 1 and 2. Neither node:http nor ws checks these.
    return { kind: "refuse", status: 400, headers: [], why: "An upgrade is HTTP/1.1 and has a Host header." };
  }
  const [path, query] = splitTarget(facts.target);
  if (path !== protocol.address) return refuse("path-unknown", `The WebSocket is at ${protocol.address}.`);
  if (facts.upgrade?.toLowerCase() !== "websocket" || facts.version !== "13") {
    return refuse("not-an-upgrade", "Connect with a WebSocket client of version 13.", upgradeHeaders);
  }
  if (facts.origin !== undefined && !isAllowedOrigin(facts.origin, rules.allowedOrigins)) {
    return refuse("origin-not-allowed", "Pages of this origin may not connect.");
  }
  if (rules.isDraining) {
    return refuse("draining", "The server restarts.", [["Retry-After", `${rules.retryAfterSeconds}`]]);
  }
  const offered = (facts.offered ?? "").split(",").map((name) => name.trim());
  const subprotocol = subprotocols.find((name) => offered.includes(name));
  if (subprotocol === undefined) {
    return { kind: "close", code: closeCodes.SUBPROTOCOL_NOT_ACCEPTABLE.code, reason: `offer ${subprotocols.join(" or ")}` };
  }
  return { kind: "accept", subprotocol, credential: findCredential(facts.authorization, offered, query) };
}

/** Headers of a 426 response (RFC 9110 section 15.5.22, RFC 6455 section 4.4). */
export const upgradeHeaders: readonly (readonly [string, string])[] = [
  ["Upgrade", "websocket"],
  ["Connection", "Upgrade"],
  ["Sec-WebSocket-Version", "13"],
];

/** The complete response to a refused upgrade. */
export function encodeRefusal({ status, headers, why }: Extract<UpgradeDecision, { kind: "refuse" }>): string {
  const isClosing = !headers.some(([name]) => name === "Connection");
  const lines = [
    `HTTP/1.1 ${status} ${STATUS_CODES[status]}`,
    ...headers.map(([name, value]) => `${name}: ${value}`),
    ...(isClosing ? ["Connection: close"] : []),
    "Content-Type: text/plain; charset=utf-8",
    `Content-Length: ${Buffer.byteLength(why)}`,
  ];
  return `${lines.join("\r\n")}\r\n\r\n${why}`;
}

/** The status that the document gives for a refusal. */
export function refusalStatus(when: (typeof handshake.refusals)[number]["when"]): number {
  const { outcome } = handshake.refusals.find((refusal) => refusal.when === when)!;
  if (!("http" in outcome)) throw new Error(`the document refuses ${when} with a close code`);
  return outcome.http;
}

function refuse(
  when: Parameters<typeof refusalStatus>[0],
  why: string,
  headers: readonly (readonly [string, string])[] = [],
): UpgradeDecision {
  return { kind: "refuse", status: refusalStatus(when), headers, why };
}

function splitTarget(target: string): readonly [path: string, query: string] {
  const at = target.indexOf("?");
  return at === -1 ? [target, ""] : [target.slice(0, at), target.slice(at + 1)];
}

/** Whether pages of this origin may connect. */
export function isAllowedOrigin(origin: string, allowed: readonly string[]): boolean {
  return allowed[0] === "*" || allowed.includes(origin.toLowerCase());
}

/** The credential of the first carrier, in the order of the document, that has one. A later carrier is not tried. */
function findCredential(authorization: string | undefined, offered: readonly string[], query: string): string | undefined {
  for (const carrier of handshake.credentials.carriers) {
    if (carrier.in === "header") {
      const token = bearerToken(authorization);
      if (token !== undefined) return token;
    } else if (carrier.in === "subprotocol") {
      const pair = offered.find((name) => name.startsWith(carrier.prefix));
      if (pair !== undefined) return Buffer.from(pair.slice(carrier.prefix.length), carrier.encoding).toString();
    } else {
      const token = new URLSearchParams(query).get(carrier.name);
      if (token !== null && token !== "") return token;
    }
  }
  return undefined;
}

/** The token of an Authorization header. The scheme is case-insensitive (RFC 9110 section 11.1). */
export function bearerToken(authorization: string | undefined): string | undefined {
  const { prefix } = handshake.credentials.carriers.find((carrier) => carrier.in === "header")!;
  if (authorization?.slice(0, prefix.length).toLowerCase() !== prefix.toLowerCase()) return undefined;
  return authorization.slice(prefix.length).trim();
}
