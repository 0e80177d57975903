// The checkers: history in, anomalies out. Each is sure of what it says: what no evidence covers is not judged.
import type { Anomaly, Check, LogHistory, Position, Publish, Seen, Session, Verdict } from "./log-history.ts";

const shown = ({ epoch, seq }: Position) => `${epoch}:${seq}`;
const place = (key: string, at: Position) => `${key} ${shown(at)}`;

function groupBy<T>(items: Iterable<T>, keyOf: (item: T) => string): Map<string, T[]> {
  const groups = new Map<string, T[]>();
  for (const item of items) {
    const key = keyOf(item);
    const group = groups.get(key);
    if (group === undefined) groups.set(key, [item]);
    else group.push(item);
  }
  return groups;
}

interface Sight {
  readonly session: Session;
  readonly seen: Seen;
}

function sights({ sessions }: LogHistory): Sight[] {
  return sessions.flatMap((session) => session.seen.map((seen) => ({ session, seen })));
}

/** Every message of this run was published in this run, for this key. */
function unexpected(history: LogHistory): Verdict {
  const known = new Map(history.publishes.map((publish) => [publish.uid, publish]));
  const published = sights(history).filter(({ seen }) => seen.uid !== undefined);
  const anomalies = published.flatMap(({ session, seen }): Anomaly[] => {
    const publish = known.get(seen.uid!);
    if (publish !== undefined && publish.key === session.key) return [];
    const actual =
      publish === undefined ? `${seen.uid}, which nobody published` : `${seen.uid}, which was published into ${publish.key}`;
    return [
      {
        check: "unexpected",
        expected: `only what was published into ${session.key}`,
        actual,
        publishes: publish === undefined ? [] : [publish],
        sights: [{ session, seen }],
      },
    ];
  });
  return { observed: published.length, anomalies };
}

/** A refused publish is seen by nobody. */
function refusedButDelivered(history: LogHistory): Verdict {
  const refused = new Map(history.publishes.filter(({ outcome }) => outcome === "fail").map((publish) => [publish.uid, publish]));
  const anomalies = sights(history).flatMap(({ session, seen }): Anomaly[] => {
    const publish = seen.uid === undefined ? undefined : refused.get(seen.uid);
    if (publish === undefined) return [];
    return [
      {
        check: "rejected-but-delivered",
        expected: `${publish.uid}, refused with ${publish.code}, to be delivered to nobody`,
        actual: `it stands at ${shown(seen.at)}`,
        publishes: [publish],
        sights: [{ session, seen }],
      },
    ];
  });
  return { observed: refused.size, anomalies };
}

/** What is acknowledged is in the log, at the place that the reply says, for each session that covers that place. */
function lost(history: LogHistory): Verdict {
  const byPlace = groupBy(sights(history), ({ session, seen }) => place(session.key, seen.at));
  const spansOf = groupBy(history.sessions.map(spanOf), ({ session }) => session.key);
  const anomalies: Anomaly[] = [];
  let observed = 0;
  for (const publish of history.publishes) {
    const { at, uid, key } = publish;
    if (publish.outcome !== "ok" || at === undefined) continue;
    const here = byPlace.get(place(key, at)) ?? [];
    const other = here.find(({ seen }) => seen.uid !== uid);
    if (other !== undefined) {
      anomalies.push({
        check: "lost",
        expected: `${uid} at ${shown(at)}, as its reply says`,
        actual: `${other.seen.uid ?? other.seen.message} stands there`,
        publishes: [publish],
        sights: [other],
      });
      continue;
    }
    const witnesses = (spansOf.get(key) ?? []).filter((span) => covers(span, at, history.settled.has(key)));
    observed += witnesses.length;
    const blind = witnesses.find(({ session }) => !here.some((sight) => sight.session === session))?.session;
    if (blind !== undefined) {
      anomalies.push({
        check: "lost",
        expected: `${uid}, acknowledged at ${shown(at)}, to reach each member`,
        actual: `client ${blind.client} on node ${blind.node} never saw it`,
        publishes: [publish],
        sights: [{ session: blind, seen: undefined }],
      });
    }
  }
  return { observed, anomalies };
}

interface Span {
  readonly session: Session;
  /** Sees what stands after this. */
  readonly from: number;
  /** The furthest place that it saw in the epoch of its join. */
  readonly to: number;
}

/** Made once for each session: a long history has millions of pairs of session and place. */
function spanOf(session: Session): Span {
  const from = session.recovered === true && session.since !== undefined ? session.since.seq : session.joinedAt.seq;
  let to = from;
  for (const { at } of session.seen) if (at.epoch === session.joinedAt.epoch && at.seq > to) to = at.seq;
  return { session, from, to };
}

/** Whether the session must have seen the place: it began before it, and saw something after it or stayed to the end of a settled log. */
function covers({ session, from, to }: Span, at: Position, settled: boolean): boolean {
  if (session.joinedAt.epoch !== at.epoch || at.seq <= from) return false;
  return (session.closeCode === undefined && settled) || to > at.seq;
}

