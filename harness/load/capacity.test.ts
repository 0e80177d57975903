import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { sampleResult } from "../comparison/sample-result.ts";
import { type CapacitySearch, capacitySentence, findCapacity, type Probe, parseCapacityConditions, probeOf } from "./capacity.ts";

type Server = (rate: number, run: number) => Probe;

const holds: Probe = { holds: true, invalid: [] };
const fails: Probe = { holds: false, invalid: [] };
const bottleneck: Probe = { holds: true, invalid: ["the generator was busy 99 % of the time"] };

async function search(server: Server, options: Partial<CapacitySearch<Probe>> = {}) {
  let run = 0;
  const found = await findCapacity({
    probe: async (rate) => server(rate, run++),
    from: 100,
    most: 1_000_000,
    steps: 40,
    ...options,
  });
  return { ...found, rates: found.steps.map(({ rate }) => rate), says: capacitySentence(found) };
}

const knee =
  (at: number): Server =>
  (rate) =>
    rate <= at ? holds : fails;

describe("findCapacity", () => {
  it("doubles, narrows to within 5 %, and confirms", async () => {
    const { rate, beyond, end, rates, steps, says } = await search(knee(5_000));
    expect(rates).toEqual([100, 200, 400, 800, 1600, 3200, 6400, 4800, 5600, 5200, 5000, 5000]);
    expect({ rate, beyond, end }).toEqual({ rate: 5_000, beyond: 5_200, end: "found" });
    expect(steps.at(-1)).toMatchObject({ purpose: "confirm" });
    expect(says).toBe("Capacity: 5,000 per second, held twice; 5,200 per second did not hold.");
  });

  it("finds any sharp knee within 5 %, or 1 per second, from any start", async () => {
    await fc.assert(
      fc.asyncProperty(fc.integer({ min: 1, max: 900_000 }), fc.integer({ min: 1, max: 1_000_000 }), async (at, from) => {
        const { rate, end } = await search(knee(at), { from, steps: 60 });
        expect(end).toBe("found");
        expect(rate).toBeLessThanOrEqual(at);
        expect(at - rate!).toBeLessThanOrEqual(Math.max(1, rate! * 0.05));
      }),
    );
  });

  it("goes down where the first rate does not hold", async () => {
    const { rate, rates, end } = await search(knee(30));
    expect(rates.slice(0, 3)).toEqual([100, 50, 25]);
    expect({ rate, end }).toEqual({ rate: 30, end: "found" });
  });

  it("does not believe what held by luck", async () => {
    // Holds at 150 by luck once, in the narrowing, and never again above 110.
    const { rate, beyond, rates, end } = await search((rate, run) => (rate === 150 && run === 2 ? holds : knee(110)(rate, run)));
    expect(rates).toEqual([100, 200, 150, 175, 163, 157, 150, 143, 136, 129, 123, 117, 111, 105, 105]);
    expect({ rate, beyond, end }).toEqual({ rate: 105, beyond: 111, end: "found" });
  });

  it("never gives a rate that did not hold twice, or that failed, or under which another failed", async () => {
    // A knee with noise: within 30 % of it, chance decides.
    await fc.assert(
      fc.asyncProperty(fc.integer({ min: 10, max: 100_000 }), fc.infiniteStream(fc.boolean()), async (at, chance) => {
        const noisy: Server = (rate) =>
          Math.abs(rate - at) < at * 0.3 ? (chance.next().value ? holds : fails) : knee(at)(rate, 0);
        const { rate, steps } = await search(noisy);
        if (rate === undefined) return;
        const atOrBelow = steps.filter((step) => step.rate <= rate);
        expect(atOrBelow.every(({ probe }) => probe.holds)).toBe(true);
        expect(atOrBelow.filter((step) => step.rate === rate).length).toBeGreaterThanOrEqual(2);
      }),
    );
  });

  it("says so where nothing holds", async () => {
    const { rate, end, rates, says } = await search(() => fails);
    expect(rates).toEqual([100, 50, 25, 13, 7, 4, 2, 1]);
    expect({ rate, end }).toEqual({ rate: undefined, end: "nothing" });
    expect(says).toBe("No capacity: the conditions did not hold even at 1 per second.");
  });

  it("ends at the most that was allowed where all holds, after confirming it", async () => {
    const { rate, end, rates, says } = await search(() => holds, { most: 1_000 });
    expect(rates).toEqual([100, 200, 400, 800, 1_000, 1_000]);
    expect({ rate, end }).toEqual({ rate: 1_000, end: "most" });
    expect(says).toContain("at least 1,000 per second");
  });

  it("tries nothing above the most, even at first", async () => {
    expect((await search(() => holds, { from: 500, most: 300 })).rates).toEqual([300, 300]);
  });

  it("ends where the generator is the bottleneck, and says that it is not the server", async () => {
    const { rate, beyond, end, rates, says } = await search((rate) => (rate > 700 ? bottleneck : holds));
    expect(rates).toEqual([100, 200, 400, 800, 800, 400]);
    expect({ rate, beyond, end }).toEqual({ rate: 400, beyond: undefined, end: "generator" });
    expect(says).toBe("Capacity: at least 400 per second, held twice; beyond it the generator, not the server, is at its limit.");
  });

  it("runs once more what one stall of the generator spoiled", async () => {
    const { rate, end, rates } = await search((rate, run) => (run === 1 || run === 5 ? bottleneck : knee(250)(rate, run)));
    expect(rates).toEqual([100, 200, 200, 400, 300, 250, 250, 275, 263, 257, 250]);
    expect({ rate, end }).toEqual({ rate: 250, end: "found" });
  });

  it("concludes nothing from a generator that is always the bottleneck", async () => {
    const { rate, end, rates, says } = await search(() => bottleneck);
    expect(rates).toEqual([100, 100]);
    expect({ rate, end }).toEqual({ rate: undefined, end: "generator" });
    expect(says).toContain("the generator, not the server");
  });

  it("claims nothing where the generator could not confirm it", async () => {
    const { rate, end, steps } = await search((rate, run) => (run < 6 ? knee(150)(rate, run) : bottleneck));
    expect(steps.slice(-2)).toMatchObject([{ purpose: "confirm" }, { purpose: "confirm" }]);
    expect({ rate, end }).toEqual({ rate: undefined, end: "generator" });
  });

  it("makes no more runs than allowed, and keeps one for the confirmation", async () => {
    const enough = await search(knee(5_000), { steps: 9 });
    expect(enough.rates).toEqual([100, 200, 400, 800, 1600, 3200, 6400, 4800, 4800]);
    expect(enough).toMatchObject({ rate: 4_800, end: "found" });
    const few = await search((_rate, run) => (run < 2 ? holds : fails), { steps: 4 });
    expect(few.rates).toHaveLength(4);
    expect(few).toMatchObject({ rate: undefined, end: "steps" });
    expect(few.says).toContain("within 4 runs");
  });

  it("does not call the most what was only the last run", async () => {
    const { rate, end, says } = await search(() => holds, { steps: 3 });
    expect({ rate, end }).toEqual({ rate: 200, end: "steps" });
    expect(says).toBe("Capacity: at least 200 per second, held twice; no runs were left to try more.");
  });

  it("tells of each step as it ends", async () => {
    const told: number[] = [];
    const { rates } = await search(knee(150), { onStep: ({ rate }) => told.push(rate) });
    expect(told).toEqual(rates);
  });
});

describe("probeOf", () => {
  const probe = (text: string, changes = {}) => probeOf(sampleResult(changes), parseCapacityConditions(text));
  it("holds where the conditions do and all is right", () => {
    expect(probe("p99<50ms")).toMatchObject({ holds: true, unmet: [] });
  });
  it("does not hold where it is fast but wrong, or refuses", () => {
    const deliveries = { ...sampleResult().deliveries!, lost: 1 };
    expect(probe("p99<50ms", { deliveries })).toMatchObject({ holds: false, unmet: ["lost<=0: expected lost at most 0, got 1"] });
    expect(probe("p99<50ms", { refused: { RATE_LIMITED: 9 } }).holds).toBe(false);
  });
  it("lets a condition loosen what is implied", () => {
    expect(probe("p99<50ms,refused<10", { refused: { RATE_LIMITED: 9 } }).holds).toBe(true);
  });
  it("demands no checked deliveries of a scenario that has none", () => {
    expect(probe("p99<50ms", { deliveries: undefined, scenario: "echo" }).holds).toBe(true);
  });
});
