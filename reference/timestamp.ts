// Timestamps as the document wants them.

let lastMs = Number.NaN;
let lastText = "";

/** RFC 3339 in UTC with milliseconds. Remembers the last one, because many frames are made within one millisecond. */
export function formatTimestamp(dateMs: number): string {
  if (dateMs !== lastMs) {
    lastText = new Date(dateMs).toISOString();
    lastMs = dateMs;
  }
  return lastText;
}
