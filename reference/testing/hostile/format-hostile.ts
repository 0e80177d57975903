// The table of `npm run hostile`: what was tried, how often, what happened. Pure.
import type { ClientTrials } from "./client-trials.ts";
import type { ClusterTrial } from "./cluster-trial.ts";
import type { FuzzResult } from "./fuzz.ts";
import { flooders, honestClients, type NeighboursResult } from "./neighbours.ts";
import type { StormResult } from "./reconnect-storm.ts";
import type { TestedFile } from "./run-tests.ts";

export interface HostileResult {
  readonly neighbours: NeighboursResult;
  readonly storm: StormResult;
  readonly fuzz: FuzzResult;
  readonly cluster: ClusterTrial;
  readonly client: ClientTrials;
  readonly tests: readonly TestedFile[];
}

export interface HostileLine {
  readonly tried: string;
  readonly howOften: string;
  readonly happened: string;
  /** Undefined: as it should be. */
  readonly wrong?: string;
}

const maxCpuMsPerFlooder = 50;
const maxHeapGrowthBytes = 5_000_000;

/** Lines of the parts that were run. */
export function hostileLines({ neighbours, storm, fuzz, cluster, client, tests }: Partial<HostileResult>): HostileLine[] {
  return [
    ...(neighbours ? neighbourLines(neighbours) : []),
    ...(storm ? [stormLine(storm)] : []),
    ...(fuzz ? [fuzzLine(fuzz)] : []),
    ...(cluster ? [clusterLine(cluster)] : []),
    ...(client ? clientLines(client) : []),
    ...(tests ?? []).map(testLine),
  ];
}

function neighbourLines({ rows, honest }: NeighboursResult): HostileLine[] {
  const lost = honest.sent - honest.acked + (honest.due - honest.delivered) + honest.closed;
  return [
    ...rows.map(({ kind, ends, cpuMsPerFlooder }) =>
      line({
        tried: `server: ${flooders} clients flood it with ${kind}, and come back when they are cut off`,
        howOften: `${Object.values(ends).reduce((sum, count) => sum + count, 0)} connections`,
        happened: `${formatEnds(ends)}; ${cpuMsPerFlooder.toFixed(1)} ms of CPU for each`,
        isRight: cpuMsPerFlooder < maxCpuMsPerFlooder,
      }),
    ),
    line({
      tried: `server: ${honestClients} honest clients beside all of these`,
      howOften: `${honest.sent} messages`,
      happened: `${honest.acked} acknowledged, ${honest.delivered} of ${honest.due} deliveries, ${honest.closed} connections lost`,
      isRight: lost === 0,
    }),
  ];
}

function clusterLine({ acknowledged, faults, told, missedAndTold, anomalies }: ClusterTrial): HostileLine {
  const count = Object.values(faults).reduce((sum, times) => sum + times, 0);
  return line({
    tried: "Redis Cluster of 3 masters and 3 replicas: masters killed, paused and replaced, replicas killed, slots moved",
    howOften: `${count} faults, ${acknowledged} messages acknowledged`,
    happened: `members told of a loss ${told} times, of ${missedAndTold} messages; ${anomalies.length} lost, doubled or changed without a word`,
    isRight: anomalies.length === 0,
  });
}

function stormLine(storm: StormResult): HostileLine {
  return line({
    tried: "server: killed with all its clients, or all cut off; they come back within a second",
    howOften: `${storm.storms} x ${storm.clients} clients`,
    happened: `${storm.refused} refused${storm.refused === 0 ? "" : ` (${formatEnds(storm.reasons)})`}; ${storm.cpuMsPerClient.toFixed(2)} ms of CPU for each; afterwards ${storm.leakedDescriptors} descriptors and ${formatMb(storm.leakedBytes)} of heap more than before`,
    isRight: storm.refused === 0 && storm.leakedDescriptors <= 0 && storm.leakedBytes < maxHeapGrowthBytes,
  });
}

function fuzzLine(fuzz: FuzzResult): HostileLine {
  return line({
    tried: `server: frames around the contract and RFC 6455, seed ${fuzz.seed}`,
    howOften: `${fuzz.frames} frames on ${fuzz.connections} connections`,
    happened: `${fuzz.findings.length} findings${fuzz.findings.map((finding) => ` (${finding})`).join("")}; ${fuzz.replies} replies, all valid; ${fuzz.leakedDescriptors} descriptors and ${formatMb(fuzz.leakedBytes)} of heap more than after a tenth`,
    isRight: fuzz.findings.length === 0 && fuzz.leakedDescriptors <= 0 && fuzz.leakedBytes < maxHeapGrowthBytes,
  });
}

function clientLines(client: ClientTrials): HostileLine[] {
  return [
    ...client.rows.map(({ name, attempts, invalid, state, problems }) =>
      line({
        tried: `client: a server that ${name}`,
        howOften: `${attempts} attempts of the client`,
        happened: `${invalid} invalid frames reported, ends ${state}`,
        isRight: problems.length === 0,
      }),
    ),
    line({
      tried: "client: exceptions and rejections that escape, at all of these servers",
      howOften: `${client.rows.length} servers`,
      happened: `${client.escaped.length} escaped`,
      isRight: client.escaped.length === 0,
    }),
  ];
}

function testLine({ file, about, tests, failed }: TestedFile): HostileLine {
  return line({
    tried: `${about} (\`${file}\`)`,
    howOften: `${tests} tests`,
    happened: `${tests - failed.length} passed`,
    isRight: failed.length === 0,
  });
}

function line({ isRight, ...rest }: Omit<HostileLine, "wrong"> & { readonly isRight: boolean }): HostileLine {
  return isRight ? rest : { ...rest, wrong: `${rest.tried}: ${rest.happened}` };
}

const formatEnds = (ends: Readonly<Record<string, number>>): string =>
  Object.entries(ends)
    .map(([end, count]) => (/^[1-4]\d{3}$/.test(end) ? `${count} closed with ${end}` : `${count} ${end}`))
    .join(", ");
const formatMb = (bytes: number): string => `${(Math.max(0, bytes) / 1e6).toFixed(1)} MB`;

export function formatTable(lines: readonly HostileLine[]): string {
  const rows = lines.map(({ tried, howOften, happened, wrong }) => [
    tried,
    howOften,
    wrong === undefined ? happened : `**${happened}**`,
  ]);
  return [["what was tried", "how often", "what happened"], ["---", "---", "---"], ...rows]
    .map((cells) => `| ${cells.map((cell) => cell.replaceAll("|", "\\|")).join(" | ")} |`)
    .join("\n");
}
