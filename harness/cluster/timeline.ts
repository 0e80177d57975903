// A violation as a picture in text: a lane for each client that takes part, time downwards, faults across from their start to their end. Pure.
import type { Anomaly, LogHistory } from "./log-history.ts";

interface Mark {
  readonly atMs: number;
  readonly lane: string | undefined;
  readonly text: string;
}

/** Faults further away than this from what is shown are left out. */
const nearMs = 2_000;
/** What is over sooner has no end of its own. */
const instantMs = 20;

/** Lines of equal columns, the first two naming the lanes. */
export function drawLanes(
  { publishes, sights, dials = [] }: Anomaly,
  { faults, nodeNames }: Pick<LogHistory, "faults" | "nodeNames">,
): string[] {
  const marks: Mark[] = [];
  const nameOf = (node: number) => nodeNames?.[node] ?? `node ${node}`;
  const lanes = new Map<string, number>();
  const lane = (client: number | string, node: number) => {
    const name = typeof client === "string" ? client : `client ${client}`;
    if (!lanes.has(name)) lanes.set(name, node);
    return name;
  };
  for (const { uid, client, node, invokedAtMs, endedAtMs, outcome, at, code } of publishes) {
    const own = lane(client, node);
    marks.push({ atMs: invokedAtMs, lane: own, text: `publish ${uid}` });
    const end = outcome === "ok" ? `ok, at ${at?.seq}` : outcome === "fail" ? `refused ${code}` : "no reply";
    marks.push({ atMs: endedAtMs ?? invokedAtMs, lane: own, text: end });
  }
  for (const { session, seen } of sights) {
    const own = lane(session.client, session.node);
    marks.push({ atMs: session.joinedAtMs, lane: own, text: `joined at ${session.joinedAt.seq}` });
    if (seen !== undefined) marks.push({ atMs: seen.atMs, lane: own, text: `${seen.at.seq}: ${seen.uid ?? seen.message}` });
    if (session.endedAtMs !== undefined) marks.push({ atMs: session.endedAtMs, lane: own, text: `closed ${session.closeCode}` });
  }
  for (const { what, node, atMs, endedAtMs, actual } of dials) {
    const own = lane("other clock", node);
    marks.push({ atMs, lane: own, text: what }, { atMs: endedAtMs, lane: own, text: actual });
  }
  const times = marks.map(({ atMs }) => atMs);
  const [from, to] = [Math.min(...times) - nearMs, Math.max(...times) + nearMs];
  for (const { what, node, atMs, endedAtMs } of faults) {
    // One that began long before and is not over yet is drawn too.
    if (atMs > to || endedAtMs < from) continue;
    const where = node === undefined ? "" : ` (${nameOf(node)})`;
    marks.push({ atMs, lane: undefined, text: `*** ${what}${where}` });
    if (endedAtMs - atMs >= instantMs) marks.push({ atMs: endedAtMs, lane: undefined, text: `*** over: ${what}${where}` });
  }
  marks.sort((a, b) => a.atMs - b.atMs);
  const names = [...lanes.keys()];
  const width =
    Math.max(
      16,
      ...names.map(({ length }) => length),
      ...marks.filter((mark) => mark.lane !== undefined).map(({ text }) => text.length),
    ) + 2;
  const row = (time: string, cells: readonly string[]) =>
    `${time.padStart(12)}  ${cells.map((cell) => cell.padEnd(width)).join("")}`.trimEnd();
  const head = [
    row("", names),
    row(
      "",
      names.map((name) => nameOf(lanes.get(name)!)),
    ),
  ];
  const seenOnce = new Set<string>();
  const lines = marks.map(({ atMs, lane: own, text }) => {
    const time = `${atMs.toFixed(1)} ms`;
    return own === undefined
      ? `${time.padStart(12)}  ${text}`
      : row(
          time,
          names.map((name) => (name === own ? text : "|")),
        );
  });
  return [...head, ...lines.filter((line) => !seenOnce.has(line) && seenOnce.add(line))];
}
