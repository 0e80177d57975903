// slow: some connections stop reading: what the others pay for it, and whether the slow ones get everything or are closed.

import { countText, msText } from "../figures.ts";
import type { Findings } from "../load-result.ts";
import { baseUnit, type Evidence, type Scenario } from "../scenario.ts";
import { mannWhitney, median } from "../statistics.ts";

export const slow: Scenario = {
  name: "slow",
  help: ["a tenth stops reading for the second half: what the others", "pay; the slow ones get everything late or are closed"],
  unit: baseUnit,
  connections: ({ connections }) => connections,
  uses: ["rate", "rooms", "payload", "log"],
  metrics: { slowdown: "ratio" },
  findings,
  async prepare(worker, progress) {
    const [{ SlowReaders }, { prepareBase }] = await Promise.all([import("../slow-readers.ts"), import("./base-run.ts")]);
    const readers = new SlowReaders(worker.profile.connections);
    return readers.around(await prepareBase(worker, progress, readers), worker);
  },
};

/** Of a difference by chance. */
const unlikely = 0.01;

function findings({ series, facts, profile }: Evidence): Findings {
  const half = profile.durationMs / 2000;
  // The second in which they stop belongs to neither half.
  const before = p99s(series.filter(({ second }) => second + 1 <= half));
  const during = p99s(series.filter(({ second }) => second >= half));
  const sum = (name: string) => (facts[name] ?? []).reduce((total, one) => total + one, 0);
  const closed = Object.keys(facts)
    .filter((name) => name.startsWith("closed "))
    .map((name) => `${name} ${countText(sum(name))}`);
  const incomplete = sum("incomplete");
  const slowdown = before.length > 0 && during.length > 0 ? median(during) / median(before) : undefined;
  const isReal = mannWhitney(before, during) < unlikely;
  const others =
    slowdown === undefined
      ? "the run was too short to compare its halves"
      : `p99 by the second ${msText(median(before))} before, ${msText(median(during))} while they did not read: ${slowdown.toFixed(2)}x${isReal ? "" : ", no difference beyond the noise"}`;
  return {
    figures: slowdown === undefined ? {} : { slowdown },
    lines: [
      `the others: ${others}`,
      `${countText(sum("slow"))} slow: ${[`complete in the end ${countText(sum("complete"))}`, ...closed].join(", ")}`,
    ],
    wrong: incomplete > 0 ? [`${countText(incomplete)} slow connections stayed open and did not get everything in the end`] : [],
  };
}

const p99s = (seconds: Evidence["series"]): readonly number[] => seconds.flatMap(({ p99 }) => p99 ?? []);
