// Results -> generated/PEERS.md: what was measured and how, targets, losses, and a table for each part. Pure.

import type { Plan } from "./plan.ts";
import { echoCase, fanOutCase, idleCase, inOrder, latencyCase, type Measure, type Ratio, ratiosOf, speeds } from "./ratios.ts";
import type { FanOutCase, Results, Rounds } from "./results.ts";
import type { Sample } from "./sample.ts";
import { type PeerId, peerNames } from "./servers.ts";
import { type Spread, spreadOf } from "./statistics.ts";
import { isMet, lossesIn, targets } from "./targets.ts";

export interface Machine {
  readonly cores: number;
  readonly cpu: string;
  readonly node: string;
  readonly system: string;
}

export interface Report {
  readonly machine: Machine;
  readonly plan: Plan;
  readonly results: Results;
  /** What could not run here, and why. */
  readonly absent: ReadonlyMap<PeerId, string>;
}

export function emitPeers({ machine, plan, results, absent }: Report): string {
  const ratios = ratiosOf(results);
  const blocks = [
    "# The reference beside its peers",
    "<!-- Written by `npm run bench:peers`. Do not edit. -->",
    ...emitMethod(machine, plan, absent),
    ...emitTargets(ratios),
    ...emitLosses(ratios),
    ...(results.fanout ? emitFanOut(results.fanout, ratios) : []),
    ...(results.echo ? emitEcho(results.echo, ratios) : []),
    ...(results.connections ? emitConnections(results.connections, ratios) : []),
    ...(results.memory ? emitMemory(results.memory, ratios) : []),
  ];
  return `${blocks.join("\n\n")}\n`;
}

function emitMethod(machine: Machine, plan: Plan, absent: ReadonlyMap<PeerId, string>): string[] {
  return [
    `\`npm run bench:peers\` on ${machine.cores} cores (${machine.cpu}), Node ${machine.node}, ${machine.system}; the machine may do other work as well. ` +
      `Each server is a process of its own on the loopback interface, the generator another. The servers take turns; ${plan.rounds} rounds, ` +
      "each beginning with another server. A figure is the median over the rounds, with the least and the most in brackets.",
    "**A ratio is the reference by the other server, of the same round.** By CPU: work for each second of the server's own CPU time, user " +
      "and system, all threads; what else the machine does disturbs it less than the clock. By the clock: work for each second that passed, the generator's " +
      "part and waiting included.",
    "The work is the same for all: a client sends one chat message of JSON to its room, the server parses it and delivers it to every member, the sender " +
      "too. A message is done when every member has got it; each member must get each message once, else the run ends with an error. " +
      "Limits and heartbeats of the reference are set so high that none takes effect; nothing else of it is turned off.",
    ...[...absent].map(([id, why]) => `Not measured: ${peerNames[id]} (${why}).`),
  ];
}

function emitTargets(ratios: readonly Ratio[]): string[] {
  const rows = targets.flatMap((target) => {
    const found = ratios.filter(
      ({ group, peer, when }) =>
        group === target.group && peer === target.peer && (target.when === undefined || target.when === when),
    );
    // By CPU where there are two.
    const judged = found.find(({ measure }) => measure !== "wall");
    if (judged === undefined) return [];
    const clock = found.find(({ measure }) => measure === "wall");
    const bound = target.atLeast === undefined ? `at most ${target.atMost}` : `at least ${target.atLeast}`;
    return [
      [
        `${titles[target.group]}, ${judged.when}`,
        target.peer === "reference" ? "itself" : peerNames[target.peer],
        bound,
        bracketed(judged.spread),
        clock ? bracketed(clock.spread) : "",
        isMet(target, judged) ? "met" : "**missed**",
      ],
    ];
  });
  if (rows.length === 0) return [];
  return [
    "## Targets",
    table(["what", "the reference by", "target", "by CPU, or as such", "by the clock", ""], rows),
    "Targets are compared by CPU where there are two figures.",
  ];
}

const titles: Readonly<Record<Ratio["group"], string>> = {
  "fan-out": "Fan-out",
  latency: "p99 latency",
  echo: "Echo",
  connections: "Connections",
  memory: "Memory of a connection",
  flatness: "Cost of a delivery",
};

