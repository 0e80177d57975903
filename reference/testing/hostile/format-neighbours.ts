// The table of bench:neighbours. Pure.
import { flooders, honestClients, type NeighboursResult } from "./neighbours.ts";

export function formatNeighbours({ rows, honest }: NeighboursResult): string {
  const head = [
    "flooders send",
    "their connections ended",
    "server CPU alone",
    "beside them",
    "CPU ratio",
    "CPU per connection of a flooder",
    "honest p50 ratio",
    "honest p99 ratio",
  ];
  const lines = rows.map(({ kind, alone, beside, ends, cpuMsPerFlooder }) => [
    kind,
    Object.entries(ends)
      .map(([end, count]) => `${count} x ${end}`)
      .join(", "),
    `${alone.cpuMsPerSecond.toFixed(0)} ms/s`,
    `${beside.cpuMsPerSecond.toFixed(0)} ms/s`,
    ratio(beside.cpuMsPerSecond, alone.cpuMsPerSecond),
    `${cpuMsPerFlooder.toFixed(2)} ms`,
    ratio(beside.p50Ms, alone.p50Ms),
    `${ratio(beside.p99Ms, alone.p99Ms)} (${alone.p99Ms.toFixed(1)} to ${beside.p99Ms.toFixed(1)} ms)`,
  ]);
  return [
    `${flooders} flooders of each kind beside ${honestClients} honest clients; a flooder that is cut off comes back at once.`,
    `Honest clients: ${honest.sent} messages sent, ${honest.acked} acknowledged; ${honest.due} deliveries due, ${honest.delivered} received; ${honest.closed} connections lost.`,
    "",
    ...[head, head.map(() => "---"), ...lines].map((cells) => `| ${cells.join(" | ")} |`),
  ].join("\n");
}

const ratio = (value: number, base: number): string => (base === 0 ? "n/a" : (value / base).toFixed(2));
