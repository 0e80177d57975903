import { beforeEach, describe, expect, it } from "vitest";
import { aggregate, type RunFacts } from "./aggregate.ts";
import { type Counts, Recorder } from "./recorder.ts";
import type { SliceResult } from "./worker-slice.ts";

const window = { startMs: 1000, endMs: 11_000 };
let facts: RunFacts;

beforeEach(() => {
  facts = {
    scenario: "echo",
    title: "echo",
    url: "ws://127.0.0.1/",
    profile: {
      ...{ connections: 4, rooms: 1, members: 100, perSecond: 100, inFlight: 1, payloadBytes: 64, seed: 1, weights: {} },
      ...{ durationMs: 10_000, warmUpMs: 0, timeoutMs: 5000 },
    },
    start: new Date(0),
    finish: new Date(10_000),
    memory: undefined,
    cpuSeconds: 1,
    notes: [],
  };
});

interface Play {
  /** How long each takes, by its index, in ms. */
  readonly takesMs?: (index: number) => number;
  readonly lateMs?: (index: number) => number;
  /** Which of the thousand this thread does. */
  readonly mine?: (index: number) => boolean;
  readonly busy?: number;
  readonly counts?: Partial<Counts>;
  readonly also?: (recorder: Recorder) => void;
}

/** A thread that does its part of 100 a second for ten seconds. */
function thread(play: Play = {}): SliceResult {
  const { takesMs = () => 20, lateMs = () => 0.1, mine = () => true, busy = 0.1, counts = {}, also } = play;
  const recorder = new Recorder();
  recorder.begin(window);
  for (let index = 0; index < 1000; index++) {
    if (!mine(index)) continue;
    const dueMs = window.startMs + index * 10;
    recorder.sent(dueMs, dueMs + lateMs(index));
    recorder.done(dueMs, dueMs + takesMs(index), 50);
  }
  Object.assign(recorder.counts, counts);
  also?.(recorder);
  return {
    recorded: recorder.end(),
    busy,
    busyMs: busy * 10_000,
    stallMs: 0,
    http: undefined,
    seen: {},
    facts: {},
    unit: "reply",
    connections: 4,
  };
}

describe("a run", () => {
  it("has the figures that arithmetic gives", () => {
    const { latency, requests, throughput, sent, errors, invalid, series } = aggregate([thread()], facts);
    expect(latency).toMatchObject({ totalCount: 1000, p50: expect.closeTo(20, 1), max: expect.closeTo(20, 1) });
    expect(requests).toMatchObject({ total: 1000, sent: 1000, average: expect.closeTo(99.8, 1), max: 100 });
    expect(throughput).toMatchObject({ total: 50_000 });
    expect({ sent, errors, invalid }).toEqual({ sent: 1000, errors: 0, invalid: [] });
    expect(series).toHaveLength(10);
    expect(series.reduce((sum, second) => sum + second.done, 0)).toBe(998); // two were answered after the end
    expect(series[3]).toMatchObject({ second: 3, sent: 100, done: 100, errors: 0, p50: expect.closeTo(20, 1) });
  });

  it("of two threads is what one thread would have told", () => {
    const takesMs = (index: number) => (index % 100) + 1;
    const one = aggregate([thread({ takesMs })], facts);
    const two = aggregate(
      [0, 1].map((half) => thread({ takesMs, mine: (index) => index % 2 === half })),
      facts,
    );
    const { max, ...latency } = one.latency;
    expect(two.latency).toEqual({ ...latency, max: expect.closeTo(max, 0) });
    expect(two.requests).toEqual(one.requests);
    expect(two.series.map(({ done }) => done)).toEqual(one.series.map(({ done }) => done));
    expect(two).toMatchObject({ workers: 2, sent: 1000, invalid: [] });
  });

  it("of a stalled server tells the stall to all that were due in it", () => {
    // 1.5 s from second 3 on: request 300 takes 1520 ms, the next 1510, and so on to 30: a rank a step of 10 ms from rank 851 on.
    const takesMs = (index: number) => (index >= 300 && index < 450 ? 1520 - (index - 300) * 10 : 20);
    const { latency, series } = aggregate([thread({ takesMs })], facts);
    expect(latency).toMatchObject({
      ...{ p50: expect.closeTo(20, 0), p75: expect.closeTo(20, 0), p90: expect.closeTo(520, 0) },
      ...{ p97_5: expect.closeTo(1270, -1), p99: expect.closeTo(1420, -1), max: expect.closeTo(1520, -1) },
    });
    // Nothing was answered in the second of the stall, and what it held up came in the next.
    expect(series.map(({ done }) => done)).toEqual([98, 100, 100, 2, 198, 100, 100, 100, 100, 100]);
  });

  it("adds up refusals, closes and deliveries of all threads by code", () => {
    const also = (recorder: Recorder) => {
      recorder.refused("SLOWLY", 1500);
      recorder.closed("1013", 1600);
    };
    const counts = { lost: 1, duplicated: 2, disordered: 3, unexpected: 4, timeouts: 5, received: 90, expected: 91 };
    const result = aggregate([thread({ also, counts }), thread({ also, counts })], { ...facts, scenario: "fanout" });
    expect(result).toMatchObject({
      ...{ refused: { SLOWLY: 2 }, closed: { 1013: 2 }, timeouts: 10, errors: 2 + 2 + 2 * (1 + 2 + 3 + 4 + 5) },
      deliveries: { lost: 2, duplicated: 4, disordered: 6, unexpected: 8, received: 180, expected: 182 },
    });
    expect(result.series[0]!.errors).toBe(4);
  });

  it("without anything done is all 0", () => {
    const { latency, series, invalid } = aggregate([thread({ mine: () => false })], facts);
    expect(latency).toMatchObject({ totalCount: 0, p50: 0, max: 0 });
    expect(series[0]).toEqual({ second: 0, sent: 0, done: 0, errors: 0, p50: undefined, p99: undefined, max: undefined });
    expect(invalid).toEqual(["the generator sent 0 of 1000 that were due"]);
  });
});

