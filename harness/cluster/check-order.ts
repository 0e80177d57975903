// Order: one event at each position, no gaps, one epoch, and the order of senders and of real time.
import type { Anomaly, Check, LogHistory, Position, Publish, Verdict } from "./log-history.ts";
import { groupBy, observations, positionKey, shown } from "./observations.ts";

/** Every observer on every node sees the same event at a position. */
export function inconsistentOffset(history: LogHistory): Verdict {
  const anomalies: Anomaly[] = [];
  let observed = 0;
  for (const [where, group] of groupBy(observations(history), ({ subscription, seen }) =>
    positionKey(subscription.key, seen.at),
  )) {
    if (group.length > 1) observed += group.length;
    const other = group.find(({ seen }) => seen.identity !== group[0]!.seen.identity);
    if (other === undefined) continue;
    anomalies.push({
      check: "inconsistent-offset",
      expected: `one event at ${where}`,
      actual: `${group[0]!.seen.uid ?? group[0]!.seen.message} on node ${group[0]!.subscription.node}, ${other.seen.uid ?? other.seen.message} on node ${other.subscription.node}`,
      publishes: [],
      observations: [group[0]!, other],
    });
  }
  return { observed, anomalies };
}

/** A subscription sees every position. Only its own join, which others alone are told of, is missing. */
export function nonContiguous(history: LogHistory): Verdict {
  const anomalies: Anomaly[] = [];
  let observed = 0;
  for (const subscription of history.subscriptions) {
    const replays = subscription.recovered === true && subscription.since?.epoch === subscription.joinedAt.epoch;
    let last = replays ? subscription.since!.seq : subscription.joinedAt.seq;
    for (const seen of subscription.seen) {
      if (seen.at.epoch !== subscription.joinedAt.epoch) break; // the check of epochs reports it
      observed++;
      const skipsOwnJoin = replays && last + 1 === subscription.joinedAt.seq && seen.at.seq === last + 2;
      if (seen.at.seq !== last + 1 && !skipsOwnJoin) {
        anomalies.push({
          check: "non-contiguous",
          expected: `${subscription.joinedAt.epoch}:${last + 1} after ${last}`,
          actual: shown(seen.at),
          publishes: [],
          observations: [{ subscription, seen }],
        });
        break;
      }
      last = seen.at.seq;
    }
  }
  return { observed, anomalies };
}

/** Within one subscription the epoch never changes: a log that begins anew must end the connection. */
export function epochChangeUnsignalled(history: LogHistory): Verdict {
  const all = observations(history);
  const first = all.find(({ subscription, seen }) => seen.at.epoch !== subscription.joinedAt.epoch);
  const anomalies: Anomaly[] =
    first === undefined
      ? []
      : [
          {
            check: "epoch-change-unsignalled",
            expected: `only the epoch ${first.subscription.joinedAt.epoch}, or a close`,
            actual: shown(first.seen.at),
            publishes: [],
            observations: [first],
          },
        ];
  return { observed: all.length, anomalies };
}

type AcknowledgedPublish = Publish & { readonly at: Position; readonly endedAtMs: number };

function acknowledgedByLog({ publishes }: LogHistory): AcknowledgedPublish[][] {
  const acknowledged = publishes.filter(
    (publish): publish is AcknowledgedPublish =>
      publish.outcome === "ok" && publish.at !== undefined && publish.endedAtMs !== undefined,
  );
  return [...groupBy(acknowledged, ({ key, at }) => `${key} ${at.epoch}`).values()];
}

function outOfOrder(check: Check, before: AcknowledgedPublish, after: AcknowledgedPublish): Anomaly {
  return {
    check,
    expected: `${before.uid}, which was acknowledged before ${after.uid} was sent, at an earlier position`,
    actual: `positions ${shown(before.at)} and ${shown(after.at)}`,
    publishes: [before, after],
    observations: [],
  };
}

/** The publishes of one client have positions in the order in which it sent them. */
export function senderOrder(history: LogHistory): Verdict {
  const anomalies: Anomaly[] = [];
  let observed = 0;
  for (const log of acknowledgedByLog(history)) {
    for (const own of groupBy(log, ({ client }) => String(client)).values()) {
      own.sort((a, b) => a.invokedAtMs - b.invokedAtMs);
      for (let index = 1; index < own.length; index++) {
        observed++;
        if (own[index - 1]!.at.seq >= own[index]!.at.seq)
          anomalies.push(outOfOrder("sender-order", own[index - 1]!, own[index]!));
      }
    }
  }
  return { observed, anomalies };
}

/** A publish acknowledged before another was sent, by any client, has the earlier position: the log is linearizable. */
export function realTimeOrder(history: LogHistory): Verdict {
  const anomalies: Anomaly[] = [];
  let observed = 0;
  for (const log of acknowledgedByLog(history)) {
    const byStart = [...log].sort((a, b) => a.invokedAtMs - b.invokedAtMs);
    const byEnd = [...log].sort((a, b) => a.endedAtMs - b.endedAtMs);
    let furthest: AcknowledgedPublish | undefined;
    let next = 0;
    for (const publish of byStart) {
      while (next < byEnd.length && byEnd[next]!.endedAtMs < publish.invokedAtMs) {
        if (furthest === undefined || byEnd[next]!.at.seq > furthest.at.seq) furthest = byEnd[next];
        next++;
      }
      if (furthest === undefined) continue;
      observed++;
      if (furthest.at.seq > publish.at.seq) anomalies.push(outOfOrder("real-time-order", furthest, publish));
    }
  }
  return { observed, anomalies };
}
