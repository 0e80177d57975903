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

/**
 * The events of a file, in order: our own NDJSON, or a HAR of Chrome or Playwright.
 * @throws UsageError with file and line for what is no history, or of a newer version
 */
export async function* readTraffic(file: string): AsyncGenerator<TrafficEvent> {
  if (/\.har$/i.test(file)) {
    yield* eventsOfHar(await contents(file), file);
    return;
  }
  let line = 0;
  for await (const text of linesOf(file)) {
    line += 1;
    if (text === "") continue;
    const event = parseEvent(text, `${file}:${line}`);
    if (event !== undefined) yield event;
  }
}

function parseEvent(text: string, at: string): TrafficEvent | undefined {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    throw new UsageError(`${at}: expected one JSON object a line, got ${JSON.stringify(text.slice(0, 60))}`);
  }
  if (!isRecord(value)) throw new UsageError(`${at}: expected an event, got ${JSON.stringify(text.slice(0, 60))}`);
  if (value.kind === "history") {
    if (value.version === historyVersion) return undefined;
    throw new UsageError(`${at}: the history has version ${String(value.version)}, and this wsproof reads ${historyVersion}`);
  }
  if (
    typeof value.kind !== "string" ||
    !kinds.has(value.kind) ||
    typeof value.connection !== "number" ||
    typeof value.atMs !== "number"
  )
    throw new UsageError(`${at}: expected an event with kind, connection and atMs, got ${JSON.stringify(text.slice(0, 60))}`);
  if (value.binary === true) return { ...value, frame: Buffer.from(String(value.frame), "base64").toString("hex") } as never;
  return value as never;
}

/** A line of a history is at most this long. */
const maxLineBytes = 64 * 1024 * 1024;

async function* linesOf(file: string): AsyncGenerator<string> {
  let rest = "";
  const stream = createReadStream(file, { encoding: "utf8", highWaterMark: 1 << 18 });
  try {
    for await (const chunk of stream as AsyncIterable<string>) {
      const lines = (rest + chunk).split("\n");
      rest = lines.pop()!;
      if (rest.length > maxLineBytes) throw new UsageError(`${file}: a line is over ${maxLineBytes} bytes`);
      yield* lines;
    }
  } catch (error) {
    throw unreadable(error, file);
  }
  if (rest !== "") yield rest;
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
