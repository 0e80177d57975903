// Who saw what, as SVG: a lifeline a client, a dot an event, a band across all of them for each injected fault. Pure; colours are the page's.
import type { Timeline } from "../model/history.ts";
import { escapeMarkup } from "./escape.ts";

const rowHeight = 26;
const leftWidth = 96;
const headHeight = 52;
const characterWidth = 7.3;
const maxText = 44;
const minColumnWidth = 130;
const maxRows = 80;

/** Empty where nothing happened. */
export function emitTimelineSvg({ columns, entries: all }: Timeline, title: string): string {
  const entries = all.slice(-maxRows);
  if (entries.length === 0) return "";
  const startMs = entries[0]!.atMs;
  const texts = entries.map(({ text }) => (text.length > maxText ? `${text.slice(0, maxText)}…` : text));
  const longest = Math.max(...entries.map(({ column }, at) => (column === undefined ? 0 : texts[at]!.length)));
  const width = Math.max(minColumnWidth, longest * characterWidth + 28);
  const x = (name: string) => leftWidth + columns.findIndex((column) => column.name === name) * width + 10;
  const y = (row: number) => headHeight + row * rowHeight + 14;
  const totalWidth = Math.max(leftWidth + columns.length * width, 420);
  const totalHeight = y(entries.length) + 6;
  const bands = entries.flatMap(({ fault, text }, row) => {
    if (fault !== "start") return [];
    const end = entries.findIndex(
      (other, at) => at > row && other.fault === "end" && other.text === text.replace("*** ", "*** end: "),
    );
    const height = ((end < 0 ? row : end) - row) * rowHeight + rowHeight;
    return [
      `<rect class="fault" x="${leftWidth - 8}" y="${y(row) - 17}" width="${totalWidth - leftWidth + 4}" height="${height}"/>`,
    ];
  });
  const lifelines = columns.map(({ name, node }) => {
    const at = x(name);
    return `<line class="life" x1="${at}" x2="${at}" y1="${headHeight}" y2="${totalHeight}"/><text class="name" x="${at - 6}" y="18">${escapeMarkup(name)}</text><text class="time" x="${at - 6}" y="36">${escapeMarkup(node)}</text>`;
  });
  const rows = entries.map(({ atMs, column, fault }, row) => {
    const time = `<text class="time" x="${leftWidth - 16}" y="${y(row)}" text-anchor="end">${(atMs - startMs).toFixed(1)} ms</text>`;
    const text = escapeMarkup(texts[row]!.replace(/^\*\*\* /, fault === undefined ? "*** " : ""));
    if (column === undefined) return `${time}<text class="label harm" x="${leftWidth}" y="${y(row)}">${text}</text>`;
    const at = x(column);
    return `${time}<circle class="event" cx="${at}" cy="${y(row) - 4}" r="4"/><text class="label" x="${at + 10}" y="${y(row)}">${text}</text>`;
  });
  return `<svg viewBox="0 0 ${Math.ceil(totalWidth)} ${totalHeight}" width="${Math.ceil(totalWidth)}" height="${totalHeight}" role="img" aria-label="${escapeMarkup(title)}">${[...bands, ...lifelines, ...rows].join("\n")}</svg>`;
}
