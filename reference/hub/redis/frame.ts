// Frames made of what came back from Redis.
import type { LogEvent } from "../hub.ts";
import type { Line } from "./line.ts";

export function frame(room: string | null, { epoch, seq, atMs, kind, body, memberCount }: Line): string {
  const timestamp = new Date(atMs).toISOString();
  if (kind === "m") return JSON.stringify({ type: "message", payload: { room, epoch, seq, ...body }, timestamp });
  if (kind === "j")
    return JSON.stringify({ type: "user_joined", payload: { room, epoch, seq, ...body, memberCount }, timestamp });
  const reason = kind === "l" ? "leave" : "disconnect";
  return JSON.stringify({ type: "user_left", payload: { room, epoch, seq, ...body, memberCount, reason }, timestamp });
}

export function frameDirect({ atMs, body: { from, content } }: Line): string {
  return JSON.stringify({ type: "direct_message", payload: { from, content }, timestamp: new Date(atMs).toISOString() });
}

export function frameTyping(body: unknown): string {
  return JSON.stringify({ type: "user_typing", payload: body, timestamp: new Date().toISOString() });
}

export function eventOf(room: string | null, line: Line): LogEvent {
  // Its own joining and leaving is told to a connection by the reply.
  const except = line.kind === "m" ? null : String(line.body.clientId);
  return { room, epoch: line.epoch, seq: line.seq, text: frame(room, line), except };
}
