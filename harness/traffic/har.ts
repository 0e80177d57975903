// HAR files with WebSocket messages, as Chrome DevTools and Playwright export them -> events of a history. Pure.
import { list, record, text } from "../../spec/raw.ts";
import { UsageError } from "../schema/errors.ts";
import type { TrafficEvent } from "./traffic-event.ts";

/** @throws UsageError where the text is no HAR */
export function eventsOfHar(source: string, file: string): TrafficEvent[] {
  let har: unknown;
  try {
    har = JSON.parse(source);
  } catch {
    throw new UsageError(`${file}: expected a HAR file, which is JSON`);
  }
  const entries = list(record(record(har).log).entries).map(record);
  const sockets = entries.filter((entry) => Array.isArray(entry._webSocketMessages));
  if (sockets.length === 0)
    throw new UsageError(
      `${file}: no entry has WebSocket messages. Export the HAR after the connection was opened with DevTools open.`,
    );
  const timed = sockets.flatMap((entry, connection) => eventsOf(entry, connection));
  const startMs = Math.min(...timed.map(({ atMs }) => atMs));
  return timed.map((event) => ({ ...event, atMs: event.atMs - startMs })).sort((a, b) => a.atMs - b.atMs);
}

function eventsOf(entry: Readonly<Record<string, unknown>>, connection: number): TrafficEvent[] {
  const messages = list(entry._webSocketMessages).map(record);
  const openedMs = Date.parse(text(entry.startedDateTime) ?? "");
  const firstMs = Math.min(...messages.map(({ time }) => Number(time) * 1000));
  const status = Number(record(entry.response).status ?? 101);
  const atMs = Number.isNaN(openedMs) ? (Number.isFinite(firstMs) ? firstMs : 0) : Math.min(openedMs, firstMs);
  if (status !== 101 && status !== 0 && messages.length === 0) return [{ kind: "refused", connection, atMs, status }];
  const header = (name: string) =>
    text(
      list(record(entry.response).headers)
        .map(record)
        .find((one) => text(one.name)?.toLowerCase() === name)?.value,
    );
  const given = text(record(entry.request).url) ?? "";
  const { host: node, pathname: path } = URL.canParse(given) ? new URL(given) : { host: "0", pathname: "/" };
  const subprotocol = header("sec-websocket-protocol") ?? "";
  const open = { kind: "open", connection, atMs, node, path, subprotocol, user: "" } as const;
  return [open, ...messages.flatMap((message) => frameOf(message, connection))];
}

/** Opcode 1 is text, 2 is binary as base64; what is no frame, such as an error, is left out. */
function frameOf({ type, time, opcode, data }: Readonly<Record<string, unknown>>, connection: number): TrafficEvent[] {
  const base = { kind: type === "send" ? "send" : "receive", connection, atMs: Number(time) * 1000 } as const;
  if (opcode === 2) {
    const bytes = Buffer.from(String(data), "base64");
    return [{ ...base, frame: bytes.toString("hex"), json: false, binary: true, bytes: bytes.length }];
  }
  if (opcode !== 1 || typeof data !== "string") return [];
  if (isDeep(data))
    return [{ kind: "note", connection, atMs: base.atMs, text: `${type === "send" ? "sent" : "received"} ${tooDeep}` }];
  return [{ ...base, ...readText(data) }];
}

/** Deeper JSON stays text: it cannot be written again, and no message of a protocol is as deep. */
const maxDepth = 500;

/** What stands in a history in place of such a message, after `sent` or `received`. */
export const tooDeep = "a message that is nested too deeply to be recorded";

/** A text frame as it stands in a history. */
export function readText(data: string): { readonly frame: unknown; readonly json: boolean; readonly bytes: number } {
  const bytes = Buffer.byteLength(data);
  try {
    if (!isDeep(data)) return { frame: JSON.parse(data), json: true, bytes };
  } catch {
    // Text that is no JSON.
  }
  return { frame: data, json: false, bytes };
}

/** Nested so deeply that the history cannot hold it. Brackets within strings count as well: more than enough for any message. */
export function isDeep(text: string): boolean {
  if (text.length <= maxDepth * 2) return false;
  let depth = 0;
  for (let index = 0; index < text.length; index += 1) {
    const code = text.charCodeAt(index);
    if (code === 0x5b || code === 0x7b) depth += 1;
    else if (code === 0x5d || code === 0x7d) depth -= 1;
    if (depth > maxDepth) return true;
  }
  return false;
}
