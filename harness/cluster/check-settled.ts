// Counts and agreement: member counts at every event, who is counted once all has settled, and credentials from skewed clocks.
import type { Anomaly, LogHistory, Subscription, Verdict } from "./log-history.ts";
import { groupBy, shown } from "./observations.ts";

/** The count in an event is the previous count plus its change: joins minus leaves, over all nodes. */
export function memberCount(history: LogHistory): Verdict {
  const anomalies: Anomaly[] = [];
  let observed = 0;
  for (const subscription of history.subscriptions) {
    // The reply to the join carries the count at its position. Replayed events are earlier, and lack the subscription's own join.
    let count: number | undefined;
    let joined = false;
    for (const seen of subscription.seen) {
      if (!joined && seen.at.seq > subscription.joinedAt.seq) {
        joined = true;
        count = subscription.count;
      }
      if (seen.count === undefined) continue;
      if (count !== undefined) {
        observed++;
        if (seen.count !== count + seen.changes) {
          anomalies.push({
            check: "member-count",
            expected: `${count + seen.changes} after ${count}`,
            actual: `${seen.count} at ${shown(seen.at)}`,
            publishes: [],
            observations: [{ subscription, seen }],
          });
          break;
        }
      }
      count = seen.count;
    }
  }
  return { observed, anomalies };
}

/** The last count that the subscription was told. */
export function lastCount({ count, joinedAt, seen }: Subscription): number | undefined {
  return seen.findLast((one) => one.count !== undefined && one.at.seq > joinedAt.seq)?.count ?? count;
}

/** Once settled, the count is the number of open subscriptions: connections that were lost, alone or with their node, are gone. */
export function membership(history: LogHistory): Verdict {
  const open = history.subscriptions.filter(({ closeCode, key }) => closeCode === undefined && history.settled.has(key));
  const counted = open.filter((subscription) => lastCount(subscription) !== undefined);
  const anomalies = [...groupBy(counted, ({ key }) => key)].flatMap(([key, subscriptions]): Anomaly[] => {
    const present = open.filter((subscription) => subscription.key === key).length;
    const other = subscriptions.find((subscription) => lastCount(subscription) !== present);
    if (other === undefined) return [];
    return [
      {
        check: "membership",
        expected: `a count of ${present} in ${key}, the open subscriptions`,
        actual: `client ${other.client} on node ${other.node} last received ${lastCount(other)}`,
        publishes: [],
        observations: [{ subscription: other, seen: other.seen.findLast(({ count }) => count !== undefined) }],
      },
    ];
  });
  return { observed: counted.length, anomalies };
}

/** Once all faults are over, every open subscription of a key ends with the same message. */
export function convergence(history: LogHistory): Verdict {
  const open = history.subscriptions.filter(({ closeCode, key }) => closeCode === undefined && history.settled.has(key));
  const anomalies = [...groupBy(open, ({ key }) => key)].flatMap(([key, subscriptions]): Anomaly[] => {
    const lasts = subscriptions.map((subscription) => ({
      subscription,
      seen: subscription.seen.findLast(({ uid }) => uid !== undefined),
    }));
    const other = lasts.find(({ seen }) => seen?.identity !== lasts[0]!.seen?.identity);
    if (other === undefined) return [];
    return [
      {
        check: "convergence",
        expected: `the same last message for all of ${key}`,
        actual: `client ${other.subscription.client} ends with ${other.seen?.uid ?? "nothing"}, client ${lasts[0]!.subscription.client} with ${lasts[0]!.seen?.uid ?? "nothing"}`,
        publishes: [],
        observations: [lasts[0]!, other],
      },
    ];
  });
  const unsettled = [...new Set(history.publishes.map(({ key }) => key))].filter((key) => !history.settled.has(key));
  const stuck = unsettled.map(
    (key): Anomaly => ({
      check: "convergence",
      expected: `every member of ${key} to receive what was published after all faults`,
      actual: "some did not within the deadline",
      publishes: [],
      observations: history.subscriptions
        .filter((subscription) => subscription.key === key && subscription.closeCode === undefined)
        .map((subscription) => ({ subscription, seen: subscription.seen.at(-1) })),
    }),
  );
  return { observed: open.length, anomalies: [...anomalies, ...stuck] };
}

/** Credentials from a skewed clock are rejected or accepted as declared, wherever a node answers. */
export function credentialClock({ skewedHandshakes }: LogHistory): Verdict {
  const answered = skewedHandshakes.filter(({ asDeclared }) => asDeclared !== undefined);
  const anomalies = answered
    .filter(({ asDeclared }) => asDeclared === false)
    .map(
      (handshake): Anomaly => ({
        check: "credential-clock",
        expected: `${handshake.expected}, for a credential from ${handshake.what}`,
        actual: handshake.actual,
        publishes: [],
        observations: [],
        handshakes: [handshake],
      }),
    );
  return { observed: answered.length, anomalies };
}