describe("a run is invalid where the generator measured itself:", () => {
  const invalid = (play: Play, changes: Partial<RunFacts["profile"]> = {}) =>
    aggregate([thread(play)], { ...facts, profile: { ...facts.profile, ...changes } }).invalid;

  it("it sent late", () => {
    const stalled = (index: number) => (index >= 300 && index < 350 ? 500 - (index - 300) * 10 : 0.1);
    expect(invalid({ lateMs: stalled, takesMs: (index) => stalled(index) + 20 })).toEqual([
      expect.stringMatching(
        /^the generator sent 4\d\d(\.\d)? ms late \(p99\), of a latency of 4\d\d(\.\d)? ms: it measured itself\./,
      ),
    ]);
  });

  it("but not where that is a small part of what the server takes, nor within a timer's precision", () => {
    expect(invalid({ lateMs: () => 30, takesMs: () => 1000 })).toEqual([]);
    expect(invalid({ lateMs: () => 9, takesMs: () => 9.5 })).toEqual([]);
    expect(invalid({ lateMs: () => 300, takesMs: () => 1000 })).toHaveLength(1);
  });

  it("and a stall that no lag shows is told beside", () => {
    const { invalid: reasons, notes } = aggregate([thread(), { ...thread(), stallMs: 50 }], {
      ...facts,
      profile: { ...facts.profile, perSecond: 200 },
    });
    expect(reasons).toEqual([]);
    expect(notes).toEqual(["the generator itself stalled once, for 50 ms: latencies in that time are too high"]);
    expect(aggregate([{ ...thread({ takesMs: () => 300 }), stallMs: 50 }], facts).notes).toEqual([]);
  });

  it("it was at work nearly all of the time", () => {
    expect(invalid({ busy: 0.95 })).toEqual([expect.stringMatching(/^the generator was at work 95 % of the time/)]);
    const one = [thread({ mine: (at) => at % 2 === 0 }), thread({ mine: (at) => at % 2 === 1, busy: 0.95 })];
    expect(aggregate(one, facts).invalid).toHaveLength(1);
  });

  it("it sent too few", () => {
    expect(invalid({ mine: (index) => index % 10 > 0 })).toEqual(["the generator sent 900 of 1000 that were due"]);
    expect(invalid({ mine: (index) => index % 10 > 0 }, { perSecond: undefined })).toEqual([]);
  });
});
