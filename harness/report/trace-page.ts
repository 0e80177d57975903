// A history as one self-contained page: a timeline for each connection with the faults drawn in, and every event, searched and filtered. Pure.
import { createHash } from "node:crypto";
import type { TrafficEvent } from "../traffic/traffic-event.ts";
import { escapeMarkup } from "./escape.ts";
import { pageStyle } from "./html-style.ts";

/** A browser stays quick with so many rows. */
const maxEvents = 5_000;
const maxLanes = 60;
const laneHeight = 18;
const plotWidth = 1_000;
const leftWidth = 90;

const traceStyle = `${pageStyle}
.events td { font-size: 0.85rem; }
.events pre { margin: 0; white-space: pre-wrap; overflow-wrap: anywhere; font: 0.85rem/1.4 ui-monospace, Menlo, Consolas, monospace; }
.events tr.harm td { background: var(--fail-back); color: var(--fail); }
svg .sent { stroke: var(--link); stroke-width: 2; }
svg .received { stroke: var(--pass); stroke-width: 2; }
svg .ended { fill: var(--fail); }
@media (max-width: 640px) { .events th, .events td { padding: 0.3rem; } }
`;

const traceScript = `
const form = document.querySelector("form.find");
const rows = [...document.querySelectorAll(".events tbody tr")].map((row) => ({ row, text: row.textContent.toLowerCase() }));
const status = document.querySelector("#found");
function filter() {
  const words = form.elements.query.value.toLowerCase().split(/\\s+/).filter(Boolean);
  const { connection, kind } = form.elements;
  let shown = 0;
  for (const { row, text } of rows) {
    const isHarm = row.dataset.kind === "fault";
    row.hidden = !(words.every((word) => text.includes(word)) && (kind.value === "" || row.dataset.kind === kind.value)
      && (connection.value === "" || row.dataset.connection === connection.value || isHarm));
    if (!row.hidden) shown++;
  }
  status.textContent = shown + " of " + rows.length + " events";
}
form.hidden = false;
form.addEventListener("submit", (event) => event.preventDefault());
form.addEventListener("input", filter);
document.addEventListener("keydown", (event) => {
  if (event.key !== "/" || event.target.closest("input, select") !== null) return;
  event.preventDefault();
  form.elements.query.focus();
});
`;

/** @param name of the file, for the title */
export function emitTracePage(all: readonly TrafficEvent[], name: string): string {
  const events = all.slice(-maxEvents);
  const startMs = all[0]?.atMs ?? 0;
  const nodes = new Map(all.flatMap((event) => (event.kind === "open" ? [[event.connection, event.node] as const] : [])));
  const connections = [...new Set(events.map(({ connection }) => connection))].filter((one) => one >= 0);
  const kinds = [...new Set(events.map(({ kind }) => kind))];
  const option = (value: string, text: string) => `<option value="${escapeMarkup(value)}">${escapeMarkup(text)}</option>`;
  // One node needs no name.
  const isSeveral = new Set(nodes.values()).size > 1;
  const nameOf = (connection: number) =>
    `c${connection}${isSeveral && nodes.has(connection) ? `, node ${nodes.get(connection)}` : ""}`;
  const rows = events.map((event) => {
    const { connection, kind, atMs } = event;
    const who = connection < 0 ? "target" : nameOf(connection);
    return `<tr data-kind="${escapeMarkup(kind)}" data-connection="${connection}"${kind === "fault" ? ' class="harm"' : ""}><td>${(atMs - startMs).toFixed(1)}</td><td>${escapeMarkup(who)}</td><td>${escapeMarkup(kind)}</td><td>${textOf(event)}</td></tr>`;
  });
  const omitted = all.length - events.length;
  const hash = (text: string) => `sha256-${createHash("sha256").update(text).digest("base64")}`;
  return `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src '${hash(traceStyle)}'; script-src '${hash(traceScript)}'">
<title>${escapeMarkup(name)}: trace</title>
<style>${traceStyle}</style>
</head>
<body>
<header><p class="tool">wsproof show</p><h1>${escapeMarkup(name)}</h1>
<p>${counted(all.length, "event")} of ${counted(connections.length, "connection")}${omitted > 0 ? `; the first ${omitted} are left out` : ""}.</p>
<form class="find" role="search" hidden>
<label>Search <input name="query" type="search" placeholder="text, type" aria-keyshortcuts="/"></label>
<label>Connection <select name="connection"><option value="">all</option>${connections.map((one) => option(String(one), nameOf(one))).join("")}</select></label>
<label>Event <select name="kind"><option value="">all</option>${kinds.map((kind) => option(kind, kind)).join("")}</select></label>
<span id="found" role="status"></span>
</form></header>
<main>
<div class="scroll" tabindex="0" role="region" aria-label="Timeline of the connections">${emitLanes(events, connections, nameOf, startMs)}</div>
<div class="scroll" tabindex="0" role="region" aria-label="Events"><table class="events"><thead><tr><th scope="col">ms</th><th scope="col">connection</th><th scope="col">event</th><th scope="col">what</th></tr></thead>
<tbody>${rows.join("\n")}</tbody></table></div>
</main>
<script>${traceScript}</script>
</body>
</html>
`;
}

