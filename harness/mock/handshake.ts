// Decides on an upgrade as the document says: refuse it over HTTP, accept it and close at once, or accept it. Pure.
import type { Carrier, Channel, Refusal } from "../../spec/contract.ts";
import { type Checked, holds } from "./credential.ts";

export interface UpgradeFacts {
  readonly httpVersion: string;
  /** Names in lower case. */
  readonly headers: Readonly<Record<string, string | string[] | undefined>>;
  readonly query: URLSearchParams;
}

export interface UpgradeRules {
  readonly channel: Channel;
  readonly isDraining: boolean;
  isAllowedOrigin(origin: string): boolean;
  check(credential: string): Checked;
  /** Whether one more connection with these claims is too many. */
  isFull(claims: ReadonlyMap<string, unknown>): boolean;
}

export type UpgradeDecision =
  | { readonly kind: "refuse"; readonly status: number; readonly headers: readonly string[]; readonly why: string }
  | { readonly kind: "close"; readonly code: number; readonly why: string }
  | { readonly kind: "accept"; readonly claims: ReadonlyMap<string, unknown>; readonly expiresAtMs: number };

type When = Refusal["when"];

/** Statuses where the document does not say how a refusal looks. */
const usual: Partial<Record<When, number>> = {
  "path-unknown": 404,
  "not-an-upgrade": 426,
  draining: 503,
  "credential-missing": 401,
  "credential-invalid": 401,
  "credential-expired": 401,
};

/** How the document refuses; undefined where it does not refuse for this. */
export function refusalFor(channel: Channel, when: When): UpgradeDecision | undefined {
  const outcome = channel.handshake?.refusals.find((one) => one.when === when)?.outcome;
  if (outcome === undefined) {
    const status = usual[when];
    return status === undefined ? undefined : { kind: "refuse", status, headers: [], why: when };
  }
  return "http" in outcome
    ? { kind: "refuse", status: outcome.http, headers: outcome.headers, why: when }
    : { kind: "close", code: outcome.close, why: when };
}

export function decideUpgrade({ headers, httpVersion, query }: UpgradeFacts, rules: UpgradeRules): UpgradeDecision {
  const { channel } = rules;
  const { handshake } = channel;
  const text = (name: string) => [headers[name] ?? ""].flat().join(", ");
  const broken = brokenUpgrade(httpVersion, text);
  if (broken !== undefined) return broken;
  const origin = text("origin");
  if (origin !== "" && !rules.isAllowedOrigin(origin)) {
    const refused = refusalFor(channel, "origin-not-allowed");
    if (refused !== undefined) return refused;
  }
  if (rules.isDraining) return refusalFor(channel, "draining")!;
  for (const field of [...(handshake?.query ?? []), ...(handshake?.headers ?? [])]) {
    const isQuery = handshake?.query.includes(field) === true;
    const got = isQuery ? query.get(field.name) : headers[field.name.toLowerCase()];
    const isCredential = handshake?.credentials?.carriers.some(
      (carrier) => carrier.in !== "subprotocol" && carrier.name.toLowerCase() === field.name.toLowerCase(),
    );
    if (field.required && !isCredential && (got === null || got === undefined || got === ""))
      return { kind: "refuse", status: 400, headers: [], why: `${isQuery ? "query" : "header"} ${field.name} is missing` };
  }
  const offered = text("sec-websocket-protocol")
    .split(",")
    .map((name) => name.trim())
    .filter((name) => name !== "");
  if (
    handshake !== undefined &&
    handshake.subprotocols.length > 0 &&
    !handshake.subprotocols.some((name) => offered.includes(name))
  ) {
    const refused = refusalFor(channel, "subprotocol-not-acceptable");
    if (refused !== undefined) return refused;
  }
  const open = { kind: "accept", claims: new Map<string, unknown>(), expiresAtMs: Number.POSITIVE_INFINITY } as const;
  if (handshake?.credentials === undefined) return open;
  const credential = findCredential(handshake.credentials.carriers, text, offered, query);
  if (credential === undefined) return refusalFor(channel, "credential-missing")!;
  const checked = rules.check(credential);
  if (checked.kind !== "good") return refusalFor(channel, `credential-${checked.kind}`)!;
  for (const refusal of handshake.refusals) {
    if (refusal.when !== "claim" || refusal.claim === undefined) continue;
    if (!holds(checked.claims.get(refusal.claim), refusal.contains)) continue;
    return "http" in refusal.outcome
      ? { kind: "refuse", status: refusal.outcome.http, headers: refusal.outcome.headers, why: refusal.when }
      : { kind: "close", code: refusal.outcome.close, why: refusal.when };
  }
  if (rules.isFull(checked.claims)) {
    const refused = refusalFor(channel, "too-many-connections");
    if (refused !== undefined) return refused;
  }
  return { ...open, claims: checked.claims, expiresAtMs: checked.expiresAtMs };
}

/** What RFC 6455 section 4.2.1 asks of the request. */
function brokenUpgrade(httpVersion: string, text: (name: string) => string): UpgradeDecision | undefined {
  const refuse = (status: number, why: string, headers: readonly string[] = []) =>
    ({ kind: "refuse", status, headers, why }) as const;
  if (text("host") === "") return refuse(400, "no Host header");
  if (httpVersion === "1.0" || httpVersion === "0.9") return refuse(400, "HTTP/1.1 is needed");
  if (text("sec-websocket-version") !== "13") return refuse(426, "version 13 is needed", ["Sec-WebSocket-Version"]);
  const key = text("sec-websocket-key");
  if (!/^[A-Za-z0-9+/]{22}==$/.test(key)) return refuse(400, "no valid Sec-WebSocket-Key");
  const offered = text("sec-websocket-protocol");
  const names = offered.split(",").map((name) => name.trim());
  if (offered !== "" && (names.some((name) => !/^[!#$%&'*+.^_`|~\w-]+$/.test(name)) || new Set(names).size < names.length))
    return refuse(400, "no valid Sec-WebSocket-Protocol");
  return undefined;
}

/** The credential of the first carrier, in the order of the document, that has one. */
function findCredential(
  carriers: readonly Carrier[],
  text: (name: string) => string,
  offered: readonly string[],
  query: URLSearchParams,
): string | undefined {
  for (const carrier of carriers) {
    if (carrier.in === "header") {
      const value = text(carrier.name.toLowerCase());
      const found = afterPrefix(value, carrier.prefix);
      if (found !== undefined) return found;
    } else if (carrier.in === "subprotocol") {
      const name = offered.find((one) => one.startsWith(carrier.prefix) && one.length > carrier.prefix.length);
      const rest = name?.slice(carrier.prefix.length);
      if (rest !== undefined) return carrier.encoding === "base64url" ? Buffer.from(rest, "base64url").toString("utf8") : rest;
    } else {
      const value = query.get(carrier.name);
      if (value !== null && value !== "") return value;
    }
  }
  return undefined;
}

/** An authentication scheme is case-insensitive (RFC 9110 section 11.1). A cookie may stand behind others. */
export function afterPrefix(value: string, prefix: string): string | undefined {
  if (prefix.endsWith("=")) {
    const cookie = value.split(/;\s*/).find((one) => one.startsWith(prefix));
    return cookie === undefined || cookie.length === prefix.length ? undefined : cookie.slice(prefix.length);
  }
  if (value.slice(0, prefix.length).toLowerCase() !== prefix.toLowerCase()) return undefined;
  const rest = value.slice(prefix.length).trim();
  return rest === "" ? undefined : rest;
}