/**
 * No publish stands at two places of one life of the log, and no session sees a place twice. Over a loss of the log nothing is
 * known of what was said before, so a publish that is repeated then may stand in both.
 */
function duplicated(history: LogHistory): Verdict {
  const all = sights(history).filter(({ seen }) => seen.uid !== undefined);
  const anomalies: Anomaly[] = [];
  for (const group of groupBy(all, ({ seen }) => `${seen.at.epoch} ${seen.uid}`).values()) {
    const uid = group[0]!.seen.uid;
    const places = [...groupBy(group, ({ session, seen }) => place(session.key, seen.at)).values()];
    if (places.length < 2) continue;
    const publishes = history.publishes.filter((publish) => publish.uid === uid);
    anomalies.push({
      check: "duplicated",
      expected: `${uid} at one place`,
      actual: `it stands at ${places.map(([first]) => shown(first!.seen.at)).join(" and ")}`,
      publishes,
      sights: places.map(([first]) => first!),
    });
  }
  for (const session of history.sessions) {
    for (const group of groupBy(session.seen, ({ at }) => shown(at)).values()) {
      if (group.length < 2) continue;
      anomalies.push({
        check: "duplicated",
        expected: `each place once for client ${session.client}`,
        actual: `${shown(group[0]!.at)} came ${group.length} times`,
        publishes: [],
        sights: group.map((seen) => ({ session, seen })),
      });
    }
  }
  return { observed: all.length, anomalies };
}

/** One place, one event, for every observer on every node. */
function inconsistentOffset(history: LogHistory): Verdict {
  const anomalies: Anomaly[] = [];
  let observed = 0;
  for (const [where, group] of groupBy(sights(history), ({ session, seen }) => place(session.key, seen.at))) {
    if (group.length > 1) observed += group.length;
    const other = group.find(({ seen }) => seen.identity !== group[0]!.seen.identity);
    if (other === undefined) continue;
    anomalies.push({
      check: "inconsistent-offset",
      expected: `one event at ${where}`,
      actual: `${group[0]!.seen.uid ?? group[0]!.seen.message} on node ${group[0]!.session.node}, ${other.seen.uid ?? other.seen.message} on node ${other.session.node}`,
      publishes: [],
      sights: [group[0]!, other],
    });
  }
  return { observed, anomalies };
}

/** A session sees place after place. Only its own join, which is announced to others alone, is left out. */
function nonContiguous(history: LogHistory): Verdict {
  const anomalies: Anomaly[] = [];
  let observed = 0;
  for (const session of history.sessions) {
    const replays = session.recovered === true && session.since?.epoch === session.joinedAt.epoch;
    let last = replays ? session.since!.seq : session.joinedAt.seq;
    for (const seen of session.seen) {
      if (seen.at.epoch !== session.joinedAt.epoch) break; // told by another check
      observed++;
      const skipsOwnJoin = replays && last + 1 === session.joinedAt.seq && seen.at.seq === last + 2;
      if (seen.at.seq !== last + 1 && !skipsOwnJoin) {
        anomalies.push({
          check: "non-contiguous",
          expected: `${session.joinedAt.epoch}:${last + 1} after ${last}`,
          actual: shown(seen.at),
          publishes: [],
          sights: [{ session, seen }],
        });
        break;
      }
      last = seen.at.seq;
    }
  }
  return { observed, anomalies };
}

/** Within one session the epoch never changes: a new life of the log must be told by ending the session. */
function epochChangeUntold(history: LogHistory): Verdict {
  const all = sights(history);
  const first = all.find(({ session, seen }) => seen.at.epoch !== session.joinedAt.epoch);
  const anomalies: Anomaly[] =
    first === undefined
      ? []
      : [
          {
            check: "epoch-change-unsignalled",
            expected: `only the epoch ${first.session.joinedAt.epoch}, or a close`,
            actual: shown(first.seen.at),
            publishes: [],
            sights: [first],
          },
        ];
  return { observed: all.length, anomalies };
}

type Placed = Publish & { readonly at: Position; readonly endedAtMs: number };

function placedByLog({ publishes }: LogHistory): Placed[][] {
  const placed = publishes.filter(
    (publish): publish is Placed => publish.outcome === "ok" && publish.at !== undefined && publish.endedAtMs !== undefined,
  );
  return [...groupBy(placed, ({ key, at }) => `${key} ${at.epoch}`).values()];
}

function outOfOrder(check: Check, before: Placed, after: Placed): Anomaly {
  return {
    check,
    expected: `${before.uid}, done before ${after.uid} began, to stand before it`,
    actual: `they stand at ${shown(before.at)} and ${shown(after.at)}`,
    publishes: [before, after],
    sights: [],
  };
}

