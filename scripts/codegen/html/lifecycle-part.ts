// The life of a connection, drawn as SVG from top to bottom: narrow enough to be read on a phone. Colours come from the page's CSS.
import type { Channel, Contract } from "../../../spec/contract.ts";
import { type LastCode, type Lifecycle, lifecycleOf } from "../docs/lifecycle.ts";
import { reconnectWords } from "../docs/wording.ts";
import { escapeHtml } from "./markup.ts";
import { anchor, type Part } from "./part.ts";

const width = 400;
/** Left of the stations runs the way back. */
const left = 30;
const right = width - 6;
const line = 19;
/** Of close codes. */
const codeLine = 27;
/** Of the drawing's monospaced text. */
const characterWidth = 7.6;
const mainX = left + 62;
const sideX = left + 242;

export function lifecyclePart(contract: Contract, channel: Channel, id: string): Part | undefined {
  const life = lifecycleOf(contract, channel);
  if (life === undefined) return undefined;
  const classes = life.closes.map(
    ({ next }) => `<li><span class="class ${next}">${next}</span> ${escapeHtml(reconnectWords[next])}</li>`,
  );
  const words = classes.length === 0 ? "" : `<h4>After a close the client should</h4><ul class="bare">${classes.join("")}</ul>`;
  return {
    id,
    title: "Connection lifecycle",
    body: `<div class="pair flow${words === "" ? " alone" : ""}">${lifecycleSvg(life)}<div>${words}</div></div>`,
  };
}

function lifecycleSvg(life: Lifecycle): string {
  const shapes: string[] = [];
  let y = 6;

  /** Leaves `y` where its rows begin. @returns where it ends */
  const station = (name: string, inside: number): number => {
    const bottom = y + 30 + inside + (inside > 0 ? 8 : 0);
    shapes.push(
      `<g class="party"><rect x="${left}" y="${y}" width="${right - left}" height="${bottom - y}" rx="8"/><text x="${left + 14}" y="${y + 20}">${name}</text></g>`,
    );
    y += 30;
    return bottom;
  };
  const arrow = (x: number, length: number, kind: string, label: string) => {
    shapes.push(
      `<g class="${kind}"><line x1="${x}" y1="${y}" x2="${x}" y2="${y + length - 10}"/><path d="M${x} ${y + length}l-5 -10h10z"/>${label}</g>`,
    );
  };

  const startY = y + 15;
  y = station("connecting", 0);
  const length = 30 + (life.httpRefusals.length > 0 ? Math.ceil(life.httpRefusals.length / 3) * line + 16 : 12);
  const label = life.first === undefined ? "101" : linked(life.first, anchor("message", life.first));
  arrow(mainX, length, "received", `<text x="${mainX + 10}" y="${y + length / 2 + 4}">${label}</text>`);
  if (life.httpRefusals.length > 0) refusedInHttp(life.httpRefusals);
  y += length;

  const rows = life.standings.flatMap(standingRows);
  const renewal = life.renewedBy.length === 0 ? [] : wrap("credential renewed by", life.renewedBy, 0);
  const opened = station(life.isAuthenticated ? "open, authenticated" : "open", (rows.length + renewal.length) * line);
  for (const row of [...renewal, ...rows]) {
    y += line;
    shapes.push(row(y - 5));
  }
  y = opened;

  if (life.closes.length > 0) {
    arrow(mainX, 34, "refused", `<text class="code" x="${mainX + 10}" y="${y + 20}">close</text>`);
    y += 34;
    // Those that come back first: their way does not pass the others.
    const closes = [...life.closes].sort((a, b) => Number(a.next === "stop") - Number(b.next === "stop"));
    const codesOf = closes.map(({ codes }) => chunk(codes, 5));
    const hasRefusal = closes.some(({ codes }) => codes.some(({ isRefusal }) => isRefusal));
    const closed = station("closed", codesOf.flat().length * codeLine + (hasRefusal ? line : 0));
    const backs: number[] = [];
    for (const [index, { next }] of closes.entries()) {
      const at = y + 13;
      shapes.push(
        `<g class="class ${next}"><rect x="${left + 12}" y="${at - 11}" width="100" height="21" rx="10.5"/><text x="${left + 62}" y="${at + 4}" text-anchor="middle">${next}</text></g>`,
      );
      if (next === "stop") shapes.push(`<circle class="end" cx="12" cy="${at}" r="5"/><path class="way" d="M${left} ${at}H18"/>`);
      else backs.push(at);
      for (const codes of codesOf[index]!) {
        for (const [column, code] of codes.entries()) shapes.push(codeChip(code, left + 122 + column * 48, y + 13));
        y += codeLine;
      }
    }
    if (hasRefusal) {
      shapes.push(`<text class="aside" x="${left + 14}" y="${y + 14}">dashed: can also occur right after the handshake</text>`);
      y += line;
    }
    y = closed;
    if (backs.length > 0) {
      const stubs = backs.map((at) => `M${left} ${at}H12`).join("");
      shapes.push(
        `<path class="way" d="${stubs}M12 ${Math.max(...backs)}V${startY}H${left - 10}"/><path class="tip" d="M${left} ${startY}l-10 -5v10z"/>`,
      );
    }
  }
  const height = y + 6;
  const title = "Connection lifecycle";
  return `<div class="scroll drawing" tabindex="0" role="group" aria-label="${title}"><svg class="life-of" viewBox="0 0 ${width} ${height}" width="${width}" height="${height}" role="group" aria-label="${title}">${shapes.join("")}</svg></div>`;

  function refusedInHttp(statuses: readonly number[]): void {
    const chunks = chunk(statuses, 3);
    const top = y + 26;
    shapes.push(
      `<g class="refused"><line x1="${sideX}" y1="${y}" x2="${sideX}" y2="${top - 10}"/><path d="M${sideX} ${top}l-5 -10h10z"/></g>`,
      `<g class="box no"><rect x="${sideX - 72}" y="${top}" width="${right - sideX + 66}" height="${chunks.length * line + 8}" rx="8"/></g>`,
      ...chunks.map(
        (codes, index) =>
          `<text class="code" x="${sideX - 60 + (index === 0 ? 0 : 5 * characterWidth)}" y="${top + 18 + index * line}">${index === 0 ? "HTTP " : ""}${codes.join(", ")}${index < chunks.length - 1 ? "," : ""}</text>`,
      ),
    );
  }
}

