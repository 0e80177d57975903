// Deliveries: nothing unexpected, nothing that was rejected, nothing lost and nothing twice.
import type { Anomaly, LogHistory, Position, Subscription, Verdict } from "./log-history.ts";
import { groupBy, observations, positionKey, shown } from "./observations.ts";

/** Every message of this run was published in this run, for this key. */
export function unexpected(history: LogHistory): Verdict {
  const known = new Map(history.publishes.map((publish) => [publish.uid, publish]));
  const published = observations(history).filter(({ seen }) => seen.uid !== undefined);
  const anomalies = published.flatMap(({ subscription, seen }): Anomaly[] => {
    const publish = known.get(seen.uid!);
    if (publish !== undefined && publish.key === subscription.key) return [];
    const actual =
      publish === undefined ? `${seen.uid}, which nobody published` : `${seen.uid}, which was published into ${publish.key}`;
    return [
      {
        check: "unexpected",
        expected: `only what was published into ${subscription.key}`,
        actual,
        publishes: publish === undefined ? [] : [publish],
        observations: [{ subscription, seen }],
      },
    ];
  });
  return { observed: published.length, anomalies };
}

/** Nobody receives a rejected publish. */
export function rejectedButDelivered(history: LogHistory): Verdict {
  const refused = new Map(history.publishes.filter(({ outcome }) => outcome === "fail").map((publish) => [publish.uid, publish]));
  const anomalies = observations(history).flatMap(({ subscription, seen }): Anomaly[] => {
    const publish = seen.uid === undefined ? undefined : refused.get(seen.uid);
    if (publish === undefined) return [];
    return [
      {
        check: "rejected-but-delivered",
        expected: `${publish.uid}, rejected with ${publish.code}, delivered to nobody`,
        actual: `delivered at ${shown(seen.at)}`,
        publishes: [publish],
        observations: [{ subscription, seen }],
      },
    ];
  });
  return { observed: refused.size, anomalies };
}

/** Every subscription that covers the acknowledged position sees the publish there. */
export function lost(history: LogHistory): Verdict {
  const byPosition = groupBy(observations(history), ({ subscription, seen }) => positionKey(subscription.key, seen.at));
  const spansOf = groupBy(history.subscriptions.map(spanOf), ({ subscription }) => subscription.key);
  const anomalies: Anomaly[] = [];
  let observed = 0;
  for (const publish of history.publishes) {
    const { at, uid, key } = publish;
    if (publish.outcome !== "ok" || at === undefined) continue;
    const here = byPosition.get(positionKey(key, at)) ?? [];
    const other = here.find(({ seen }) => seen.uid !== uid);
    if (other !== undefined) {
      anomalies.push({
        check: "lost",
        expected: `${uid} at ${shown(at)}, as acknowledged`,
        actual: `${other.seen.uid ?? other.seen.message} at this position`,
        publishes: [publish],
        observations: [other],
      });
      continue;
    }
    const witnesses = (spansOf.get(key) ?? []).filter((span) => covers(span, at, history.settled.has(key)));
    observed += witnesses.length;
    const blind = witnesses.find(
      ({ subscription }) => !here.some((observation) => observation.subscription === subscription),
    )?.subscription;
    if (blind !== undefined) {
      anomalies.push({
        check: "lost",
        expected: `${uid}, acknowledged at ${shown(at)}, delivered to every member`,
        actual: `client ${blind.client} on node ${blind.node} never saw it`,
        publishes: [publish],
        observations: [{ subscription: blind, seen: undefined }],
      });
    }
  }
  return { observed, anomalies };
}

interface Span {
  readonly subscription: Subscription;
  /** Sees every position after this one. */
  readonly from: number;
  /** The furthest position that it saw in the epoch of its join. */
  readonly to: number;
}

/** Made once for each subscription: a long history has millions of pairs of subscription and position. */
function spanOf(subscription: Subscription): Span {
  const from =
    subscription.recovered === true && subscription.since !== undefined ? subscription.since.seq : subscription.joinedAt.seq;
  let to = from;
  for (const { at } of subscription.seen) if (at.epoch === subscription.joinedAt.epoch && at.seq > to) to = at.seq;
  return { subscription, from, to };
}

/** Whether the subscription must have seen the position: it began before it, and saw a later one or stayed open until the log settled. */
function covers({ subscription, from, to }: Span, at: Position, settled: boolean): boolean {
  if (subscription.joinedAt.epoch !== at.epoch || at.seq <= from) return false;
  return (subscription.closeCode === undefined && settled) || to > at.seq;
}

/**
 * No publish has two positions in one epoch, and no subscription sees a position twice. A new epoch knows nothing of earlier
 * idempotency keys, so a publish that is repeated after a loss of the log may have a position in both.
 */
export function duplicated(history: LogHistory): Verdict {
  const all = observations(history).filter(({ seen }) => seen.uid !== undefined);
  const anomalies: Anomaly[] = [];
  for (const group of groupBy(all, ({ seen }) => `${seen.at.epoch} ${seen.uid}`).values()) {
    const uid = group[0]!.seen.uid;
    const positions = [...groupBy(group, ({ subscription, seen }) => positionKey(subscription.key, seen.at)).values()];
    if (positions.length < 2) continue;
    const publishes = history.publishes.filter((publish) => publish.uid === uid);
    anomalies.push({
      check: "duplicated",
      expected: `one position for ${uid}`,
      actual: `positions ${positions.map(([first]) => shown(first!.seen.at)).join(" and ")}`,
      publishes,
      observations: positions.map(([first]) => first!),
    });
  }
  for (const subscription of history.subscriptions) {
    for (const group of groupBy(subscription.seen, ({ at }) => shown(at)).values()) {
      if (group.length < 2) continue;
      anomalies.push({
        check: "duplicated",
        expected: `each position once for client ${subscription.client}`,
        actual: `${shown(group[0]!.at)} came ${group.length} times`,
        publishes: [],
        observations: group.map((seen) => ({ subscription, seen })),
      });
    }
  }
  return { observed: all.length, anomalies };
}
