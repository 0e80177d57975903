// The proof that the percentiles are right: against servers of known delay they are those that arithmetic gives, and those of the server's own record.
import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import autocannon from "autocannon";
import { describe, expect, it } from "vitest";
import { type Delay, type DelayedServer, startDelayedEcho, startDelayedHttp } from "../comparison/sample-delay.ts";
import { aggregate } from "./aggregate.ts";
import { nowMs } from "./clock.ts";
import type { LoadResult } from "./load-result.ts";
import type { LoadProfile } from "./worker-context.ts";
import { runWorkers } from "./worker-pool.ts";

const spec = fileURLToPath(new URL("../../spec/examples/echo/asyncapi.yaml", import.meta.url));
const payloadBytes = 24;
const ours = `"text":"${"x".repeat(payloadBytes)}"`;
const stalled: Delay = { delayMs: 20, stall: { at: 300, forMs: 1500 } };

/** What arithmetic gives: 15 % were due in the stall; the first of them waits for 1520 ms, the last for 30. */
const arithmetic = Array.from({ length: 1000 }, (_, index) => (index >= 300 && index < 450 ? 1520 - (index - 300) * 10 : 20));

interface Run {
  readonly result: LoadResult;
  /** What the server did: from when each request was due to when it was answered, in ms. */
  readonly record: readonly number[];
  /** The longest that the machine kept this process from its work, as the generator saw it: the server is in the same process. */
  readonly lateMs: number;
}

/** One connection, so that requests come in the order in which they were due. */
async function benchEcho(delay: Delay, changes: Partial<LoadProfile> = {}, during?: () => void): Promise<Run> {
  const server: DelayedServer = await startDelayedEcho(delay, (text) => text.includes(ours));
  const profile: LoadProfile = {
    ...{ connections: 1, rooms: 1, members: 1, perSecond: 100, inFlight: 1, payloadBytes, seed: 1, weights: {} },
    ...{ durationMs: 10_000, warmUpMs: 0, timeoutMs: 5000 },
    ...changes,
  };
  const start = new Date();
  let isBegun = false;
  try {
    const { results, window } = await runWorkers({
      ...{
        scenario: "echo",
        spec,
        perspective: undefined,
        overlay: undefined,
        server: undefined,
        variables: undefined,
        origin: undefined,
        insecure: false,
      },
      ...{ urls: [server.url], auth: {}, profile, label: "p", workers: 1 },
      between() {
        if (!isBegun) during?.();
        isBegun = true;
      },
    });
    const result = aggregate(results, {
      ...{ scenario: "echo", title: "", url: server.url, profile, start, finish: new Date() },
      ...{ memory: undefined, cpuSeconds: 0, notes: [] },
    });
    const everyMs = 1000 / (profile.perSecond ?? 1);
    const lateMs = Math.max(result.generator.lag.max, results[0]!.stallMs);
    return {
      result,
      lateMs,
      record: server.answeredMs.map((atMs, index) => atMs - (window.startMs - profile.warmUpMs + index * everyMs)),
    };
  } finally {
    await server.stop();
  }
}

const ranks = { p50: 50, p75: 75, p90: 90, p97_5: 97.5, p99: 99, p99_9: 99.9, max: 100 } as const;
type Percentiles = Record<keyof typeof ranks, number>;

function percentilesOf(latencies: readonly number[]): Percentiles {
  const sorted = [...latencies].sort((left, right) => left - right);
  const at = (rank: number) => sorted[Math.max(0, Math.ceil((rank * sorted.length) / 100 - 1e-9) - 1)]!;
  return Object.fromEntries(Object.entries(ranks).map(([name, rank]) => [name, at(rank)])) as Percentiles;
}

/** None is below what must be; above it by no more than what a machine with other work adds, which the generator's own lag and stalls tell. */
function expectNear(actual: Percentiles, expected: Percentiles, beyondMs: number): void {
  for (const name of Object.keys(ranks) as (keyof typeof ranks)[]) {
    // A histogram keeps three digits.
    expect(actual[name], name).toBeGreaterThanOrEqual(expected[name] * 0.999 - 0.1);
    expect(actual[name], name).toBeLessThanOrEqual(expected[name] * 1.001 + beyondMs);
  }
}

/** Of a machine that is busy with other things, one quiet run in three is enough. */
const patient = { timeout: 120_000, retry: 2 };

