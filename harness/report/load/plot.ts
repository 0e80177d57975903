// Lines and bars over two axes as SVG that fits any width: lines stretch, text does not. No script: a pointer shows each value as a title.
import { escapeMarkup } from "../escape.ts";
import type { Scale } from "./plot-scale.ts";

export interface PlotPoint {
  readonly x: number;
  readonly y: number;
  /** What a pointer on it shows. */
  readonly says: string;
}

export interface PlotLine {
  readonly name: string;
  readonly look: "main" | "second" | "third" | "earlier" | "good" | "bad";
  /** Default a solid line. */
  readonly drawn?: "dashed" | "dots";
  /** Undefined: nothing was measured there, and the line has a gap. */
  readonly points: readonly (PlotPoint | undefined)[];
}

export interface Plot {
  /** Stands above it, with the unit. */
  readonly title: string;
  readonly xLabel: string;
  readonly x: Scale;
  readonly y: Scale;
  readonly lines: readonly PlotLine[];
  /** Each as wide as `width` on the x axis and centred on its point. */
  readonly bars?: { readonly name: string; readonly width: number; readonly points: readonly PlotPoint[] };
}

/** Beyond so many points a pointer finds no single one, and the page would be all circles. */
const maxTouched = 200;

/** A figure with its legend. Where there is a single line or none, the title says what it is. */
export function emitPlot(plot: Plot): string {
  const { title, xLabel, x, y, lines } = plot;
  const description = `${title}, by ${xLabel}`;
  return `<figure class="chart"><figcaption><b>${escapeMarkup(title)}</b>${emitLegend(plot)}</figcaption>
<div class="frame"><svg class="plot" role="img" aria-label="${escapeMarkup(description)}" width="100%" height="240">
${y.ticks.map(({ at, text }) => `<line class="grid" x1="0" x2="100%" y1="${percent(1 - at)}" y2="${percent(1 - at)}"/><text x="-8" y="${percent(1 - at)}" dy="0.35em" text-anchor="end">${escapeMarkup(text)}</text>`).join("\n")}
${x.ticks.map(({ at, text, fine }) => `<g${fine ? ' class="fine"' : ""}><line class="grid" x1="${percent(at)}" x2="${percent(at)}" y1="0" y2="100%"/><text x="${percent(at)}" y="100%" dy="1.5em" text-anchor="middle">${escapeMarkup(text)}</text></g>`).join("\n")}
<text class="axis" x="50%" y="100%" dy="3em" text-anchor="middle">${escapeMarkup(xLabel)}</text>
${emitBars(plot)}<svg viewBox="0 0 1000 1000" preserveAspectRatio="none" width="100%" height="100%" overflow="visible">
${lines
  .filter(({ drawn }) => drawn !== "dots")
  .flatMap((line) => segments(line).map((points) => emitSegment(points, line, plot)))
  .join("\n")}
</svg>
${lines.map((line) => emitPoints(line, plot)).join("\n")}
</svg></div></figure>`;
}

function emitLegend({ lines, bars }: Plot): string {
  if (lines.length + (bars === undefined ? 0 : 1) < 2) return "";
  const barItem = `<li><svg width="28" height="10" aria-hidden="true"><rect class="bar" x="9" width="10" height="10"/></svg>${escapeMarkup(bars?.name ?? "")}</li>`;
  const items = lines.map(
    (line) =>
      `<li><svg width="28" height="10" aria-hidden="true">${line.drawn === "dots" ? `<circle class="dot ${line.look}" cx="14" cy="5" r="4"/>` : `<line class="${lineClass(line)}" x1="0" x2="28" y1="5" y2="5"/>`}</svg>${escapeMarkup(line.name)}</li>`,
  );
  return `<ul class="legend">${bars === undefined ? "" : barItem}${items.join("")}</ul>`;
}

function emitSegment(points: readonly PlotPoint[], line: PlotLine, { x, y }: Plot): string {
  const places = points.map((point) => `${thousandths(x.place(point.x))},${thousandths(1 - y.place(point.y))}`);
  return `<polyline class="${lineClass(line)}" vector-effect="non-scaling-stroke" points="${places.join(" ")}"/>`;
}

/** A lone point makes no line, so it is a dot; the others are there for the pointer. */
function emitPoints(line: PlotLine, { x, y }: Plot): string {
  const touched = line.points.length <= maxTouched;
  return segments(line)
    .flatMap((points) =>
      points.map((point) => {
        const place = `cx="${percent(x.place(point.x))}" cy="${percent(1 - y.place(point.y))}"`;
        const seen = line.drawn === "dots" || points.length === 1;
        const dot = seen ? `<circle class="dot ${line.look}" ${place} r="4"/>` : "";
        return touched ? `${dot}<circle class="touch" ${place} r="7"><title>${escapeMarkup(point.says)}</title></circle>` : dot;
      }),
    )
    .join("");
}

function emitBars({ bars, x, y }: Plot): string {
  const drawn = (bars?.points ?? []).filter(({ y: height }) => height > 0);
  return drawn
    .map((point) => {
      const left = x.place(point.x - bars!.width / 2);
      const height = y.place(point.y);
      const size = `width="${percent(x.place(point.x + bars!.width / 2) - left)}" height="${percent(height)}"`;
      return `<rect class="bar" x="${percent(left)}" y="${percent(1 - height)}" ${size}><title>${escapeMarkup(point.says)}</title></rect>\n`;
    })
    .join("");
}

/** The stretches of a line between its gaps. */
function segments({ points }: PlotLine): readonly (readonly PlotPoint[])[] {
  const found: PlotPoint[][] = [[]];
  for (const point of points) {
    if (point === undefined) found.push([]);
    else found.at(-1)!.push(point);
  }
  return found.filter(({ length }) => length > 0);
}

function lineClass({ look, drawn }: PlotLine): string {
  return `line ${look}${drawn === undefined ? "" : ` ${drawn}`}`;
}

function percent(share: number): string {
  return `${Number((share * 100).toFixed(2))}%`;
}

function thousandths(share: number): number {
  return Number((share * 1000).toFixed(1));
}