/** What one client published in order stands in order. */
function senderOrder(history: LogHistory): Verdict {
  const anomalies: Anomaly[] = [];
  let observed = 0;
  for (const log of placedByLog(history)) {
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

/** What was acknowledged before another began, by whomever, stands before it: the log is linearizable. */
function realTimeOrder(history: LogHistory): Verdict {
  const anomalies: Anomaly[] = [];
  let observed = 0;
  for (const log of placedByLog(history)) {
    const byStart = [...log].sort((a, b) => a.invokedAtMs - b.invokedAtMs);
    const byEnd = [...log].sort((a, b) => a.endedAtMs - b.endedAtMs);
    let furthest: Placed | undefined;
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

/** The count that an event carries is the one before it, one more or one less: joins minus leaves, over all nodes. */
function memberCount(history: LogHistory): Verdict {
  const anomalies: Anomaly[] = [];
  let observed = 0;
  for (const session of history.sessions) {
    // The reply to the join says the count at its place. What a replay brings is before that place, and lacks the session's own join.
    let count: number | undefined;
    let joined = false;
    for (const seen of session.seen) {
      if (!joined && seen.at.seq > session.joinedAt.seq) {
        joined = true;
        count = session.count;
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
            sights: [{ session, seen }],
          });
          break;
        }
      }
      count = seen.count;
    }
  }
  return { observed, anomalies };
}

/** How many the session was last told that there are. */
export function lastCount({ count, joinedAt, seen }: Session): number | undefined {
  return seen.findLast((one) => one.count !== undefined && one.at.seq > joinedAt.seq)?.count ?? count;
}

/** Once all has settled, those who are there are counted, and nobody else: who went without a word as well, or with a node, is gone. */
function membership(history: LogHistory): Verdict {
  const open = history.sessions.filter(({ closeCode, key }) => closeCode === undefined && history.settled.has(key));
  const counted = open.filter((session) => lastCount(session) !== undefined);
  const anomalies = [...groupBy(counted, ({ key }) => key)].flatMap(([key, sessions]): Anomaly[] => {
    const present = open.filter((session) => session.key === key).length;
    const other = sessions.find((session) => lastCount(session) !== present);
    if (other === undefined) return [];
    return [
      {
        check: "membership",
        expected: `${present} in ${key}, as many as are there`,
        actual: `client ${other.client} on node ${other.node} was last told ${lastCount(other)}`,
        publishes: [],
        sights: [{ session: other, seen: other.seen.findLast(({ count }) => count !== undefined) }],
      },
    ];
  });
  return { observed: counted.length, anomalies };
}

/** Once all faults are over, every open session of a key sees one last event, the same. */
function convergence(history: LogHistory): Verdict {
  const open = history.sessions.filter(({ closeCode, key }) => closeCode === undefined && history.settled.has(key));
  const anomalies = [...groupBy(open, ({ key }) => key)].flatMap(([key, sessions]): Anomaly[] => {
    const lasts = sessions.map((session) => ({ session, seen: session.seen.findLast(({ uid }) => uid !== undefined) }));
    const other = lasts.find(({ seen }) => seen?.identity !== lasts[0]!.seen?.identity);
    if (other === undefined) return [];
    return [
      {
        check: "convergence",
        expected: `all of ${key} to see the same last message`,
        actual: `client ${other.session.client} ends with ${other.seen?.uid ?? "nothing"}, client ${lasts[0]!.session.client} with ${lasts[0]!.seen?.uid ?? "nothing"}`,
        publishes: [],
        sights: [lasts[0]!, other],
      },
    ];
  });
  const unsettled = [...new Set(history.publishes.map(({ key }) => key))].filter((key) => !history.settled.has(key));
  const stuck = unsettled.map(
    (key): Anomaly => ({
      check: "convergence",
      expected: `every member of ${key} to see what was published after all faults`,
      actual: "some did not within the deadline",
      publishes: [],
      sights: history.sessions
        .filter((session) => session.key === key && session.closeCode === undefined)
        .map((session) => ({ session, seen: session.seen.at(-1) })),
    }),
  );
  return { observed: open.length, anomalies: [...anomalies, ...stuck] };
}

/** Credentials of another clock are refused or accepted as declared, wherever somebody answers. */
function credentialClock({ clockDials }: LogHistory): Verdict {
  const answered = clockDials.filter(({ kept }) => kept !== undefined);
  const anomalies = answered
    .filter(({ kept }) => kept === false)
    .map(
      (dial): Anomaly => ({
        check: "credential-clock",
        expected: `${dial.expected}, for a credential of ${dial.what}`,
        actual: dial.actual,
        publishes: [],
        sights: [],
        dials: [dial],
      }),
    );
  return { observed: answered.length, anomalies };
}

export const checkers: Readonly<Record<Check, (history: LogHistory) => Verdict>> = {
  unexpected,
  lost,
  duplicated,
  "inconsistent-offset": inconsistentOffset,
  "non-contiguous": nonContiguous,
  "sender-order": senderOrder,
  "real-time-order": realTimeOrder,
  "member-count": memberCount,
  membership,
  convergence,
  "rejected-but-delivered": refusedButDelivered,
  "epoch-change-unsignalled": epochChangeUntold,
  "credential-clock": credentialClock,
};