describe("against a server of known delay", () => {
  it("that answers after 50 ms, all percentiles are 50 ms", patient, async () => {
    const { result, record, lateMs } = await benchEcho({ delayMs: 50 }, { durationMs: 4000 });
    expect(result.latency.totalCount).toBe(400);
    const { lag } = result.generator;
    expectNear(result.latency, percentilesOf(record), 10 + lateMs);
    expectNear(result.latency, percentilesOf(new Array(400).fill(50)), 20 + 3 * lateMs);
    expect(result.latency.p50).toBeLessThan(60 + 3 * lag.p50);
  });

  it("that stalls once for 1.5 s, the stall is told to all that were due in it", patient, async () => {
    const { result, record, lateMs } = await benchEcho(stalled);
    expect(result.latency.totalCount).toBe(1000);
    const { lag } = result.generator;
    expectNear(result.latency, percentilesOf(record), 10 + lateMs);
    expect(percentilesOf(arithmetic)).toEqual({ p50: 20, p75: 20, p90: 520, p97_5: 1270, p99: 1420, p99_9: 1510, max: 1520 });
    expectNear(result.latency, percentilesOf(arithmetic), 20 + 3 * lateMs);
    expect(result.latency.p50).toBeLessThan(30 + 3 * lag.p50);
  });
});

describe("a generator that was stalled itself", () => {
  const stall = () =>
    void setTimeout(() => {
      const untilMs = nowMs() + 500;
      while (nowMs() < untilMs);
    }, 1000);

  it("says that the run is invalid", async () => {
    const { result, record } = await benchEcho({ delayMs: 20 }, { durationMs: 3000 }, stall);
    expect(result.invalid.join()).toContain("it measured itself");
    expect(result.generator.lag.max).toBeGreaterThan(450);
    // All of what was due has been sent all the same, and the server has it.
    expect(record).toHaveLength(300);
    expect(result.sent).toBe(300);
  });

  it("says so of the closed model too, where nothing is ever due", async () => {
    const { result } = await benchEcho({ delayMs: 20 }, { durationMs: 2000, perSecond: undefined }, stall);
    expect(result.notes.join()).toMatch(/stalled once, for (4[5-9]|[5-9])\d+ ms/);
  });
});

const arithmetic90 = percentilesOf(arithmetic).p90;

describe("the same stall, told by autocannon at the same rate", () => {
  it("is hidden without its correction, and drowned by it", patient, async () => {
    const told = toldByGuide();
    const fired = async (ignoreCoordinatedOmission: boolean) => {
      const server = await startDelayedHttp(stalled);
      try {
        return await autocannon({ url: server.url, connections: 10, overallRate: 100, duration: 10, ignoreCoordinatedOmission });
      } finally {
        await server.stop();
      }
    };
    const [corrected, plain] = await Promise.all([fired(false), fired(true)]);
    // autocannon sends at each second's begin what is due in it, and waits for answers: only its ten connections meet the stall.
    const met = [...new Array(900).fill(20), ...new Array(10).fill(1520)];
    // Its correction adds what would have been sent each millisecond of the wait, whatever the rate is.
    const added = met.flatMap((ms: number) => Array.from({ length: ms }, (_, index) => ms - index));
    expect(told).toEqual({ autocannon: percentilesOf(added), plain: percentilesOf(met), ours: percentilesOf(arithmetic) });
    expect(plain.latency.p90).toBeLessThan(arithmetic90 / 2);
    expect(plain.latency.p97_5).toBeLessThan(1270 / 2);
    expect(corrected.latency.min).toBeLessThan(5);
    expect(corrected.latency.p75).toBeGreaterThan(300);
    expect(corrected.latency.p90).toBeGreaterThan(arithmetic90 * 1.5);
    expect((corrected.latency as unknown as { totalCount: number }).totalCount).toBeGreaterThan(corrected.requests.total * 20);
  });
});

/** The table of the guide: percentile -> ms. */
function toldByGuide(): Record<"ours" | "plain" | "autocannon", Percentiles> {
  const guide = readFileSync(new URL("../../spec/guides/bench.md", import.meta.url), "utf8");
  const rows = Object.keys(ranks).map((name) => {
    const cells = new RegExp(`^\\| ${name.replace("_", ".")} \\|(.*)\\|$`, "m").exec(guide)![1]!.split("|");
    return [name, cells.map((cell) => Number(cell.trim().replace(",", "")))] as const;
  });
  const column = (at: number) => Object.fromEntries(rows.map(([name, cells]) => [name, cells[at]])) as Percentiles;
  return { ours: column(0), plain: column(1), autocannon: column(2) };
}
