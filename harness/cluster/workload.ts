// The workload of a cluster run: clients on all nodes publish into a few logs at once, perhaps under faults, until all settles.

import type { ClientContext } from "../client/context.ts";
import { userFor } from "../client/preconditions.ts";
import { TargetLost } from "../schema/errors.ts";
import { lastCount } from "./check-settled.ts";
import { handshakeWithSkewedClocks } from "./clock-skew.ts";
import { LogClient } from "./log-client.ts";
import type { LogHistory, Publish, SkewedHandshake, Subscription } from "./log-history.ts";
import type { LogRoles } from "./log-roles.ts";
import type { NemesisHooks } from "./nemesis-hooks.ts";

export interface Workload {
  /** Clients of each node, default 4. */
  readonly clientsPerNode?: number;
  /** Logs that they share, default 2. */
  readonly logs?: number;
  /** Acknowledged publishes after which it ends. Default: the burst of the rate limits. */
  readonly messages?: number;
  /** Longest time in ms before settling, default 600000. */
  readonly withinMs?: number;
  /** Longest time to settle, in ms. Default 60000 with faults, else three times the run's deadline. */
  readonly settleMs?: number;
  /** A client resets its connection and reconnects after this many publishes, default 13. */
  readonly awayEvery?: number;
  /** Whether the frames of all connections are kept to the end, default true. A long run needs the memory. */
  readonly keepsFrames?: boolean;
  /** Runs beside the clients. The workload goes on until it has ended. */
  readonly faults?: (run: NemesisHooks) => Promise<void>;
}

const elsewhereEvery = 10;
/** Messages of the burst that are kept for settling. */
const spared = 3;
/** Longest time to settle: after the last fault in ms, without faults as a multiple of the run's deadline. */
const settleAfterFaultsMs = 60_000;
const settleDeadlines = 3;
/** How long nobody may be able to join, as a multiple of the run's deadline. */
const joinDeadlines = 4;

export async function runWorkload(
  context: ClientContext,
  roles: LogRoles,
  workload: Workload,
  progress: (text: string) => void,
): Promise<LogHistory> {
  const {
    clientsPerNode = 4,
    logs = 2,
    messages: wanted,
    withinMs = 600_000,
    awayEvery = 13,
    keepsFrames = true,
    faults,
  } = workload;
  const { settleMs = faults === undefined ? settleDeadlines * context.timeoutMs : settleAfterFaultsMs } = workload;
  const publishes: Publish[] = [];
  const subscriptions: Subscription[] = [];
  const noted: LogHistory["faults"][number][] = [];
  const skewedHandshakes: SkewedHandshake[] = [];
  const nodes = context.target.urls.length;
  const keys = Array.from({ length: logs }, () => context.fresh(roles.key.column));
  const state = { context, roles, nodes, publishes, subscriptions, keepsFrames };
  const clients: LogClient[] = [];
  for (let client = 0; client < nodes * clientsPerNode; client++) {
    const user = await userFor(context, roles.publish);
    // Each node has clients in all logs, and each log has clients on all nodes.
    const key = keys[Math.floor(client / nodes) % keys.length]!;
    clients.push(new LogClient(state, { client, node: client % nodes, key, user }));
  }
  const messages = wanted ?? clients.length * Math.min(40, burstOf(context, roles) - 2 * spared);
  let acknowledged = 0;
  let faulting = faults !== undefined;
  const untilMs = context.clock.nowMs() + withinMs;
  const joinedByMs = context.clock.nowMs() + joinDeadlines * context.timeoutMs;
  // A target that rejects everything, or lets nobody join, is not asked for ever.
  const over = () =>
    ((acknowledged >= messages || (faults === undefined && publishes.length >= 2 * messages)) && !faulting) ||
    (faults === undefined && subscriptions.length === 0 && context.clock.nowMs() > joinedByMs) ||
    context.clock.nowMs() > untilMs;
  const work = clients.map(async (client) => {
    const pace = createPace(context, roles);
    const elsewhere = keys.find((key) => key !== client.key);
    for (let count = 1; !over(); count++) {
      if (!(await client.ensureJoined(Math.min(5_000, context.timeoutMs)))) continue;
      await pace.wait();
      // Now and then it publishes where it is no member, to be rejected; and reconnects, to resume from its position.
      const key = count % elsewhereEvery === 0 ? elsewhere : undefined;
      const { outcome } = await client.publish(key);
      if (count % awayEvery === 0) client.reset();
      if (outcome === "ok") {
        if (++acknowledged % 100 === 0) progress(`${acknowledged} of ${messages} acknowledged, ${noted.length} faults`);
      } else if (outcome === "fail" && key === undefined) {
        // Rejected where it is a member, as while Redis is away: wait before the next one.
        await context.clock.sleep(100);
      }
    }
  });
  const hooks: NemesisHooks = {
    clients,
    acknowledged: () => acknowledged,
    note: (fault) => noted.push(fault),
    handshakeWithSkewedClocks: () => handshakeWithSkewedClocks(context, skewedHandshakes),
  };
  const trouble = faults?.(hooks).finally(() => {
    faulting = false;
  });
  await Promise.all([...work, hooks.handshakeWithSkewedClocks(), trouble]);
  const joinFailure =
    subscriptions.length === 0 ? clients.find(({ joinError }) => joinError !== undefined)?.joinError : undefined;
  if (joinFailure instanceof TargetLost) throw joinFailure;
  if (joinFailure !== undefined) {
    await Promise.all(clients.map((client) => client.finish()));
    return { publishes, subscriptions, skewedHandshakes, faults: noted, settled: new Set(), joinFailure };
  }
  const settled = await settle(context, roles, clients, keys, subscriptions, settleMs, progress);
  await Promise.all(clients.map((client) => client.finish()));
  return { publishes, subscriptions, skewedHandshakes, faults: noted, settled, nodeNames: context.target.nodeNames };
}

