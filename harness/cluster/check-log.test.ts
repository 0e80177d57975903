// Each checker on a good history, on a bad one that it must see, and on an empty one, which proves nothing.
import { describe, expect, test } from "vitest";
import { checkers } from "./check-log.ts";
import type { Check, LogHistory, ObservedEvent, Publish, SkewedHandshake, Subscription } from "./log-history.ts";
import { drawTimeline, timelineOf } from "./timeline.ts";

const at = (seq: number, epoch = "e") => ({ epoch, seq });

function publish(uid: string, seq: number | undefined, rest: Partial<Publish> = {}): Publish {
  const base = {
    uid,
    client: 0,
    node: 0,
    key: "k",
    invokedAtMs: 10 * (seq ?? 0),
    endedAtMs: 10 * (seq ?? 0) + 5,
    code: undefined,
  };
  return { ...base, outcome: seq === undefined ? "info" : "ok", at: seq === undefined ? undefined : at(seq), ...rest };
}

function seen(uid: string, seq: number, rest: Partial<ObservedEvent> = {}): ObservedEvent {
  return { at: at(seq), message: "said", identity: uid, uid, count: undefined, changes: 0, atMs: seq * 10 + 6, ...rest };
}

function changed(by: 1 | -1, count: number, seq: number): ObservedEvent {
  return {
    at: at(seq),
    message: by === 1 ? "came" : "went",
    identity: `change ${seq}`,
    uid: undefined,
    count,
    changes: by,
    atMs: seq * 10,
  };
}

function subscription(client: number, observations: readonly ObservedEvent[], rest: Partial<Subscription> = {}): Subscription {
  const base = {
    client,
    node: client,
    key: "k",
    joinedAt: at(0),
    joinedAtMs: 0,
    count: 2,
    since: undefined,
    recovered: undefined,
  };
  return { ...base, seen: observations, closeCode: undefined, endedAtMs: undefined, ...rest };
}

function history(
  publishes: readonly Publish[],
  subscriptions: readonly Subscription[],
  rest: Partial<LogHistory> = {},
): LogHistory {
  return { publishes, subscriptions, skewedHandshakes: [], faults: [], settled: new Set(["k"]), ...rest };
}

function clockDial(actual: string, kept: boolean | undefined): SkewedHandshake {
  return { node: 1, atMs: 10, endedAtMs: 12, what: "a clock that is off", expected: "close 4401", actual, asDeclared: kept };
}

const good = history(
  [
    publish("a", 1),
    publish("b", 2, { client: 1 }),
    publish("c", 5),
    publish("no", undefined, { outcome: "fail", code: "REFUSED" }),
    publish("lost reply", undefined),
  ],
  [
    subscription(0, [seen("a", 1), seen("b", 2), changed(1, 3, 3), changed(-1, 2, 4), seen("c", 5)]),
    subscription(1, [seen("a", 1), seen("b", 2)], { closeCode: 1006, endedAtMs: 30 }),
    subscription(1, [changed(1, 3, 3), changed(-1, 2, 4), seen("c", 5)], { joinedAt: at(2), since: at(2), recovered: true }),
  ],
  { skewedHandshakes: [clockDial("close 4401", true), clockDial("HTTP 503", undefined)] },
);

const bad: Readonly<Record<Check, LogHistory>> = {
  unexpected: history([publish("a", 1)], [subscription(0, [seen("nobody's", 1)])]),
  lost: history(
    [publish("a", 1), publish("b", 2)],
    [subscription(0, [seen("a", 1), seen("b", 2)]), subscription(1, [seen("b", 2)])],
  ),
  duplicated: history([publish("a", 1)], [subscription(0, [seen("a", 1), seen("a", 2)])]),
  "inconsistent-offset": history([], [subscription(0, [seen("a", 1)]), subscription(1, [seen("b", 1)])]),
  "non-contiguous": history([], [subscription(0, [seen("a", 1), seen("b", 3)])]),
  "sender-order": history(
    [publish("a", 2, { invokedAtMs: 1, endedAtMs: 2 }), publish("b", 1, { invokedAtMs: 3, endedAtMs: 4 })],
    [],
  ),
  "real-time-order": history(
    [publish("a", 2, { invokedAtMs: 1, endedAtMs: 2 }), publish("b", 1, { client: 1, invokedAtMs: 3, endedAtMs: 4 })],
    [],
  ),
  "member-count": history([], [subscription(0, [changed(1, 4, 1)])]),
  membership: history([], [subscription(0, [changed(1, 3, 1)]), subscription(1, [changed(1, 3, 1)])]),
  convergence: history([publish("a", 1)], [subscription(0, [seen("a", 1)]), subscription(1, [])]),
  "rejected-but-delivered": history(
    [publish("a", undefined, { outcome: "fail", code: "REFUSED" })],
    [subscription(0, [seen("a", 1)])],
  ),
  "epoch-change-unsignalled": history([], [subscription(0, [seen("a", 1), seen("b", 1, { at: at(1, "f") })])]),
  "credential-clock": history([], [], { skewedHandshakes: [clockDial("accepted", false)] }),
};

