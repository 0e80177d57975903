import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";

const clock = vi.hoisted(() => ({ ms: 0, turnMs: 0.01, sleeps: 0 }));
vi.mock("./clock.ts", () => ({ nowMs: () => clock.ms }));
vi.mock("node:timers/promises", () => ({
  async setTimeout(ms: number) {
    clock.sleeps++;
    clock.ms += ms;
  },
}));
const { keepPace } = await import("./pace.ts");

interface Sent {
  readonly dueMs: number;
  readonly index: number;
  readonly atMs: number;
}

beforeEach(() => {
  Object.assign(clock, { ms: 0, turnMs: 0.01, sleeps: 0 });
  vi.stubGlobal("setImmediate", (then: () => void) => {
    clock.ms += clock.turnMs;
    queueMicrotask(then);
  });
});
afterEach(() => vi.unstubAllGlobals());

async function sends(perSecond: number, durationMs: number, act: (sent: Sent) => void = () => undefined): Promise<Sent[]> {
  const all: Sent[] = [];
  const startMs = clock.ms;
  await keepPace({
    perSecond,
    startMs,
    endMs: startMs + durationMs,
    send(dueMs, index) {
      const sent = { dueMs, index, atMs: clock.ms };
      all.push(sent);
      act(sent);
    },
  });
  expect(clock.ms).toBeGreaterThanOrEqual(startMs + durationMs);
  return all;
}

describe("the open model", () => {
  it.each([
    [0.5, 10_000, 5],
    [1, 1500, 2],
    [3, 1000, 3],
    [7, 60_000, 420],
    [999.9, 10_000, 9999],
    [50_000, 1000, 50_000],
  ])(
    "%d per second for %d ms are %d sends, each due at its own multiple: nothing drifts",
    async (perSecond, durationMs, count) => {
      const all = await sends(perSecond, durationMs);
      expect(all).toHaveLength(count);
      for (const [at, { dueMs, index, atMs }] of all.entries()) {
        expect(index).toBe(at);
        expect(dueMs).toBe(at * (1000 / perSecond));
        expect(atMs).toBeGreaterThanOrEqual(dueMs);
      }
    },
  );

  it("keeps each due time though each send takes longer than its share of time", async () => {
    clock.ms = 5_000_000.25;
    const all = await sends(1000, 500, () => {
      clock.ms += 2;
    });
    expect(all).toHaveLength(500);
    expect(all.map(({ dueMs }) => dueMs)).toEqual(Array.from({ length: 500 }, (_, at) => 5_000_000.25 + at));
  });

  it("sends all that fell due while it was stalled, with the times at which they were due", async () => {
    const all = await sends(100, 1000, ({ index }) => {
      if (index === 20) clock.ms += 500;
    });
    expect(all).toHaveLength(100);
    const late = all.filter(({ dueMs, atMs }) => atMs - dueMs > 5);
    expect(late.map(({ index }) => index)).toEqual(Array.from({ length: 50 }, (_, at) => 21 + at).slice(0, late.length));
    expect(late.length).toBeGreaterThanOrEqual(49);
    expect(late[0]!.atMs - late[0]!.dueMs).toBeCloseTo(490, 0);
  });

  it("lets the event loop turn between batches, so that what comes is read", async () => {
    let turns = 0;
    const count = (then: () => void) => {
      turns++;
      clock.ms += clock.turnMs;
      queueMicrotask(then);
    };
    vi.stubGlobal("setImmediate", count);
    clock.turnMs = 50;
    const all = await sends(100_000, 100);
    expect(all).toHaveLength(10_000);
    expect(turns).toBeGreaterThanOrEqual(10_000 / 256 - 1);
  });

  it("sleeps where there is time to, and says how long it turned instead", async () => {
    await sends(10, 1000);
    expect(clock.sleeps).toBeGreaterThanOrEqual(9);
    clock.ms = 0;
    const turnedMs = await keepPace({ perSecond: 10, startMs: 0, endMs: 1000, send: () => undefined });
    expect(turnedMs).toBeGreaterThan(0);
    expect(turnedMs).toBeLessThan(10 * 2.2);
  });
});