function emitLosses(ratios: readonly Ratio[]): string[] {
  const losses = lossesIn(ratios);
  if (ratios.length === 0) return [];
  if (losses.length === 0) return ["## Where the reference loses", "Nowhere in this run."];
  const items = losses.map(({ group, peer, ratios: behind, why }) => {
    const cases = [...new Set(behind.map(({ when }) => when))].map((when) => {
      const figures = behind
        .filter((one) => one.when === when)
        .map(({ measure, spread, isGain }) => {
          const how = measure === undefined ? "" : measure === "cpu" ? " by CPU" : " by the clock";
          const isClose = isGain ? spread.most >= 1 : spread.least <= 1;
          return `${figure(spread.median)}${how}${isClose ? " (1 is within the rounds)" : ""}`;
        });
      return `${when} ${figures.join(" and ")}`;
    });
    return `- **${titles[group]}, to ${peer === "reference" ? "itself" : peerNames[peer]}**: ${cases.join("; ")}. Because ${why}.`;
  });
  return ["## Where the reference loses", items.join("\n")];
}

const fanOutPeers: readonly PeerId[] = ["guide", "socket.io", "uws", "bun", "bare"];

function emitFanOut({ cases, latency, frameBytes }: NonNullable<Results["fanout"]>, ratios: readonly Ratio[]): string[] {
  const tables = (["cpu", "wall"] as const).map((measure) => {
    const peers = fanOutPeers.filter((id) => cases.some(({ samples }) => samples[id]));
    const rows = cases.map(({ members, inFlight, samples }) => [
      `${members}`,
      `${inFlight}`,
      `${millions(speeds(samples.reference!, measure))}`,
      ...peers.map((peer) => ratioCell(ratios, "fan-out", fanOutCase(members, inFlight), measure, peer)),
      ...(measure === "wall" ? [busiest(samples)] : []),
    ]);
    const unit = measure === "cpu" ? "million deliveries per CPU second" : "million deliveries per second";
    const heads = ["members", "in flight", `the reference, ${unit}`, ...peers.map((peer) => `by ${peerNames[peer]}`)];
    return `${measure === "cpu" ? "By CPU" : "By the clock"}:\n\n${table([...heads, ...(measure === "wall" ? ["generator busy"] : [])], rows)}`;
  });
  const [least, ...rest] = cases.filter(({ inFlight }) => inFlight === cases.at(-1)!.inFlight);
  const sizes = inOrder(frameBytes).map(([id, [bytes]]) => `${peerNames[id]} ${bytes}`);
  return [
    "## Fan-out",
    `Bytes of one delivery: ${sizes.join(", ")}.`,
    ...tables,
    ...(least === undefined ? [] : [emitShare(least, rest)]),
    "Generator busy: the most that the generator was, over the servers of the row. Near 100 %, the clock measures the generator.",
    "### Latency",
    `${latency.members} members, ${figure(latency.perSecond)} messages per second (a tenth of what the slower of the two does with one in flight), ` +
      "sent by a schedule; from when a message should have been sent to its arrival at a member.",
    table(
      ["server", "p99 of deliveries, ms", "the reference by it"],
      valueRows(latency.p99Ms, ratios, "latency", latencyCase, (value) => figure(value)),
    ),
  ];
}

/** What a message costs beside its deliveries, taken from the smallest room, and how much of the whole that is in larger ones. */
function emitShare(least: FanOutCase, larger: readonly FanOutCase[]): string {
  const costUs = ({ members, samples }: FanOutCase, id: PeerId): number =>
    samples[id] === undefined ? 0 : (members * 1_000) / spreadOf(speeds(samples[id], "cpu")).median;
  const besideUs = costUs(least, "reference") - costUs(least, "bare");
  const shares = larger.map((one) => `${Math.round((100 * besideUs) / costUs(one, "reference"))} % with ${one.members} members`);
  return (
    `With ${least.inFlight} in flight and ${least.members} members, a message costs the reference ${figure(costUs(least, "reference"))} us of CPU and the bare ` +
    `writer ${figure(costUs(least, "bare"))} us. The rest, ${figure(besideUs)} us, is what is done once per message: to unmask, parse, check, count, number, keep, encode ` +
    `and acknowledge it.${shares.length > 0 ? ` Of what a message costs the reference, that is ${shares.join(" and ")}.` : ""}`
  );
}

function emitEcho({ cases }: NonNullable<Results["echo"]>, ratios: readonly Ratio[]): string[] {
  const rows = cases.flatMap(({ connections, inFlight, samples }) =>
    speedRows(samples, ratios, "echo", echoCase(connections, inFlight), [`${inFlight}`]),
  );
  return [
    "## Echo",
    `A request and its reply on ${cases[0]?.connections} connections. The reference validates the request; the others parse it.`,
    table(["in flight", "server", "replies per CPU second", "by CPU", "replies per second", "by the clock"], rows),
  ];
}