const linked = (name: string, target: string) => {
  const short = name.length > 30 ? `${name.slice(0, 29)}…` : name;
  return `<a href="#${target}">${escapeHtml(short)}<title>${escapeHtml(name)}</title></a>`;
};

/** Draws itself at its baseline. */
type Row = (y: number) => string;

function standingRows({ name, depth, begunBy, endedBy, neededBy }: Lifecycle["standings"][number]): Row[] {
  const indent = depth * 14;
  const rows: Row[] = [
    (y) => `<text class="standing" x="${left + 14 + indent}" y="${y}">${depth > 0 ? "↳ " : ""}${escapeHtml(name)}</text>`,
  ];
  for (const [words, names] of [
    ["started by", begunBy],
    ["ended by", endedBy],
    ["needed by", neededBy],
  ] as const)
    if (names.length > 0) rows.push(...wrap(words, names, indent + 14));
  return rows;
}

/** `words operation, operation`, on as many rows as it takes. */
function wrap(words: string, names: readonly string[], indent: number): Row[] {
  const most = Math.floor((right - left - 24 - indent) / characterWidth);
  const rows: string[][] = [[]];
  let used = words.length;
  for (const name of names) {
    const length = Math.min(name.length, 30) + 2;
    if (used + length > most && rows.at(-1)!.length > 0) {
      rows.push([]);
      used = words.length;
    }
    rows.at(-1)!.push(name);
    used += length;
  }
  return rows.map((row, index) => (y) => {
    const links = row.map((name) => linked(name, anchor("operation", name))).join(", ");
    const x = left + 14 + indent + (index === 0 ? 0 : 14);
    const more = index < rows.length - 1 ? "," : "";
    return `<text x="${x}" y="${y}">${index === 0 ? `<tspan class="aside">${words}</tspan> ` : ""}${links}${more}</text>`;
  });
}

function codeChip({ code, name, isRefusal }: LastCode, x: number, y: number): string {
  return `<a href="#${anchor("close", String(code))}"><g class="last${isRefusal ? " early" : ""}"><title>${escapeHtml(name)}</title><rect x="${x}" y="${y - 11}" width="44" height="21" rx="6"/><text x="${x + 22}" y="${y + 4}" text-anchor="middle">${code}</text></g></a>`;
}

function chunk<T>(list: readonly T[], size: number): T[][] {
  return Array.from({ length: Math.ceil(list.length / size) }, (_, index) => list.slice(index * size, (index + 1) * size));
}
