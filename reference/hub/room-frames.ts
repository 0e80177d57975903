// The frames of a room's log as JSON text. Pure, and used by every hub, so that both hubs send equal frames.
import { formatTimestamp } from "../timestamp.ts";
import type { Member, Position, Publisher } from "./hub.ts";

/** Position and time of a frame in its log. */
export interface LogPosition extends Position {
  /** null: the log of all connections. */
  readonly room: string | null;
  /** Milliseconds since 1970 UTC. */
  readonly dateMs: number;
}

export function encodeMessage({ room, epoch, seq, dateMs }: LogPosition, from: Publisher, content: string): string {
  const { clientId, userId, username } = from;
  return encodeFrame("message", { room, epoch, seq, from: { clientId, userId, username }, content }, dateMs);
}

/** @param memberCount members after this event */
export function encodeUserJoined({ room, epoch, seq, dateMs }: LogPosition, member: Member, memberCount: number): string {
  const { clientId, userId, username } = member;
  return encodeFrame("user_joined", { room, epoch, seq, clientId, userId, username, memberCount }, dateMs);
}

/** @param memberCount members after this event */
export function encodeUserLeft(
  { room, epoch, seq, dateMs }: LogPosition,
  member: Member,
  memberCount: number,
  reason: "leave" | "disconnect",
): string {
  const { clientId, userId, username } = member;
  return encodeFrame("user_left", { room, epoch, seq, clientId, userId, username, memberCount, reason }, dateMs);
}

export function encodeDirectMessage(from: Member, content: string, dateMs: number): string {
  const { clientId, userId, username } = from;
  return encodeFrame("direct_message", { from: { clientId, userId, username }, content }, dateMs);
}

export function encodeUserTyping(room: string, member: Member, active: boolean, dateMs: number): string {
  const { clientId, userId, username } = member;
  return encodeFrame("user_typing", { room, clientId, userId, username, active }, dateMs);
}

function encodeFrame(type: string, payload: object, dateMs: number): string {
  return JSON.stringify({ type, payload, timestamp: formatTimestamp(dateMs) });
}