describe.each(Object.keys(checkers) as Check[])("%s", (check) => {
  test("finds nothing in a good history, and looked at something", () => {
    const { observed, anomalies } = checkers[check](good);
    expect(anomalies).toEqual([]);
    expect(observed).toBeGreaterThan(0);
  });

  test("finds what is wrong, and can draw it", () => {
    const { anomalies } = checkers[check](bad[check]);
    expect(anomalies.map((anomaly) => anomaly.check)).toContain(check);
    expect(drawTimeline(timelineOf(anomalies[0]!, bad[check])).length).toBeGreaterThan(2);
  });

  test("looks at nothing in an empty history", () => {
    expect(checkers[check](history([], []))).toEqual({ observed: 0, anomalies: [] });
  });
});

test("a fault is drawn from its start to its end, and those that are far away are not", () => {
  const fault = (what: string, atMs: number, endedAtMs: number) => ({ what, node: 0, atMs, endedAtMs });
  const faults = [fault("begun before", -9_000, 5), fault("at once", 15, 16), fault("long over", -9_000, -8_000)];
  const shown = history([publish("a", 1)], [subscription(0, [seen("nobody's", 1)])], { faults, nodeNames: ["here"] });
  const lines = drawTimeline(timelineOf(checkers.unexpected(shown).anomalies[0]!, shown));
  const across = lines.filter((line) => line.includes("***")).map((line) => line.trim().replace(/ +/g, " "));
  expect(across).toEqual([
    "-9000.0 ms *** begun before (here)",
    "5.0 ms *** end: begun before (here)",
    "15.0 ms *** at once (here)",
  ]);
});

describe("what is not certain is not reported", () => {
  test("a member that left before a place need not have seen it", () => {
    const early = history(
      [publish("a", 1), publish("b", 2)],
      [subscription(0, [seen("a", 1), seen("b", 2)]), subscription(1, [seen("a", 1)], { closeCode: 1006 })],
    );
    expect(checkers.lost(early).anomalies).toEqual([]);
  });

  test("a log that did not settle proves no loss, but of not settling", () => {
    const open = history([publish("a", 1)], [subscription(0, [seen("a", 1)]), subscription(1, [])], { settled: new Set() });
    expect(checkers.lost(open).anomalies).toEqual([]);
    expect(checkers.convergence(open).anomalies).toHaveLength(1);
  });

  test("overlapping publishes may stand in any order", () => {
    const overlap = [
      publish("a", 2, { invokedAtMs: 1, endedAtMs: 4 }),
      publish("b", 1, { client: 1, invokedAtMs: 3, endedAtMs: 5 }),
    ];
    expect(checkers["real-time-order"](history(overlap, [])).anomalies).toEqual([]);
  });

  test("a subscription's own join has a place that it does not see", () => {
    const back = subscription(0, [seen("a", 3), seen("b", 5)], { joinedAt: at(4), since: at(2), recovered: true });
    expect(checkers["non-contiguous"](history([], [back])).anomalies).toEqual([]);
  });

  test("a publish that is repeated over a loss of the log may stand in both lives", () => {
    const twice = history(
      [publish("a", 1)],
      [subscription(0, [seen("a", 1)]), subscription(1, [seen("a", 1, { at: at(1, "f") })], { joinedAt: at(0, "f") })],
    );
    expect(checkers.duplicated(twice).anomalies).toEqual([]);
  });
});
