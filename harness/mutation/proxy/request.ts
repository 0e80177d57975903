// The client's handshake request on its way through the proxy: parsed, changed so that the server accepts it, and written again.
import type { Carrier, Channel } from "../../../spec/contract.ts";
import { emitRequest, type UpgradeRequest } from "../../client/wire/upgrade.ts";
import type { OnRequest } from "../../conformance/faults/plan.ts";
import type { CredentialChecker } from "./credential-checker.ts";

/** What a change to a request needs to know. */
export interface RewriteContext {
  readonly channel: Channel;
  /** Of the target, with query. */
  readonly path: string;
  /** One that the target accepts; undefined: none at all. */
  readonly origin: string | undefined;
  readonly credentials: CredentialChecker;
}

/** The head of a request, or undefined where it is none. @param head up to and without the empty line */
export function parseRequest(head: string): UpgradeRequest | undefined {
  const [line = "", ...lines] = head.split("\r\n");
  const [, method, path, httpVersion] = /^(\S+) (\S+) (HTTP\/\S+)$/.exec(line) ?? [];
  if (method === undefined || path === undefined || httpVersion === undefined) return undefined;
  const headers = lines.map((one): [string, string] => {
    const colon = one.indexOf(":");
    return [one.slice(0, colon), one.slice(colon + 1).trim()];
  });
  return { method, path, httpVersion, headers };
}

export function isUpgrade(request: UpgradeRequest): boolean {
  return header(request, "upgrade")?.toLowerCase() === "websocket";
}

/** The request as text, with all acts applied. */
export async function rewriteRequest(
  request: UpgradeRequest,
  acts: readonly OnRequest["act"][],
  context: RewriteContext,
): Promise<string> {
  let result = request;
  for (const act of acts) {
    if (act.do === "set-header") result = withHeader(result, act.name, act.value);
    else if (act.do === "drop-carrier") result = withoutCarrier(result, act, context.channel);
    else result = await makeAcceptable(result, act, context);
  }
  return emitRequest(result);
}

async function makeAcceptable(
  request: UpgradeRequest,
  act: OnRequest["act"] & { do: "fix" },
  context: RewriteContext,
): Promise<UpgradeRequest> {
  const { channel, path, origin, credentials } = context;
  const carriers = channel.handshake?.credentials?.carriers ?? [];
  switch (act.when) {
    case "path-unknown":
      return { ...request, path: path + (path.includes("?") ? "" : (/\?.*$/.exec(request.path)?.[0] ?? "")) };
    case "not-an-upgrade":
      return completed({ ...request, method: "GET", httpVersion: "HTTP/1.1" });
    case "origin-not-allowed":
      return header(request, "origin") === undefined ? request : withHeader(request, "Origin", origin);
    case "subprotocol-not-acceptable": {
      const accepted = channel.handshake?.subprotocols ?? [];
      const offered = offeredIn(request);
      if (offered.some((one) => accepted.includes(one))) return request;
      return withHeader(request, "Sec-WebSocket-Protocol", [...accepted.slice(0, 1), ...offered].join(", "));
    }
    case "draining":
      return request;
    default: {
      const carrier = carriers.find((one) => carried(request, one) !== undefined);
      const credential = carrier === undefined ? undefined : carried(request, carrier);
      if (act.when !== "too-many-connections" && (await credentials.verdict(credential)) !== act.when) return request;
      const good = await credentials.good();
      const place = carrier ?? carriers[0];
      return good === undefined || place === undefined ? request : withCredential(request, place, good);
    }
  }
}

/** With all that RFC 6455 section 4.1 asks for. */
function completed(request: UpgradeRequest): UpgradeRequest {
  if (isUpgrade(request) && header(request, "sec-websocket-key") !== undefined) return request;
  let result = withHeader(withHeader(request, "Connection", "Upgrade"), "Upgrade", "websocket");
  result = withHeader(result, "Sec-WebSocket-Version", "13");
  return withHeader(result, "Sec-WebSocket-Key", Buffer.alloc(16).toString("base64"));
}

function withoutCarrier(
  request: UpgradeRequest,
  act: OnRequest["act"] & { do: "drop-carrier" },
  channel: Channel,
): UpgradeRequest {
  const carriers = channel.handshake?.credentials?.carriers ?? [];
  const carrier = carriers[act.carrier];
  const others = carriers.filter((one) => one !== carrier && carried(request, one) !== undefined);
  if (carrier === undefined || (act.contested === true && others.length === 0)) return request;
  return withCredential(request, carrier, undefined);
}

/** The credential in this carrier. */
function carried(request: UpgradeRequest, carrier: Carrier): string | undefined {
  if (carrier.in === "header") {
    const value = header(request, carrier.name);
    return value?.startsWith(carrier.prefix) ? value.slice(carrier.prefix.length) : undefined;
  }
  if (carrier.in === "query") return new URLSearchParams(/\?(.*)$/.exec(request.path)?.[1] ?? "").get(carrier.name) ?? undefined;
  const offered = offeredIn(request)
    .find((one) => one.startsWith(carrier.prefix))
    ?.slice(carrier.prefix.length);
  return offered === undefined || carrier.encoding === "plain" ? offered : Buffer.from(offered, "base64url").toString("utf8");
}

function withCredential(request: UpgradeRequest, carrier: Carrier, credential: string | undefined): UpgradeRequest {
  if (carrier.in === "header") {
    return withHeader(request, carrier.name, credential === undefined ? undefined : carrier.prefix + credential);
  }
  if (carrier.in === "query") {
    const [path = "", query = ""] = request.path.split("?");
    const parameters = new URLSearchParams(query);
    if (credential === undefined) parameters.delete(carrier.name);
    else parameters.set(carrier.name, credential);
    return { ...request, path: parameters.size > 0 ? `${path}?${parameters}` : path };
  }
  const offered = offeredIn(request).filter((one) => !one.startsWith(carrier.prefix));
  if (credential !== undefined) {
    offered.push(carrier.prefix + (carrier.encoding === "plain" ? credential : Buffer.from(credential).toString("base64url")));
  }
  return withHeader(request, "Sec-WebSocket-Protocol", offered.length > 0 ? offered.join(", ") : undefined);
}

function offeredIn(request: UpgradeRequest): string[] {
  return (header(request, "sec-websocket-protocol") ?? "")
    .split(",")
    .map((one) => one.trim())
    .filter((one) => one !== "");
}

function header(request: UpgradeRequest, name: string): string | undefined {
  return request.headers.find(([one]) => one.toLowerCase() === name.toLowerCase())?.[1];
}

function withHeader(request: UpgradeRequest, name: string, value: string | undefined): UpgradeRequest {
  const headers = request.headers.filter(([one]) => one.toLowerCase() !== name.toLowerCase());
  return { ...request, headers: value === undefined ? headers : [...headers, [name, value]] };
}
