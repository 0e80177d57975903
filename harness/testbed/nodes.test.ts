// The whole of a cluster run on real nodes and a real redis-server: honest under every kind of fault, and convicted where one node of two is not.
import { afterEach, describe, expect, it } from "vitest";
import { defaultSpecFile, loadContract } from "../../spec/load-contract.ts";
import { checkers } from "../cluster/check-log.ts";
import { type Anomaly, type Check, checks, type LogHistory } from "../cluster/log-history.ts";
import { logRoles } from "../cluster/log-roles.ts";
import { runWorkload, type Workload } from "../cluster/workload.ts";
import { beginCheck } from "../conformance/check.ts";
import type { Target } from "../conformance/context.ts";
import { faults } from "../conformance/faults/fault.ts";
import type { Fault, NodesPlan } from "../conformance/faults/plan.ts";
import { type OwnTarget, startOwnNodes } from "../conformance/managed-target.ts";
import { type OpenedRun, openRun } from "../conformance/open-run.ts";
import { clusterPhase } from "../conformance/rules/cluster.ts";
import { startFaultyNodes } from "../mutation/faulty-nodes.ts";
import { type FaultProxy, startProxy } from "../mutation/proxy/proxy.ts";
import { faultsOf, rulesUnderTest } from "../mutation/rules-under-test.ts";
import { faultKinds } from "./nemesis-plan.ts";

const { contract } = await loadContract({ file: defaultSpecFile });
const channel = contract!.channels.find(({ kind }) => kind === "websocket")!;
const subject = { contract: contract!, channel };
const roles = logRoles(contract!, channel)!;

let own: OwnTarget | undefined;
let opened: OpenedRun | undefined;
let proxy: FaultProxy | undefined;

afterEach(async () => {
  await proxy?.close();
  await opened?.end();
  await own?.stop();
  [own, opened, proxy] = [undefined, undefined, undefined];
});

async function start(nodes: number, faultCount: number, messages: number): Promise<Target> {
  const lines: string[] = [];
  own = await startOwnNodes({
    path: channel.address,
    nodes,
    faults: faultCount,
    messages,
    seed: 5,
    say: (line) => lines.push(line),
  });
  const { urls, nodeNames, secret, runCluster } = own;
  const target = {
    urls,
    nodeNames,
    origin: undefined,
    pid: undefined,
    askToStop: undefined,
    embedded: true,
    runCluster: runCluster!,
  };
  opened = await openRun({ ...subject, target, auth: { secret }, seed: 5 });
  return target;
}

/** On nodes that have a fault, with harm chosen to bring it out; the honest ones bear all of it above. */
async function runOn(plan: NodesPlan): Promise<LogHistory> {
  const { cluster, target } = await startFaultyNodes(channel.address, plan);
  own = { urls: [], secret: cluster.secret, pid: 0, revive: async () => undefined, stop: () => cluster.stop() };
  opened = await openRun({ ...subject, target, auth: { secret: cluster.secret }, seed: 5 });
  const check = beginCheck({ ...opened.run, assertTargetAlive: async () => undefined });
  const history = await target.runCluster!(check.context, roles, () => undefined);
  await check.end();
  return history;
}

/** Checks that found something, in the order of their evidence, with how many publishes were acknowledged until then. */
function found(history: LogHistory): ReadonlyMap<Check, number> {
  const acknowledgedBy = (atMs: number) =>
    history.publishes.filter(({ outcome, endedAtMs }) => outcome === "ok" && endedAtMs! <= atMs).length;
  return new Map(
    checks.flatMap((check) => {
      const { anomalies } = checkers[check](history);
      return anomalies.length === 0 ? [] : [[check, acknowledgedBy(Math.min(...anomalies.map(evidentAtMs)))]];
    }),
  );
}

function evidentAtMs({ publishes, observations }: Anomaly): number {
  const times = [...publishes.map(({ endedAtMs }) => endedAtMs), ...observations.map(({ seen }) => seen?.atMs)];
  return Math.max(...times.filter((time) => time !== undefined));
}

