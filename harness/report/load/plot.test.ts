import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { emitPlot, type Plot } from "./plot.ts";
import { highestPercentile, latencyScale, linearScale, logScale, percentileScale, secondsScale } from "./plot-scale.ts";

const texts = ({ ticks }: { ticks: readonly { text: string }[] }) => ticks.map(({ text }) => text);

describe("scales", () => {
  it("a linear one begins at 0, ends at a round number, and has at most six ticks", () => {
    expect(texts(linearScale(21, String))).toEqual(["0", "5", "10", "15", "20", "25"]);
    expect(texts(linearScale(100, String))).toEqual(["0", "20", "40", "60", "80", "100"]);
    expect(texts(linearScale(3, String, true))).toEqual(["0", "1", "2", "3"]);
    expect(texts(linearScale(0, String))).toHaveLength(2);
    expect(linearScale(21, String).place(12.5)).toBeCloseTo(0.5);
  });

  it("no value below the most leaves any of them, and more is never placed lower", () => {
    const most = fc.double({ min: 0.001, max: 1e9, noNaN: true });
    fc.assert(
      fc.property(
        most,
        fc.double({ min: 0, max: 1, noNaN: true }),
        fc.double({ min: 0, max: 1, noNaN: true }),
        (end, one, other) => {
          const [low, high] = [Math.min(one, other) * end, Math.max(one, other) * end];
          for (const { place, ticks } of [linearScale(end, String), logScale(end / 1000, end, String)]) {
            expect(place(low)).toBeLessThanOrEqual(place(high));
            expect(place(end)).toBeGreaterThan(0.2);
            expect(ticks.every(({ at }) => at >= 0 && at <= 1)).toBe(true);
            expect(ticks.length).toBeGreaterThanOrEqual(2);
            expect(ticks.length).toBeLessThanOrEqual(11);
          }
        },
      ),
    );
  });

  it("one of seconds ends with the run, at whole seconds", () => {
    expect(texts(secondsScale(3))).toEqual(["0", "1", "2", "3"]);
    expect(texts(secondsScale(0))).toEqual(["0", "1"]);
    expect(texts(secondsScale(29))).toEqual(["0", "5", "10", "15", "20", "25"]);
    expect(secondsScale(29).place(29)).toBe(1);
  });

  it("a logarithmic one gives each decade the same room", () => {
    const { place } = logScale(1, 1000, String);
    expect([1, 10, 100, 1000].map(place).map((at) => at.toFixed(6))).toEqual(["0.000000", "0.333333", "0.666667", "1.000000"]);
    expect(place(0)).toBe(0);
    expect(texts(logScale(1, 1000, String))).toEqual(["1", "10", "100", "1000"]);
    expect(texts(logScale(3, 40, String))).toEqual(["2", "5", "10", "20", "50"]);
    expect(texts(logScale(5, 5, String))).toEqual(["5", "10"]);
  });

  it("latencies that differ 40-fold get a logarithmic one", () => {
    expect(texts(latencyScale([1, 30], String))[0]).toBe("0");
    expect(texts(latencyScale([1, 1500], String))[0]).toBe("1");
    expect(texts(latencyScale([0, 0], String))[0]).toBe("0");
  });

  it("percentiles get the same room for each nine", () => {
    const { place, ticks } = percentileScale(99.99);
    expect([0, 90, 99, 99.9, 99.99].map((percentile) => place(percentile).toFixed(6))).toEqual([
      "0.000000",
      "0.250000",
      "0.500000",
      "0.750000",
      "1.000000",
    ]);
    expect(place(100)).toBe(1);
    expect(texts({ ticks })).toEqual(["0 %", "50 %", "90 %", "99 %", "99.9 %", "99.99 %"]);
  });

  it("a sample tells of no higher percentile than its size allows", () => {
    expect(highestPercentile(1000)).toBeCloseTo(99.9);
    expect(highestPercentile(1)).toBe(50);
    expect(highestPercentile(1e12)).toBeCloseTo(99.99999, 6);
  });
});

const plot = (changes: Partial<Plot> = {}): Plot => ({
  title: "Latency",
  xLabel: "second",
  x: secondsScale(4),
  y: linearScale(10, String),
  lines: [{ name: "p50", look: "main", points: [1, 2, 3, 4, 5].map((y, x) => ({ x, y, says: `${y} ms` })) }],
  ...changes,
});

describe("emitPlot", () => {
  it("draws a line from the lower left to where its values are", () => {
    expect(emitPlot(plot())).toContain('points="0,900 250,800 500,700 750,600 1000,500"');
  });

  it("breaks the line where nothing was measured, and makes a lone point a dot", () => {
    const [p50] = plot().lines;
    const points = p50!.points.map((point, at) => (at === 1 || at === 3 ? undefined : point));
    const text = emitPlot(plot({ lines: [{ ...p50!, points }] }));
    expect(text.match(/<polyline/g)).toHaveLength(3);
    expect(text.match(/<circle class="dot main"/g)).toHaveLength(3);
    expect(emitPlot(plot())).not.toContain('class="dot');
  });

  it("shows each value to a pointer, unless they are too many to point at", () => {
    expect(emitPlot(plot()).match(/<title>/g)).toHaveLength(5);
    const many = Array.from({ length: 500 }, (_, x) => ({ x: x / 125, y: 1, says: "1" }));
    expect(emitPlot(plot({ lines: [{ name: "p50", look: "main", points: many }] }))).not.toContain("<title>");
  });

  it("has a legend where there is more than one thing to tell apart", () => {
    expect(emitPlot(plot())).not.toContain("legend");
    const lines = [...plot().lines, { ...plot().lines[0]!, name: "earlier run", drawn: "dashed" as const }];
    const text = emitPlot(plot({ lines }));
    expect(text).toMatch(/class="legend".*p50.*earlier run/);
    expect(text).toContain('class="line main dashed"');
  });

  it("draws no bar of height 0", () => {
    const points = [0, 3, 0].map((y, x) => ({ x, y, says: `${y} errors` }));
    const text = emitPlot(plot({ lines: [], bars: { name: "errors", width: 0.8, points } }));
    expect(text.match(/<rect/g)).toHaveLength(1);
    expect(text).toContain('<rect class="bar" x="15%" y="70%" width="20%" height="30%"><title>3 errors</title></rect>');
  });

  it("lets no name become markup", () => {
    const text = emitPlot(plot({ title: "<b>", xLabel: '"x"', lines: [{ ...plot().lines[0]!, name: "<i>" }, plot().lines[0]!] }));
    expect(text).not.toMatch(/<b><b>|<i>|by "x"/);
  });
});
