// npm run bench:nodes: what a second node behind Redis gives, and what crossing to it costs. Writes generated/NODES.md.
import { execFileSync } from "node:child_process";
import { writeFileSync } from "node:fs";
import os from "node:os";
import { fileURLToPath } from "node:url";
import { expectContractUnderTest } from "../../conformance/load-contract-under-test.ts";
import { nowMs } from "../../load/clock.ts";
import { addEncoded, createHistogram, percentileMs } from "../../load/histogram.ts";
import { setupMembers } from "../../load/members.ts";
import { type Recorded, Recorder } from "../../load/recorder.ts";
import { prepareFanout } from "../../load/scenarios/fanout-run.ts";
import { type LoadProfile, openWorkerContext, type WorkerContext } from "../../load/worker-context.ts";
import { type Cluster, startCluster, withoutLimits } from "../../testbed/nodes.ts";
import { cpuMs } from "../process-cost.ts";
import { type Append, emitNodes, type FanOut, type Figures, type Latency } from "./emit-nodes.ts";

const rounds = 5;
const members = 200;
const inFlight = 64;
const roundMs = 3_000;
const latencyMs = 10_000;
const latencyPerSecond = 50;

const subject = await expectContractUnderTest({
  spec: undefined,
  perspective: undefined,
  overlay: undefined,
  server: undefined,
  variables: undefined,
  urls: [],
});

const profile: LoadProfile = {
  ...{ connections: 0, rooms: 1, members, perSecond: undefined, inFlight, payloadBytes: 100, weights: {}, seed: 1 },
  ...{ durationMs: roundMs, warmUpMs: 500, timeoutMs: 20_000 },
};

async function onStage<T>(
  cluster: Cluster,
  urls: readonly string[],
  asked: LoadProfile,
  label: string,
  use: (step: WorkerContext) => Promise<T>,
): Promise<T> {
  const step = await openWorkerContext({
    ...subject,
    ...{ urls, origin: undefined, insecure: false, auth: { secret: cluster.secret }, pid: undefined },
    ...{ profile: asked, slice: { index: 0, count: 1 }, label, recorder: new Recorder() },
  });
  try {
    return await use(step);
  } finally {
    await step.end();
  }
}

/** 200 members on the nodes at `urls`, 64 messages under way. @returns deliveries per second, and per CPU second of the busiest node */
async function fanOut(cluster: Cluster, urls: readonly string[], label: string): Promise<FanOut> {
  return onStage(cluster, urls, profile, label, async (step) => {
    const scenarioRun = await prepareFanout(step, () => undefined);
    const startMs = nowMs() + profile.warmUpMs;
    const pids = cluster.nodes.map((node) => node.process.pid);
    const before = pids.map(cpuMs);
    const generatorBefore = process.cpuUsage();
    const begunMs = nowMs();
    await scenarioRun.play({ startMs, endMs: startMs + profile.durationMs });
    const reached = await scenarioRun.reached!();
    await scenarioRun.settle(reached);
    const seconds = (nowMs() - begunMs) / 1000;
    const used = pids.map((pid, at) => (cpuMs(pid) - before[at]!) / 1000);
    const generator = process.cpuUsage(generatorBefore);
    const { received, lost, duplicated, disordered, unexpected } = step.recorder.counts;
    await scenarioRun.end();
    const faults = lost + duplicated + disordered + unexpected;
    if (faults > 0) throw new Error(`${faults} deliveries were not as they must be`);
    return {
      perSecond: received / seconds,
      perCpuSecond: received / Math.max(...used),
      busiestNode: Math.max(...used) / seconds,
      generator: (generator.user + generator.system) / 1e6 / seconds,
    };
  });
}

/** One member publishes on the first node; as many members on it as on the second measure the delivery. */
async function latency(cluster: Cluster): Promise<Latency> {
  const [first, second] = cluster.nodes.map(({ url }) => url);
  const asked: LoadProfile = { ...profile, members: 20, perSecond: latencyPerSecond, durationMs: latencyMs };
  const label = `latency${nowMs().toString(36).replace(".", "")}`;
  return onStage(cluster, [second!], asked, label, (far) =>
    onStage(cluster, [first!], asked, label, async (near) => {
      const distant = await setupMembers(far, () => undefined);
      const scenarioRun = await prepareFanout(near, () => undefined);
      const startMs = nowMs() + asked.warmUpMs;
      const window = { startMs, endMs: startMs + asked.durationMs };
      far.recorder.begin(window);
      await scenarioRun.play(window);
      const reached = await scenarioRun.reached!();
      await Promise.all([scenarioRun.settle(reached), distant.settle(reached)]);
      const result = { same: percentiles(near.recorder.end()), crossing: percentiles(far.recorder.end()) };
      await Promise.all([scenarioRun.end(), distant.end()]);
      return result;
    }),
  );
}

function percentiles({ late, seconds }: Recorded): Latency["same"] {
  const histogram = createHistogram();
  for (const encoded of [late, ...seconds.flatMap((one) => one.latency ?? [])]) addEncoded(histogram, encoded);
  if (histogram.totalCount === 0) throw new Error("nothing was delivered");
  return { count: histogram.totalCount, p50: percentileMs(histogram, 50), p99: percentileMs(histogram, 99) };
}

async function main(): Promise<void> {
  const say = (text: string) => process.stderr.write(`${text}\n`);
  say("appends, by npm run bench:hub");
  const hubBench = fileURLToPath(new URL("../../../reference/testing/bench-hub.js", import.meta.url));
  const appends = JSON.parse(execFileSync(process.execPath, [hubBench, "--json"], { encoding: "utf8" })) as Append[];
  const cluster = await startCluster({
    count: 2,
    path: subject.channel.address,
    env: { ...withoutLimits, MEMBERS_PER_ROOM: "10000" },
  });
  try {
    const urls = cluster.nodes.map(({ url }) => url);
    const figures: { one: FanOut[]; two: FanOut[]; latencies: Latency[] } = { one: [], two: [], latencies: [] };
    for (let round = 1; round <= rounds; round++) {
      say(`round ${round} of ${rounds}`);
      figures.one.push(await fanOut(cluster, [urls[0]!], `one${round}`));
      figures.two.push(await fanOut(cluster, urls, `two${round}`));
      figures.latencies.push(await latency(cluster));
    }
    const machine = { cores: os.availableParallelism(), cpu: os.cpus()[0]?.model ?? "unknown", node: process.version };
    const all: Figures = { ...figures, appends, machine, rounds, members, inFlight, latencyPerSecond };
    const text = emitNodes(all);
    process.stdout.write(text);
    const isBuilt = import.meta.url.includes("/dist/");
    writeFileSync(new URL(isBuilt ? "../../../../generated/NODES.md" : "../../../generated/NODES.md", import.meta.url), text);
  } finally {
    await cluster.stop();
  }
}

await main();