function emitConnections({ count, samples, flat }: NonNullable<Results["connections"]>, ratios: readonly Ratio[]): string[] {
  const perDelivery = (one: Sample[]): string => bracketed(spreadOf(speeds(one, "cpu").map((speed) => 1_000 / speed)));
  const ids = inOrder(flat[0]?.samples ?? {}).map(([id]) => id);
  return [
    "## Connections",
    `${count} connections, opened 32 at a time, until each has been greeted. The reference verifies a token of each.`,
    table(
      ["server", "accepted per CPU second", "by CPU", "accepted per second", "by the clock"],
      speedRows(samples, ratios, "connections", "accepted", []),
    ),
    `The cost of a delivery, in microseconds of the server's CPU, with one message under way in rooms of ${flat[0]?.perRoom} members:`,
    table(
      ["connections", ...ids.map((id) => peerNames[id])],
      flat.map((one) => [`${one.connections}`, ...ids.map((id) => perDelivery(one.samples[id]!))]),
    ),
    ...ratios
      .filter(({ group }) => group === "flatness")
      .map(({ peer, when, spread }) => `${capital(peerNames[peer])}, ${when}: ${bracketed(spread)} times the cost.`),
  ];
}

function emitMemory({ cases }: NonNullable<Results["memory"]>, ratios: readonly Ratio[]): string[] {
  return [
    "## Memory",
    "What a process that has just been started grows by in resident memory, for each idle connection. Its young generation grows in steps, once, and " +
      "sooner where more is allocated to accept a connection: with few connections that is a good part of the figure.",
    table(
      ["idle connections", "server", "kB per connection", "the reference by it"],
      cases.flatMap(({ connections, bytes }) =>
        valueRows(bytes, ratios, "memory", idleCase(connections), (value) => figure(value / 1_000)).map((row) => [
          `${connections}`,
          ...row,
        ]),
      ),
    ),
  ];
}

function speedRows(
  samples: Rounds<Sample>,
  ratios: readonly Ratio[],
  group: Ratio["group"],
  when: string,
  lead: readonly string[],
): string[][] {
  return inOrder(samples).map(([peer, own]) => [
    ...lead,
    peerNames[peer],
    ...(["cpu", "wall"] as const).flatMap((measure) => [
      Math.round(spreadOf(speeds(own, measure)).median * 1_000).toString(),
      peer === "reference" ? "1" : ratioCell(ratios, group, when, measure, peer),
    ]),
  ]);
}

function valueRows(
  values: Rounds<number>,
  ratios: readonly Ratio[],
  group: Ratio["group"],
  when: string,
  show: (value: number) => string,
): string[][] {
  return inOrder(values).map(([peer, own]) => {
    const { median, least, most } = spreadOf(own);
    const ratio = ratios.find((one) => one.group === group && one.when === when && one.peer === peer);
    return [peerNames[peer], `${show(median)} (${show(least)}..${show(most)})`, ratio ? bracketed(ratio.spread) : "1"];
  });
}

function ratioCell(ratios: readonly Ratio[], group: Ratio["group"], when: string, measure: Measure, peer: PeerId): string {
  const found = ratios.find((one) => one.group === group && one.when === when && one.measure === measure && one.peer === peer);
  return found ? bracketed(found.spread) : "";
}

/** The share of the time for which this process was busy, at the busiest server. */
function busiest(samples: Rounds<Sample>): string {
  const shares = Object.values(samples).map((own) => spreadOf(own.map(({ ownCpuMs, wallMs }) => ownCpuMs / wallMs)).median);
  return `${Math.round(Math.max(...shares) * 100)} %`;
}

function millions(perMs: readonly number[]): string {
  return bracketed(spreadOf(perMs.map((value) => value / 1_000)));
}

function bracketed({ median, least, most }: Spread): string {
  return `${figure(median)} (${figure(least)}..${figure(most)})`;
}

/** Three figures that count, or all before the point. */
function figure(value: number): string {
  return Math.abs(value) >= 100 ? `${Math.round(value)}` : `${Number(value.toPrecision(3))}`;
}

function capital(text: string): string {
  return text.charAt(0).toUpperCase() + text.slice(1);
}

function table(heads: readonly string[], rows: readonly (readonly string[])[]): string {
  const line = (cells: readonly string[]): string => `| ${cells.join(" | ")} |`;
  return [line(heads), line(heads.map(() => "---")), ...rows.map(line)].join("\n");
}
