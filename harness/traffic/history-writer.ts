// Writes a history to a file as it happens: credentials and chosen members masked, a new file by size.
import { randomUUID } from "node:crypto";
import { closeSync, openSync, renameSync, writeSync } from "node:fs";
import { lookup } from "../../spec/pointer.ts";
import { createMask } from "../client/mask.ts";
import { copy, put } from "../mock/place.ts";
import { UsageError } from "../schema/errors.ts";
import { emitEvent, emitHeader, type HistoryPart } from "./history-file.ts";
import type { TrafficEvent } from "./traffic-event.ts";

export interface HistoryWriter {
  write(event: TrafficEvent): void;
  close(): void;
}

/** What stands in place of a member that was masked. */
export const masked = "(masked)";

/**
 * @param pointers members of messages whose value is masked
 * @param rotateBytes when a file is as long, it is renamed to `FILE.1`, `FILE.2` and so on, and a new one begins
 * @param rotateMs the same when as much time lies between its first and its last event
 * @throws UsageError where the file cannot be written
 */
export function createHistoryWriter(
  file: string,
  pointers: readonly string[],
  rotateBytes: number,
  rotateMs = Number.POSITIVE_INFINITY,
): HistoryWriter {
  const { hide } = createMask([]);
  const recording = randomUUID();
  let part = 1;
  let descriptor = begin(file, { recording, part });
  let bytes = 0;
  let beganMs: number | undefined;
  return {
    write(event) {
      const line = hide(emitEvent(withoutSecrets(event, pointers)));
      writeSync(descriptor, line);
      bytes += Buffer.byteLength(line);
      beganMs ??= event.atMs;
      if (bytes < rotateBytes && event.atMs - beganMs < rotateMs) return;
      beganMs = undefined;
      closeSync(descriptor);
      renameSync(file, `${file}.${part}`);
      part += 1;
      descriptor = begin(file, { recording, part });
      bytes = 0;
    },
    close: () => closeSync(descriptor),
  };
}

function begin(file: string, part: HistoryPart): number {
  try {
    const descriptor = openSync(file, "w");
    writeSync(descriptor, emitHeader(part));
    return descriptor;
  } catch (error) {
    throw new UsageError(`--output ${file} cannot be written (${(error as NodeJS.ErrnoException).code}). Does its folder exist?`);
  }
}

function withoutSecrets(event: TrafficEvent, pointers: readonly string[]): TrafficEvent {
  if ((event.kind !== "send" && event.kind !== "receive") || !event.json || pointers.length === 0) return event;
  let { frame } = event;
  for (const pointer of pointers) {
    if (lookup(frame, pointer) === undefined) continue;
    frame = put(copy(frame), pointer, masked);
  }
  return { ...event, frame };
}
