// The history as a file: NDJSON, one event a line after a header with the format's version. Read as a stream, so that memory stays flat.
import { createReadStream } from "node:fs";
import { readFile } from "node:fs/promises";
import { isRecord } from "../../spec/raw.ts";
import { UsageError } from "../schema/errors.ts";
import { eventsOfHar } from "./har.ts";
import type { TrafficEvent } from "./traffic-event.ts";

export const historyVersion = 1;

/** The first line of a file. @param part of a recording that goes on in several files; `recording` names it */
export function emitHeader(part?: HistoryPart): string {
  return `${JSON.stringify({ kind: "history", version: historyVersion, ...part })}\n`;
}

export interface HistoryPart {
  readonly recording: string;
  /** From 1. */
  readonly part: number;
}

/** One line, in the layout that is read fastest. Binary frames become base64; times are rounded to microseconds. */
export function emitEvent(event: TrafficEvent): string {
  const { kind, connection, atMs, ...rest } = event;
  const isBinary = (event.kind === "send" || event.kind === "receive") && event.binary === true;
  const frame = isBinary ? { frame: Buffer.from(String(event.frame), "hex").toString("base64") } : {};
  return `${JSON.stringify({ kind, connection, atMs: Math.round(atMs * 1000) / 1000, ...rest, ...frame })}\n`;
}

const kinds = new Set(["open", "send", "receive", "hang-up", "close", "note", "fault", "refused"]);

/** The events of a file, in order. @see readBatches */
export async function* readTraffic(file: string): AsyncGenerator<TrafficEvent> {
  for await (const events of readBatches(file)) yield* events;
}

/** Told while a file is read. */
export interface FileNotes {
  /** The header, where it says that the file is a part of a longer recording. */
  part?(part: HistoryPart): void;
  /** The last line has no end and is no event: the file is still written, or was cut off. */
  cut?(line: number): void;
}

/**
 * The events of a file, in order, many at a time: our own NDJSON, or a HAR of Chrome or Playwright.
 * Equal frames may be one object, so that who reads can tell them without a look at their members.
 * @throws UsageError with file and line for what is no history, or of a newer version
 */
export async function* readBatches(file: string, notes: FileNotes = {}): AsyncGenerator<readonly TrafficEvent[]> {
  if (/\.har$/i.test(file)) {
    yield eventsOfHar(await contents(file), file);
    return;
  }
  let line = 0;
  const frames = new RecentFrames();
  for await (const { lines, isEnd } of linesOf(file)) {
    const events: TrafficEvent[] = [];
    for (const text of lines) {
      line += 1;
      if (text === "" || text === "\r") continue;
      if (isEnd && line > 1 && !isJson(text)) {
        notes.cut?.(line);
        break;
      }
      const event = parseMessage(text, frames) ?? parseEvent(text, file, line, notes);
      if (event !== undefined) events.push(event);
    }
    yield events;
  }
}

const opening = /^\{"kind":"(send|receive)","connection":(\d+),"atMs":(\d+(?:\.\d+)?),"frame":/;
const closing = ',"json":true,"bytes":';

/** A message in the layout of `emitEvent`. @returns undefined where the line has another */
function parseMessage(text: string, frames: RecentFrames): TrafficEvent | undefined {
  const head = opening.exec(text);
  const end = text.lastIndexOf(closing);
  if (head === null || end < head[0].length || !text.endsWith("}")) return undefined;
  const bytes = Number(text.slice(end + closing.length, -1));
  const found = Number.isInteger(bytes) ? frames.read(text.slice(head[0].length, end)) : undefined;
  if (found === undefined) return undefined;
  const { frame } = found;
  return { kind: head[1] as "send", connection: Number(head[2]), atMs: Number(head[3]), frame, json: true, bytes };
}

/** The last few frames: what goes to many connections is parsed once. */
class RecentFrames {
  readonly #recent: { readonly text: string; readonly frame: unknown }[] = [];
  #next = 0;

  /** @returns undefined where the text is no JSON */
  read(text: string): { readonly frame: unknown } | undefined {
    for (const one of this.#recent) if (one.text === text) return one;
    try {
      const found = { text, frame: JSON.parse(text) as unknown };
      this.#recent[this.#next] = found;
      this.#next = (this.#next + 1) % 4;
      return found;
    } catch {
      return undefined;
    }
  }
}

function isJson(text: string): boolean {
  try {
    JSON.parse(text);
    return true;
  } catch {
    return false;
  }
}

function parseEvent(text: string, file: string, line: number, notes: FileNotes): TrafficEvent | undefined {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    throw new UsageError(`${file}:${line}: expected one JSON object a line, got ${JSON.stringify(text.slice(0, 60))}`);
  }
  if (!isRecord(value)) throw new UsageError(`${file}:${line}: expected an event, got ${JSON.stringify(text.slice(0, 60))}`);
  if (value.kind === "history") {
    const { version, recording, part } = value;
    if (typeof recording === "string" && typeof part === "number") notes.part?.({ recording, part });
    if (version === historyVersion) return undefined;
    throw new UsageError(`${file}:${line}: the history has version ${String(version)}, and this wsproof reads ${historyVersion}`);
  }
  if (
    typeof value.kind !== "string" ||
    !kinds.has(value.kind) ||
    typeof value.connection !== "number" ||
    typeof value.atMs !== "number"
  )
    throw new UsageError(
      `${file}:${line}: expected an event with kind, connection and atMs, got ${JSON.stringify(text.slice(0, 60))}`,
    );
  if (value.binary === true) return { ...value, frame: Buffer.from(String(value.frame), "base64").toString("hex") } as never;
  return value as never;
}

/** A line of a history is at most this long. */
const maxLineBytes = 64 * 1024 * 1024;

/** Each line is decoded for itself: a chunk with one letter beyond ASCII would make all its lines cost twice as much. */
async function* linesOf(file: string): AsyncGenerator<{ readonly lines: readonly string[]; readonly isEnd: boolean }> {
  let rest: Buffer = Buffer.alloc(0);
  const stream = createReadStream(file, { highWaterMark: 1 << 18 });
  try {
    for await (const chunk of stream as AsyncIterable<Buffer>) {
      const bytes = rest.length === 0 ? chunk : Buffer.concat([rest, chunk]);
      const lines: string[] = [];
      let start = 0;
      for (let end = bytes.indexOf(10); end >= 0; end = bytes.indexOf(10, start)) {
        lines.push(bytes.toString("utf8", start, end));
        start = end + 1;
      }
      rest = bytes.subarray(start);
      if (rest.length > maxLineBytes) throw new UsageError(`${file}: a line is over ${maxLineBytes} bytes`);
      if (lines.length > 0) yield { lines, isEnd: false };
    }
  } catch (error) {
    throw unreadable(error, file);
  }
  if (rest.length > 0) yield { lines: [rest.toString("utf8")], isEnd: true };
}

async function contents(file: string): Promise<string> {
  try {
    return await readFile(file, "utf8");
  } catch (error) {
    throw unreadable(error, file);
  }
}

function unreadable(error: unknown, file: string): unknown {
  const code = (error as NodeJS.ErrnoException).code;
  return code === undefined
    ? error
    : new UsageError(`${file} cannot be read (${code}). Give the path of a history or of a HAR file.`);
}
