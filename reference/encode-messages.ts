// Messages of the server that are written piece by piece, because they are sent often or carry the client's own JSON.
import { errorCodes, protocol } from "../generated/protocol.gen.ts";
import type { ErrorCode, ErrorMessage, ServerMessage } from "../generated/types.gen.ts";
import type { Member } from "./hub/hub.ts";
import type { SessionContext } from "./session-context.ts";
import type { Identity } from "./tokens.ts";

/** @param payload JSON text, sent back unchanged */
export function encodePong(payload: string, replyTo: string, timestamp: string): string {
  return `{"type":"pong","payload":${payload},"timestamp":"${timestamp}","replyTo":"${replyTo}"}`;
}

type Advertised = SessionContext["config"];
type Connected = Extract<ServerMessage, { type: "connected" }>["payload"];

/** The end of each `connected` payload, as JSON text: encoded once for a server, because it is most of the message. */
const advertisedTexts = new WeakMap<Advertised, string>();

function advertisedText(config: Advertised): string {
  const known = advertisedTexts.get(config);
  if (known !== undefined) return known;
  const { queuedBytesSustained: _, ...limits } = config.limits;
  const advertised: Pick<Connected, "protocol" | "heartbeat" | "limits"> = {
    protocol: protocol.title,
    heartbeat: config.heartbeat,
    limits: { ...limits, ...config.rates },
  };
  const text = JSON.stringify(advertised).slice(1);
  advertisedTexts.set(config, text);
  return text;
}

/** The `connected` message as JSON text. */
export function encodeConnected(
  { clientId, userId, username }: Member,
  identity: Identity,
  config: Advertised,
  timestamp: string,
): string {
  const expiresAt = new Date(identity.expiresAtMs).toISOString();
  const own: Pick<Connected, "clientId" | "userId" | "username" | "expiresAt"> = { clientId, userId, username, expiresAt };
  return `{"type":"connected","payload":${JSON.stringify(own).slice(0, -1)},${advertisedText(config)},"timestamp":"${timestamp}"}`;
}

/** The payload of an error with its documented text. @param retryAfterMs exact, where the client must wait */
export function errorPayload(code: ErrorCode, retryAfterMs: number | undefined): ErrorMessage["payload"] {
  const { description, retryable } = errorCodes[code];
  const wait = retryAfterMs !== undefined && { retryAfterMs, retryAfter: Math.ceil(retryAfterMs / 1000) };
  return { code, message: description, retryable, ...wait };
}