/** Every client joins again; then one sentinel message in each log proves that all earlier ones were delivered. */
async function settle(
  context: ClientContext,
  roles: LogRoles,
  clients: readonly LogClient[],
  keys: readonly string[],
  subscriptions: readonly Subscription[],
  settleMs: number,
  progress: (text: string) => void,
): Promise<Set<string>> {
  const settled = new Set<string>();
  const untilMs = context.clock.nowMs() + settleMs;
  const left = () => untilMs - context.clock.nowMs();
  await Promise.all(
    keys.map(async (key) => {
      const own = clients.filter((client) => client.key === key);
      while (left() > 0) {
        progress(`waiting for all to settle, ${Math.ceil(left() / 1000)} s at most`);
        const present = await Promise.all(own.map((client) => client.ensureJoined(left())));
        if (present.includes(false)) return;
        await createPace(context, roles, 1).wait();
        const [first] = own;
        // A repeated publish may have an earlier position than what others published since, so it proves nothing.
        const isFence = !first!.isRepeating;
        const sentinel = await first!.publish();
        if (
          isFence &&
          sentinel.outcome === "ok" &&
          (await allSee(context, own, subscriptions, sentinel, Math.min(left(), 5_000)))
        ) {
          settled.add(key);
          await allCounted(context, own, subscriptions, key, left());
          return;
        }
        await context.clock.sleep(200);
      }
    }),
  );
  return settled;
}

async function allSee(
  context: ClientContext,
  clients: readonly LogClient[],
  subscriptions: readonly Subscription[],
  { key, uid, at }: Publish,
  withinMs: number,
): Promise<boolean> {
  const untilMs = context.clock.nowMs() + withinMs;
  for (;;) {
    for (const client of clients) client.collect();
    const open = subscriptions.filter((subscription) => subscription.key === key && subscription.closeCode === undefined);
    if (
      open.length === clients.length &&
      open.every(({ seen }) => seen.some((one) => one.uid === uid && one.at.seq === (at ?? one.at).seq))
    )
      return true;
    if (context.clock.nowMs() > untilMs) return false;
    await context.clock.sleep(20);
  }
}

/** Waits until the counts are those of the open subscriptions: connections lost with a node are removed only after a while. */
async function allCounted(
  context: ClientContext,
  clients: readonly LogClient[],
  subscriptions: readonly Subscription[],
  key: string,
  withinMs: number,
): Promise<void> {
  const untilMs = context.clock.nowMs() + withinMs;
  while (context.clock.nowMs() < untilMs) {
    for (const client of clients) client.collect();
    const open = subscriptions.filter((subscription) => subscription.key === key && subscription.closeCode === undefined);
    if (open.every((subscription) => (lastCount(subscription) ?? open.length) === open.length)) return;
    await context.clock.sleep(50);
  }
}

/** Keeps one client under the rate limits of the publish: the burst first, then one at a time. */
function createPace(context: ClientContext, roles: LogRoles, burstLeft?: number): { wait(): Promise<void> } {
  const perSecond = Math.min(1_000_000, ...limitsOf(context, roles).map((limit) => limit.perSecond));
  const burst = burstOf(context, roles) - spared;
  let sent = burstLeft === undefined ? 0 : burst - burstLeft;
  return {
    async wait() {
      // 5 % slower than allowed: the server's clock is not ours.
      if (sent++ >= burst) await context.clock.sleep(1050 / perSecond);
    },
  };
}

function limitsOf({ channel, effective }: ClientContext, { publish }: LogRoles) {
  return channel.rateLimits
    .filter(({ name }) => publish.requires.some((one) => one.kind === "rate" && one.limit === name))
    .map((limit) => effective(limit));
}

function burstOf(context: ClientContext, roles: LogRoles): number {
  return Math.min(1_000_000, ...limitsOf(context, roles).map(({ burst }) => burst));
}
