// A sequence diagram of what connections did, as SVG. Pure; colours come from the page's CSS.
import type { History } from "../model/history.ts";
import { escapeMarkup } from "./escape.ts";
import { type FrameLine, frameLines } from "./frames.ts";

const rowHeight = 44;
const columnWidth = 150;
const leftWidth = 74;
const targetGap = 480;
const headHeight = 40;
/** Longer runs show their end: that is where they fail. */
const maxRows = 30;
const maxLabel = 62;

/** Connections left, target right, time from above to below. Empty where nothing happened. */
export function emitSequenceDiagram(history: History, title: string): string {
  const all = frameLines(history);
  const lines = all.slice(-maxRows);
  if (lines.length === 0) return "";
  const connections = [...new Set(lines.map(({ connection }) => connection))].filter((name) => name !== "target");
  const x = (name: string) => leftWidth + connections.indexOf(name) * columnWidth;
  const targetX = leftWidth + Math.max(connections.length - 1, 0) * columnWidth + targetGap;
  const width = targetX + 60;
  const height = headHeight + lines.length * rowHeight + 16;
  const lifeline = (at: number, name: string) =>
    `<line class="life" x1="${at}" x2="${at}" y1="${headHeight - 8}" y2="${height}"/><text class="name" x="${at}" y="20" text-anchor="middle">${escapeMarkup(name)}</text>`;
  return [
    `<svg viewBox="0 0 ${width} ${height}" width="${width}" height="${height}" role="img" aria-label="${escapeMarkup(title)}">`,
    ...connections.map((name) => lifeline(x(name), name)),
    lifeline(targetX, "target"),
    ...lines.map((line, row) =>
      emitRow(line, headHeight + row * rowHeight + 26, line.connection === "target" ? targetX : x(line.connection), targetX),
    ),
    "</svg>",
  ].join("\n");
}

function emitRow({ atMs, arrow, text, connection }: FrameLine, y: number, fromX: number, targetX: number): string {
  const time = `<text class="time" x="4" y="${y + 4}">${atMs.toFixed(1)}</text>`;
  const label = escapeMarkup(text.length > maxLabel ? `${text.slice(0, maxLabel)}\u2026` : text);
  if (arrow === "--") {
    const anchor = connection === "target" ? `x="${fromX - 8}" text-anchor="end"` : `x="${fromX + 10}"`;
    return `${time}<circle class="event" cx="${fromX}" cy="${y}" r="4"/><text class="label" ${anchor} y="${y + 4}">${label}</text>`;
  }
  const [start, end] = arrow === "->" ? [fromX, targetX] : [targetX, fromX];
  const tip = end > start ? -1 : 1;
  const head = `${end},${y} ${end + tip * 9},${y - 4} ${end + tip * 9},${y + 4}`;
  const direction = arrow === "->" ? "sent" : "received";
  return `${time}<g class="${direction}"><line x1="${start}" x2="${end}" y1="${y}" y2="${y}"/><polygon points="${head}"/><text class="label" x="${fromX + 10}" y="${y - 6}">${label}</text></g>`;
}