/** Long JSON over several lines, short JSON on one. */
function textOf(event: TrafficEvent): string {
  switch (event.kind) {
    case "send":
    case "receive": {
      const line = event.json ? JSON.stringify(event.frame) : String(event.frame);
      const text = event.json && line.length > 80 ? JSON.stringify(event.frame, undefined, 2) : line;
      return `<pre>${text.split("\n").map(escapeMarkup).join("\n")}</pre>`;
    }
    case "open":
      return escapeMarkup(`as ${event.user}${event.subprotocol === "" ? "" : `, subprotocol ${event.subprotocol}`}`);
    case "close":
      return escapeMarkup(event.code === 1006 ? `without a close frame ${event.reason}` : `${event.code} ${event.reason}`);
    case "hang-up":
      return escapeMarkup(event.code === 1006 ? "the client resets the connection" : `the client closes with ${event.code}`);
    case "note":
      return escapeMarkup(event.text);
    case "fault":
      return escapeMarkup(`${event.what} (node ${event.node})`);
    default:
      return escapeMarkup(JSON.stringify(event));
  }
}

/** A line for each connection: ticks above for what was sent, below for what was received; faults from above to below. */
function emitLanes(
  events: readonly TrafficEvent[],
  connections: readonly number[],
  nameOf: (connection: number) => string,
  startMs: number,
): string {
  const shown = connections.slice(0, maxLanes);
  const lengthMs = events.reduce((most, { atMs }) => Math.max(most, atMs - startMs), 1);
  const x = (atMs: number) => (leftWidth + ((atMs - startMs) / lengthMs) * plotWidth).toFixed(1);
  const y = (connection: number) => 20 + shown.indexOf(connection) * laneHeight + laneHeight / 2;
  const height = 20 + shown.length * laneHeight + 24;
  const marks = new Set<string>();
  for (const event of events) {
    const at = x(event.atMs);
    if (event.kind === "fault") {
      marks.add(`<line class="harm" stroke="currentColor" x1="${at}" x2="${at}" y1="14" y2="${height - 20}"/>`);
      marks.add(
        `<text class="harm" x="${at}" y="11"${(event.atMs - startMs) * 2 > lengthMs ? ' text-anchor="end"' : ""}>${escapeMarkup(event.what)}</text>`,
      );
    }
    if (!shown.includes(event.connection)) continue;
    const middle = y(event.connection);
    if (event.kind === "send") marks.add(`<line class="sent" x1="${at}" x2="${at}" y1="${middle - 6}" y2="${middle}"/>`);
    if (event.kind === "receive") marks.add(`<line class="received" x1="${at}" x2="${at}" y1="${middle}" y2="${middle + 6}"/>`);
    if (event.kind === "close") marks.add(`<circle class="ended" cx="${at}" cy="${middle}" r="3"/>`);
  }
  const lanes = shown.map(
    (one) =>
      `<line class="life" x1="${leftWidth}" x2="${leftWidth + plotWidth}" y1="${y(one)}" y2="${y(one)}"/><text class="time" x="4" y="${y(one) + 4}">${escapeMarkup(nameOf(one).replace(/^(.{11}).{2,}$/, "$1…"))}</text>`,
  );
  const axis = `<text class="time" x="${leftWidth}" y="${height - 6}">0 ms</text><text class="time" x="${leftWidth + plotWidth}" y="${height - 6}" text-anchor="end">${lengthMs.toFixed(0)} ms</text>`;
  const label = `Timeline of ${shown.length} of ${connections.length} connections`;
  return `<svg viewBox="0 0 ${leftWidth + plotWidth + 10} ${height}" width="${leftWidth + plotWidth + 10}" height="${height}" role="img" aria-label="${label}">${[...lanes, ...marks].join("\n")}${axis}</svg>`;
}

function counted(count: number, noun: string): string {
  return `${count} ${noun}${count === 1 ? "" : "s"}`;
}
