// The history as a file: NDJSON, one event a line after a header with the format's version. Read as a stream, so that memory stays flat.
import { createReadStream } from "node:fs";
import { readFile } from "node:fs/promises";
import { isRecord } from "../../spec/raw.ts";
import { UsageError } from "../schema/errors.ts";
import { eventsOfHar } from "./har.ts";
import type { TrafficEvent } from "./traffic-event.ts";

export const historyVersion = 1;

/** The first line of a file. */
export function emitHeader(): string {
  return `${JSON.stringify({ kind: "history", version: historyVersion })}\n`;
}

/** One line. Binary frames become base64; times are rounded to microseconds. */
export function emitEvent(event: TrafficEvent): string {
  const atMs = Math.round(event.atMs * 1000) / 1000;
  const isBinary = (event.kind === "send" || event.kind === "receive") && event.binary === true;
  const frame = isBinary ? { frame: Buffer.from(String(event.frame), "hex").toString("base64") } : {};
  return `${JSON.stringify({ ...event, ...frame, atMs })}\n`;
}

const kinds = new Set(["open", "send", "receive", "hang-up", "close", "note", "fault", "refused"]);

/** The events of a file, in order. @see readBatches */
export async function* readTraffic(file: string): AsyncGenerator<TrafficEvent> {
  for await (const events of readBatches(file)) yield* events;
}

/**
 * The events of a file, in order, many at a time: our own NDJSON, or a HAR of Chrome or Playwright.
 * @throws UsageError with file and line for what is no history, or of a newer version
 */
export async function* readBatches(file: string): AsyncGenerator<readonly TrafficEvent[]> {
  if (/\.har$/i.test(file)) {
    yield eventsOfHar(await contents(file), file);
    return;
  }
  let line = 0;
  for await (const lines of linesOf(file)) {
    const events: TrafficEvent[] = [];
    for (const text of lines) {
      line += 1;
      const event = text === "" ? undefined : parseEvent(text, file, line);
      if (event !== undefined) events.push(event);
    }
    yield events;
  }
}

function parseEvent(text: string, file: string, line: number): TrafficEvent | undefined {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    throw new UsageError(`${file}:${line}: expected one JSON object a line, got ${JSON.stringify(text.slice(0, 60))}`);
  }
  if (!isRecord(value)) throw new UsageError(`${file}:${line}: expected an event, got ${JSON.stringify(text.slice(0, 60))}`);
  if (value.kind === "history") {
    if (value.version === historyVersion) return undefined;
    throw new UsageError(
      `${file}:${line}: the history has version ${String(value.version)}, and this wsproof reads ${historyVersion}`,
    );
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
async function* linesOf(file: string): AsyncGenerator<readonly string[]> {
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
      if (lines.length > 0) yield lines;
    }
  } catch (error) {
    throw unreadable(error, file);
  }
  if (rest.length > 0) yield [rest.toString("utf8")];
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
