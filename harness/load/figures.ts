// How a load run's figures are written, everywhere the same: counts, times, bytes, shares.

/** `1,234,567`, and `12.3` below a hundred. */
export function countText(count: number): string {
  return count.toLocaleString("en-US", { maximumFractionDigits: Math.abs(count) < 100 ? 1 : 0 });
}

/** Three digits that say something: `0.042 ms`, `4.13 ms`, `1,500 ms`. */
export function msText(ms: number): string {
  return `${ms.toLocaleString("en-US", { maximumFractionDigits: ms >= 100 ? 0 : ms >= 10 ? 1 : ms >= 1 ? 2 : 3 })} ms`;
}

/** Decimal, as autocannon's tables have them: `640 B`, `12.3 kB`. */
export function bytesText(bytes: number): string {
  const units = ["B", "kB", "MB", "GB", "TB"];
  const at = Math.min(units.length - 1, Math.floor(Math.log10(Math.max(1, Math.abs(bytes))) / 3));
  return `${Number((bytes / 1000 ** at).toPrecision(3)).toLocaleString("en-US")} ${units[at]}`;
}

/** @param share 0 to 1 */
export function shareText(share: number): string {
  return `${(share * 100).toFixed(share < 0.1 ? 1 : 0)} %`;
}

/** `RATE_LIMITED 3, FORBIDDEN 1`, the most frequent first; `none` for an empty table. */
export function codesText(counts: Readonly<Record<string, number>>): string {
  const entries = Object.entries(counts).sort(([, left], [, right]) => right - left);
  return entries.length === 0 ? "none" : entries.map(([code, count]) => `${code} ${countText(count)}`).join(", ");
}