it("keeps every promise of the log while each kind of fault is done to three nodes", async () => {
  const target = await start(3, faultKinds.length, 2_000);
  const check = beginCheck({ ...opened!.run, assertTargetAlive: async () => undefined });
  const history = await target.runCluster!(check.context, roles, () => undefined);
  // Among them the reload of nginx: without it the run goes on, but not this test.
  expect(history.faults).toHaveLength(faultKinds.length);
  expect(history.nodeNames).toEqual(["node 0", "node 1", "node 2", "nginx"]);
  expect(history.subscriptions.some(({ node }) => history.nodeNames?.[node] === "nginx")).toBe(true);
  expect(history.settled.size).toBe(2);
  expect(history.publishes.filter(({ outcome }) => outcome === "ok").length).toBeGreaterThanOrEqual(2_000);
  for (const check of checks) expect.soft(checkers[check](history), check).toMatchObject({ anomalies: [] });
  for (const check of checks) expect.soft(checkers[check](history).observed, check).toBeGreaterThan(0);
  // Redis came back without its data: the log began anew, and nobody took the one for the other.
  expect(new Set(history.subscriptions.map(({ key, joinedAt }) => `${key} ${joinedAt.epoch}`)).size).toBeGreaterThan(2);
  await check.end();
}, 180_000);

describe("one node of two is not honest", () => {
  const joined = [...roles.changes].find(([, { by }]) => by === 1)!;
  const seq = roles.stream.seq!;
  const planted: readonly [says: string, fault: Fault | undefined, first: readonly Check[]][] = [
    ["nothing is wrong with it", undefined, []],
    ["drops one message in fifty", faults.dropsMessage(roles.delivered, { everyNth: 50 }), ["non-contiguous", "lost"]],
    [
      "delivers one in fifty twice",
      faults.duplicatesMessage(roles.delivered, { everyNth: 50 }),
      ["duplicated", "non-contiguous"],
    ],
    [
      "delivers its own first: one in fifty too early",
      faults.reordersMessages(roles.delivered, { everyNth: 50 }),
      ["non-contiguous"],
    ],
    ["numbers one in fifty by itself", faults.addsToField(roles.delivered, seq, 1, { everyNth: 50 }), ["inconsistent-offset"]],
    ["counts members by itself", faults.addsToField(joined[0], joined[1].count!, 1), ["member-count"]],
    ["alters one in fifty", faults.changesField(roles.delivered, roles.content.delivered, "?", { everyNth: 50 }), ["unexpected"]],
  ];
  it.each(planted)("%s", async (says, fault, expected) => {
    const { urls, ...target } = await start(2, 0, 0);
    const { run } = opened!;
    const transformations = fault?.how.by === "proxy" ? fault.how.transformations : [];
    proxy = await startProxy({ ...subject, target: new URL(urls[1]!), messages: run.messages, transformations });
    const check = beginCheck({ ...run, target: { ...target, urls: [urls[0]!, proxy.url] } });
    const workload: Workload = { messages: 500, awayEvery: 100, settleMs: 6_000 };
    const history = await runWorkload(check.context, roles, workload, () => undefined);
    const after = found(history);
    process.stdout.write(`${says}: ${[...after].map(([rule, count]) => `cluster-${rule} after ${count}`).join(", ")}\n`);
    expect([...after.keys()]).toEqual(expect.arrayContaining([...expected]));
    if (expected.length === 0) expect([...after]).toEqual([]);
    for (const one of expected) expect(after.get(one)).toBeLessThan(500);
    await check.end();
  });
});

describe("nodes have a fault", () => {
  const planted = faultsOf(rulesUnderTest([clusterPhase], subject)).filter(({ how }) => how.by === "nodes");
  it.each(planted.map((fault) => [fault.id, fault] as const))(
    "%s",
    async (id, fault) => {
      const rules = clusterPhase.rules.filter((rule) =>
        rule.from(subject).some((promised) => [rule.brokenBy(promised, subject)].flat().some((one) => one.id === id)),
      );
      const after = found(await runOn(fault.how as NodesPlan));
      process.stdout.write(`${id}: ${[...after].map(([rule, count]) => `cluster-${rule} after ${count}`).join(", ")}\n`);
      expect([...after.keys()].map((check) => `cluster-${check}`)).toEqual(expect.arrayContaining(rules.map((rule) => rule.id)));
    },
    120_000,
  );
});
