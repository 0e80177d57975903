// Two nodes of the test server with a fault switch on, and the nemesis faults that reveal it: mutants for the cluster rules.

import { runWorkload, type Workload } from "../cluster/workload.ts";
import type { Target } from "../conformance/context.ts";
import type { NodesPlan } from "../conformance/faults/plan.ts";
import { runNemesis } from "../testbed/nemesis.ts";
import type { PlannedFault } from "../testbed/nemesis-plan.ts";
import { type Cluster, startCluster, withoutLimits } from "../testbed/nodes.ts";
import { builtProgram } from "./servers.ts";

export interface FaultyNodes {
  readonly cluster: Cluster;
  readonly target: Target;
}

const count = 2;
/** To be acknowledged. */
const messages = 500;
const awayEvery = 200;
const settleMs = 20_000;
const [quietMs, lastMs] = [300, 300];

/**
 * @param path of the WebSocket endpoint
 * @throws UsageError where there is no redis-server
 * @throws TargetLost where a node does not come up
 */
export async function startFaultyNodes(path: string, plan: NodesPlan): Promise<FaultyNodes> {
  const cluster = await startCluster({
    count,
    path,
    env: withoutLimits,
    program: (index) =>
      (plan.only ?? index) === index ? { main: builtProgram("testing/test-server.js"), env: { FAULT: plan.switch } } : {},
  });
  const harm = plan.harm.map((kind): PlannedFault => ({ kind, node: 1, afterMs: quietMs, forMs: lastMs }));
  const runCluster: Target["runCluster"] = (context, roles, progress) => {
    const nemesis = { cluster, plan: harm, messages, clock: context.clock, say: () => undefined };
    const workload: Workload = { messages, awayEvery, settleMs };
    const faults: Workload["faults"] = (hooks) => runNemesis(nemesis, hooks);
    return runWorkload(context, roles, { ...workload, ...(harm.length === 0 ? {} : { faults }) }, progress);
  };
  const urls = cluster.nodes.map(({ url }) => url);
  return { cluster, target: { urls, origin: undefined, pid: undefined, askToStop: undefined, embedded: true, runCluster } };
}
