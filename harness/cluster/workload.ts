// The workload of a cluster run: clients on all nodes publish into few logs at once, while faults happen; then all is healed and settles.

import type { ClientContext } from "../client/context.ts";
import { userFor } from "../client/preconditions.ts";
import type { NemesisHooks } from "../testbed/nemesis.ts";
import { lastCount } from "./check-log.ts";
import { dialByOtherClocks } from "./clock-skew.ts";
import { LogClient } from "./log-client.ts";
import type { ClockDial, LogHistory, Publish, Session } from "./log-history.ts";
import type { LogRoles } from "./log-roles.ts";

export interface Workload {
  /** Clients of each node, default 4. */
  readonly clientsPerNode?: number;
  /** Logs that they share, default 2. */
  readonly logs?: number;
  /** Acknowledged publishes after which it ends. Default: what the rate limits allow at once. */
  readonly messages?: number;
  /** Longest time in ms, settling left out, default 600000. */
  readonly withinMs?: number;
  /** How long all may take to settle, in ms; default 60000 with faults, else three times the run's deadline. */
  readonly settleMs?: number;
  /** After so many publishes a client goes away without goodbye, and comes back; default 13. */
  readonly awayEvery?: number;
  /** Whether the frames of all connections are kept to the end, default true; a long run needs the memory. */
  readonly keepsFrames?: boolean;
  /** Runs beside the clients; the workload goes on until it has ended. */
  readonly faults?: (run: NemesisHooks) => Promise<void>;
}

const elsewhereEvery = 10;
/** Messages of the burst that are left for what comes at the end. */
const spared = 3;
/** How long everything may take to settle after the last fault; without faults, so many times the run's deadline. */
const settleAfterFaultsMs = 60_000;
const settleDeadlines = 3;

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
  const sessions: Session[] = [];
  const noted: LogHistory["faults"][number][] = [];
  const clockDials: ClockDial[] = [];
  const nodes = context.target.urls.length;
  const keys = Array.from({ length: logs }, () => context.fresh(roles.key.column));
  const bench = { context, roles, nodes, publishes, sessions, keepsFrames };
  const clients: LogClient[] = [];
  for (let client = 0; client < nodes * clientsPerNode; client++) {
    const user = await userFor(context, roles.publish);
    // Of one node, clients meet in all logs; of one log, clients are on all nodes.
    const key = keys[Math.floor(client / nodes) % keys.length]!;
    clients.push(new LogClient(bench, { client, node: client % nodes, key, user }));
  }
  const messages = wanted ?? clients.length * Math.min(40, burstOf(context, roles) - 2 * spared);
  let acknowledged = 0;
  let faulting = faults !== undefined;
  const untilMs = context.clock.nowMs() + withinMs;
  // A target that refuses everything is not asked for ever.
  const over = () =>
    ((acknowledged >= messages || (faults === undefined && publishes.length >= 2 * messages)) && !faulting) ||
    context.clock.nowMs() > untilMs;
  const work = clients.map(async (client) => {
    const pace = createPace(context, roles);
    const elsewhere = keys.find((key) => key !== client.key);
    for (let count = 1; !over(); count++) {
      if (!(await client.attend(5_000))) continue;
      await pace.wait();
      // Now and then where it is no member, to be refused; and away without goodbye, to come back with its position.
      const key = count % elsewhereEvery === 0 ? elsewhere : undefined;
      const { outcome } = await client.publish(key);
      if (count % awayEvery === 0) client.reset();
      if (outcome === "ok") {
        if (++acknowledged % 100 === 0) progress(`${acknowledged} of ${messages} acknowledged, ${noted.length} faults`);
      } else if (outcome === "fail" && key === undefined) {
        // Refused at home, as while Redis is away: no need to ask at once again.
        await context.clock.sleep(100);
      }
    }
  });
  const hooks: NemesisHooks = {
    clients,
    acknowledged: () => acknowledged,
    note: (fault) => noted.push(fault),
    dialByOtherClocks: () => dialByOtherClocks(context, clockDials),
  };
  const trouble = faults?.(hooks).finally(() => {
    faulting = false;
  });
  await Promise.all([...work, hooks.dialByOtherClocks(), trouble]);
  const settled = await settle(context, roles, clients, keys, sessions, settleMs, progress);
  await Promise.all(clients.map((client) => client.giveUp()));
  return { publishes, sessions, clockDials, faults: noted, settled, nodeNames: context.target.nodeNames };
}

/** Everyone comes back; one message into each log closes the question of what came before. */
async function settle(
  context: ClientContext,
  roles: LogRoles,
  clients: readonly LogClient[],
  keys: readonly string[],
  sessions: readonly Session[],
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
        const present = await Promise.all(own.map((client) => client.attend(left())));
        if (present.includes(false)) return;
        await createPace(context, roles, 1).wait();
        const [first] = own;
        // A repetition may stand before what others have published since: it closes no question.
        const isFence = !first!.isRepeating;
        const sentinel = await first!.publish();
        if (isFence && sentinel.outcome === "ok" && (await allSee(context, own, sessions, sentinel, Math.min(left(), 5_000)))) {
          settled.add(key);
          await allCounted(context, own, sessions, key, left());
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
  sessions: readonly Session[],
  { key, uid, at }: Publish,
  withinMs: number,
): Promise<boolean> {
  const untilMs = context.clock.nowMs() + withinMs;
  for (;;) {
    for (const client of clients) client.collect();
    const open = sessions.filter((session) => session.key === key && session.closeCode === undefined);
    if (
      open.length === clients.length &&
      open.every(({ seen }) => seen.some((one) => one.uid === uid && one.at.seq === (at ?? one.at).seq))
    )
      return true;
    if (context.clock.nowMs() > untilMs) return false;
    await context.clock.sleep(20);
  }
}

/** Waits until everyone is told of those alone who are there: who was lost with a node is missed only after a while. */
async function allCounted(
  context: ClientContext,
  clients: readonly LogClient[],
  sessions: readonly Session[],
  key: string,
  withinMs: number,
): Promise<void> {
  const untilMs = context.clock.nowMs() + withinMs;
  while (context.clock.nowMs() < untilMs) {
    for (const client of clients) client.collect();
    const open = sessions.filter((session) => session.key === key && session.closeCode === undefined);
    if (open.every((session) => (lastCount(session) ?? open.length) === open.length)) return;
    await context.clock.sleep(50);
  }
}

/** Keeps one client under the rate limits of the publish: the burst, then one by one. */
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
