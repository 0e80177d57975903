// Timestamps in the format of the document.

let lastMs = Number.NaN;
let lastText = "";

/** RFC 3339 in UTC with ms. Caches the latest, because many frames share a millisecond. */
export function formatTimestamp(dateMs: number): string {
  if (dateMs !== lastMs) {
    lastText = new Date(dateMs).toISOString();
    lastMs = dateMs;
  }
  return lastText;
}
