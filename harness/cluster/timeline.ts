// An anomaly as a timeline in text: one column for each client, time downwards, faults across from their start to their end. Pure.
import type { Timeline } from "../model/history.ts";
import type { Anomaly, LogHistory } from "./log-history.ts";

type TimelineEntry = Timeline["entries"][number];

/** Faults further away than this from the entries are left out. */
const nearMs = 2_000;
/** Shorter faults get no entry for their end. */
const instantMs = 20;

/** The entries of an anomaly, and the faults near them, by time. */
export function timelineOf(
  { publishes, observations, handshakes = [] }: Anomaly,
  { faults, nodeNames }: Pick<LogHistory, "faults" | "nodeNames">,
): Timeline {
  const entries: TimelineEntry[] = [];
  const nameOf = (node: number) => nodeNames?.[node] ?? `node ${node}`;
  const columns = new Map<string, number>();
  const column = (client: number | string, node: number) => {
    const name = typeof client === "string" ? client : `client ${client}`;
    if (!columns.has(name)) columns.set(name, node);
    return name;
  };
  for (const { uid, client, node, invokedAtMs, endedAtMs, outcome, at, code } of publishes) {
    const own = column(client, node);
    entries.push({ atMs: invokedAtMs, column: own, text: `publish ${uid}` });
    const end = outcome === "ok" ? `ok, position ${at?.seq}` : outcome === "fail" ? `rejected ${code}` : "no reply";
    entries.push({ atMs: endedAtMs ?? invokedAtMs, column: own, text: end });
  }
  for (const { subscription, seen } of observations) {
    const own = column(subscription.client, subscription.node);
    entries.push({ atMs: subscription.joinedAtMs, column: own, text: `joined at position ${subscription.joinedAt.seq}` });
    if (seen !== undefined) entries.push({ atMs: seen.atMs, column: own, text: `${seen.at.seq}: ${seen.uid ?? seen.message}` });
    if (subscription.endedAtMs !== undefined)
      entries.push({ atMs: subscription.endedAtMs, column: own, text: `closed ${subscription.closeCode}` });
  }
  for (const { what, node, atMs, endedAtMs, actual } of handshakes) {
    const own = column("skewed clock", node);
    entries.push({ atMs, column: own, text: what }, { atMs: endedAtMs, column: own, text: actual });
  }
  const times = entries.map(({ atMs }) => atMs);
  const [from, to] = [Math.min(...times) - nearMs, Math.max(...times) + nearMs];
  for (const { what, node, atMs, endedAtMs } of faults) {
    // A fault that began long before and still lasts is drawn too.
    if (atMs > to || endedAtMs < from) continue;
    const where = node === undefined ? "" : ` (${nameOf(node)})`;
    entries.push({ atMs, column: undefined, text: `*** ${what}${where}`, fault: "start" });
    if (endedAtMs - atMs >= instantMs)
      entries.push({ atMs: endedAtMs, column: undefined, text: `*** end: ${what}${where}`, fault: "end" });
  }
  entries.sort((a, b) => a.atMs - b.atMs);
  return { columns: [...columns].map(([name, node]) => ({ name, node: nameOf(node) })), entries };
}

/** Lines of equal columns. The first two name the clients and their nodes. */
export function drawTimeline({ columns, entries }: Timeline): string[] {
  const names = columns.map(({ name }) => name);
  const width =
    Math.max(
      16,
      ...names.map(({ length }) => length),
      ...entries.filter((entry) => entry.column !== undefined).map(({ text }) => text.length),
    ) + 2;
  const line = (time: string, cells: readonly string[]) =>
    `${time.padStart(12)}  ${cells.map((cell) => cell.padEnd(width)).join("")}`.trimEnd();
  const head = [
    line("", names),
    line(
      "",
      columns.map(({ node }) => node),
    ),
  ];
  const lines = entries.map(({ atMs, column: own, text }) => {
    const time = `${atMs.toFixed(1)} ms`;
    return own === undefined
      ? `${time.padStart(12)}  ${text}`
      : line(
          time,
          names.map((name) => (name === own ? text : "|")),
        );
  });
  return [...head, ...new Set(lines)];
}
