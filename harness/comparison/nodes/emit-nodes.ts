// The figures of two nodes -> generated/NODES.md. Pure.

/** One round. */
export interface FanOut {
  readonly perSecond: number;
  /** By the CPU time of the node that used most: what a node holds when it has a core of its own. */
  readonly perCpuSecond: number;
  /** Cores that the busiest node used. */
  readonly busiestNode: number;
  /** Cores that the generator used. */
  readonly generator: number;
}

interface Percentiles {
  readonly count: number;
  /** In ms. */
  readonly p50: number;
  readonly p99: number;
}

export interface Latency {
  readonly same: Percentiles;
  readonly crossing: Percentiles;
}

/** A row of npm run bench:hub. */
export interface Append {
  readonly what: string;
  readonly value: string;
  readonly ratio: string;
}

export interface Figures {
  readonly one: readonly FanOut[];
  readonly two: readonly FanOut[];
  readonly latencies: readonly Latency[];
  readonly appends: readonly Append[];
  readonly machine: { readonly cores: number; readonly cpu: string; readonly node: string };
  readonly rounds: number;
  readonly members: number;
  readonly inFlight: number;
  readonly latencyPerSecond: number;
}

const target = 1.6;

export function emitNodes(figures: Figures): string {
  const { one, two, latencies, appends, machine, rounds, members, inFlight, latencyPerSecond } = figures;
  const byCpu = two.map(({ perCpuSecond }, at) => perCpuSecond / one[at]!.perCpuSecond);
  const byClock = two.map(({ perSecond }, at) => perSecond / one[at]!.perSecond);
  const cores = (of: (round: FanOut) => number) => [median(one.map(of)).toFixed(2), median(two.map(of)).toFixed(2)];
  const fanOutRows = [
    [
      "deliveries per second, by the clock",
      millions(one.map((round) => round.perSecond)),
      millions(two.map((round) => round.perSecond)),
      spread(byClock),
    ],
    [
      "deliveries per CPU second of the busiest node",
      millions(one.map((round) => round.perCpuSecond)),
      millions(two.map((round) => round.perCpuSecond)),
      spread(byCpu),
    ],
    ["cores that the busiest node used", ...cores((round) => round.busiestNode), ""],
    ["cores that the generator used", ...cores((round) => round.generator), ""],
  ];
  const p50s = latencies.map(({ same, crossing }) => crossing.p50 / same.p50);
  const p99s = latencies.map(({ same, crossing }) => crossing.p99 / same.p99);
  const ms = (of: (one: Latency) => number) => `${median(latencies.map(of)).toFixed(2)} ms`;
  return `${[
    "# Two nodes behind one Redis",
    "<!-- Written by `npm run bench:nodes`. Do not edit. -->",
    `\`npm run bench:nodes\` on ${machine.cores} cores (${machine.cpu}), Node ${machine.node}, shared with other work: two nodes of the reference, ` +
      `redis-server with \`appendfsync always\` and the generator, each a process, on the loopback interface. Medians of ${rounds} rounds in turn, the least and the most in brackets.`,
    "## Appends",
    "Acknowledged appends beside what redis-benchmark reaches with the same script, and what one costs among many (`npm run bench:hub` alone prints the same).",
    table(
      ["", "measured", "ratio"],
      appends.map(({ what, value, ratio }) => [what, value, ratio]),
    ),
    "## Deliveries",
    `${members} members of one room, ${inFlight} messages under way. Every delivery is checked: each member each message once and in order.`,
    table(["", "one node", "two nodes", "two by one"], fanOutRows),
    emitLimit(machine.cores, median(byCpu), median(byClock), one, two),
    "## Latency",
    `${latencyPerSecond} messages per second by a schedule, from when a message should have been sent to its arrival: at 20 members on the publisher's node, and at 20 on the other.`,
    table(
      ["", "same node", "other node", "other by same"],
      [
        ["p50", ms(({ same }) => same.p50), ms(({ crossing }) => crossing.p50), spread(p50s)],
        ["p99", ms(({ same }) => same.p99), ms(({ crossing }) => crossing.p99), spread(p99s)],
      ],
    ),
    "No node delivers before the log has the message, so that its own members wait for Redis as those of other nodes do.",
  ].join("\n\n")}\n`;
}

/** What stood in the way, from the figures. */
function emitLimit(cores: number, byCpu: number, byClock: number, one: readonly FanOut[], two: readonly FanOut[]): string {
  const verdict = `Target: at least ${target} where two cores are free. By CPU: ${byCpu.toFixed(2)}, ${byCpu >= target ? "met" : "**missed**"}.`;
  const used = median(two.map((round) => round.busiestNode * 2 + round.generator));
  const generator = Math.max(...[...one, ...two].map((round) => round.generator));
  if (byClock >= target) return `${verdict} By the clock as well.`;
  return (
    `${verdict} By the clock it is ${byClock.toFixed(2)}: with two nodes the nodes and the generator use ${used.toFixed(2)} of ${cores} cores, ` +
    `and redis-server wants its share, so no core is free for a second node; the generator alone takes up to ${generator.toFixed(2)}.`
  );
}

function table(heads: readonly string[], rows: readonly (readonly string[])[]): string {
  const line = (cells: readonly string[]) => `| ${cells.join(" | ")} |`;
  return [line(heads), line(heads.map(() => "---")), ...rows.map(line)].join("\n");
}

const millions = (values: readonly number[]) => `${(median(values) / 1e6).toFixed(2)} M`;
const spread = (values: readonly number[]) =>
  `${median(values).toFixed(2)} (${Math.min(...values).toFixed(2)} to ${Math.max(...values).toFixed(2)})`;
const median = (values: readonly number[]) => values.toSorted((a, b) => a - b)[Math.floor(values.length / 2)]!;
