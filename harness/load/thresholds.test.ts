import { describe, expect, it } from "vitest";
import { sampleResult } from "../comparison/sample-result.ts";
import { UsageError } from "../schema/errors.ts";
import { failedThresholds, parseThresholds, unmetConditions } from "./thresholds.ts";

const failed = (text: string, changes = {}) => failedThresholds(sampleResult(changes), parseThresholds(text));

describe("parseThresholds", () => {
  it("reads metric, operator and value, with spaces or without", () => {
    expect(parseThresholds("p99>50ms, lost > 0")).toEqual([
      { metric: "p99", operator: ">", value: 50, text: "p99>50ms" },
      { metric: "lost", operator: ">", value: 0, text: "lost > 0" },
    ]);
  });

  it.each([
    ["p50>=2s", ">=", 2000],
    ["p97.5<300us", "<", 0.3],
    ["p97.5<300µs", "<", 0.3],
    ["p99.9<=1.5", "<=", 1.5],
    ["rate<1000", "<", 1000],
    ["rate<1000/s", "<", 1000],
  ])("%s", (text, operator, value) => {
    const [threshold] = parseThresholds(text);
    expect(threshold).toMatchObject({ operator });
    expect(threshold?.value).toBeCloseTo(value, 9);
  });

  it.each([
    ["p99=50", 'such as p99>50ms, separated by commas, with one of > >= < <=, got "p99=50"'],
    ["p99>50ms,", 'got ""'],
    ["p98>1", 'got "p98" in "p98>1"'],
    ["toString>1", 'got "toString"'],
    ["p99>fast", 'expected --fail-on p99 with a time such as 50ms, 0.8s or 300us (without a unit: ms), got "fast" in "p99>fast"'],
    ["p99>50min", 'got "50min"'],
    ["p99>", 'got ""'],
    ["p99>-1", 'got "-1"'],
    ["p99=>5", 'got "p99="'],
    ["lost>0.5", 'expected --fail-on lost with a whole number such as 0, got "0.5"'],
    ["lost>1ms", 'got "1ms"'],
    ["rate<5ms", "a number per second such as 1000"],
  ])("refuses %s", (text, words) => {
    expect(() => parseThresholds(text)).toThrow(UsageError);
    expect(() => parseThresholds(text)).toThrow(words);
    expect(() => parseThresholds(text)).toThrow("--fail-on");
  });

  it("names the option that it was asked for", () => {
    expect(() => parseThresholds("x", "--find-capacity")).toThrow("--find-capacity");
  });
});

describe("failedThresholds", () => {
  it("says nothing where no comparison is true", () => {
    expect(failed("p99>50ms,lost>0,closed>0,errors>0,rate<1000")).toEqual([]);
  });

  it("says what was expected and what came", () => {
    expect(failed("p99>10ms,max>=21,lost>0", { deliveries: { ...sampleResult().deliveries!, lost: 3 } })).toEqual([
      "p99>10ms: expected p99 at most 10 ms, got 13 ms",
      "max>=21: expected max below 21 ms, got 21 ms",
      "lost>0: expected lost at most 0, got 3",
    ]);
  });

  it("takes a bound literally", () => {
    expect(failed("p99>13ms,p99<13ms")).toEqual([]);
    expect(failed("p99>=13ms")).toHaveLength(1);
    expect(failed("p99<=13ms")).toHaveLength(1);
  });

  it("gives the digits that tell the actual value from the bound", () => {
    const p99 = (value: number) => ({ latency: { ...sampleResult().latency, p99: value } });
    expect(failed("p99>50ms", p99(271.98012345))).toEqual(["p99>50ms: expected p99 at most 50 ms, got 272 ms"]);
    expect(failed("p99>50ms", p99(50.00012))).toEqual(["p99>50ms: expected p99 at most 50 ms, got 50.00012 ms"]);
    expect(failed("p99>=50ms", p99(50))).toEqual(["p99>=50ms: expected p99 below 50 ms, got 50 ms"]);
  });

  it("sums refusals and closes over their codes", () => {
    const changes = { refused: { RATE_LIMITED: 2, FORBIDDEN: 1 }, closed: { 1006: 4 } };
    expect(failed("refused>2,closed>3", changes)).toEqual([
      "refused>2: expected refused at most 2, got 3",
      "closed>3: expected closed at most 3, got 4",
    ]);
  });

  it("counts what was done per second, not what was sent", () => {
    expect(failed("rate<100001")).toEqual(["rate<100001: expected rate at least 100001 per second, got 100000 per second"]);
  });

  it("is never green about what was not measured", () => {
    expect(failed("lost>0", { deliveries: undefined, scenario: "echo" })).toEqual([
      "lost>0: cannot be checked, this run of echo measured no lost",
    ]);
    expect(failed("p99>50ms", { latency: { ...sampleResult().latency, totalCount: 0 } })).toHaveLength(1);
    expect(failed("rate<1", { duration: 0 })).toHaveLength(1);
  });
});

describe("unmetConditions", () => {
  const unmet = (text: string) => unmetConditions(sampleResult(), parseThresholds(text, "--find-capacity"));
  it("says nothing where all hold", () => {
    expect(unmet("p99<50ms,lost<=0,rate>1000")).toEqual([]);
  });
  it("says which does not hold", () => {
    expect(unmet("p99<13ms,mean<50ms")).toEqual(["p99<13ms: expected p99 below 13 ms, got 13 ms"]);
  });
});
