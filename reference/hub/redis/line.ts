// One event as it stands in the stream and on the channel: fields that Redis alone knows, then the JSON that the publisher wrote.
import type { LogEvent, Member, Publisher } from "../hub.ts";
import { encodeMessage, encodeUserJoined, encodeUserLeft } from "../room-frames.ts";

export type LineKind = "m" | "j" | "l" | "d" | "i";

export interface Line {
  readonly epoch: string;
  readonly seq: number;
  /** Redis' clock, ms since 1970. */
  readonly atMs: number;
  /** Members after the event. */
  readonly memberCount: number;
  /** m message, j joined, l left, d disconnected, i in a node's inbox. */
  readonly kind: LineKind;
  readonly body: Readonly<Record<string, unknown>>;
}

const form = /^(\S{1,64}) (\d{1,16}) (\d{1,16}) (\d{1,9}) ([mjldi]) (\S{1,64}) (\{.*\})$/s;

/** The line, or undefined where the text is none: anybody with access to Redis can write to a channel. */
export function parseLine(text: string): Line | undefined {
  const found = form.exec(text);
  if (found === null) return undefined;
  const [, epoch = "", seq, atMs, memberCount, kind, , json = ""] = found;
  try {
    return {
      epoch,
      seq: Number(seq),
      atMs: Number(atMs),
      memberCount: Number(memberCount),
      kind: kind as LineKind,
      body: JSON.parse(json) as Record<string, unknown>,
    };
  } catch {
    return undefined;
  }
}

/** The event of a room's log (null: of the broadcasts), framed once for all who get it here. */
export function eventOf(room: string | null, { epoch, seq, atMs, memberCount, kind, body }: Line): LogEvent {
  const place = { room, epoch, seq, dateMs: atMs };
  if (kind === "m")
    return { room, epoch, seq, text: encodeMessage(place, body.from as Publisher, body.content as string), except: null };
  const member = body as unknown as Member;
  const text =
    kind === "j"
      ? encodeUserJoined(place, member, memberCount)
      : encodeUserLeft(place, member, memberCount, kind === "l" ? "leave" : "disconnect");
  // Its own joining and leaving is told to a connection by the reply.
  return { room, epoch, seq, text, except: member.clientId };
}
