// churn: connections come, do one thing and leave: what each leaves behind in the server's memory.

import { bytesText } from "../figures.ts";
import type { Findings } from "../load-result.ts";
import { dueByRate, type Evidence, type Scenario } from "../scenario.ts";
import { memoryTrend } from "../statistics.ts";
import { sure, trendText } from "./soak.ts";

export const churn: Scenario = {
  name: "churn",
  help: ["connect, one operation, leave, at a rate: growth of the server's", "memory per 1,000 cycles"],
  unit: () => "cycle: connect, work, leave",
  connections: () => 0,
  uses: ["rate"],
  metrics: { leak: "bytes" },
  due: dueByRate,
  findings,
  prepare: async (worker) => (await import("./churn-run.ts")).prepareChurn(worker),
};

function findings({ memory, series }: Evidence): Findings {
  const done = series.map((one) => one.done);
  const cyclesAt = (seconds: number) => {
    const whole = Math.floor(seconds);
    return done.slice(0, whole).reduce((sum, one) => sum + one, 0) + (done[whole] ?? 0) * (seconds - whole);
  };
  const leak = memoryTrend(memory, (seconds) => cyclesAt(seconds) / 1000);
  return {
    figures: sure("leak", leak),
    lines: [
      leak === undefined
        ? "memory of the server: not measured, give --pid or --metrics-url and a longer run"
        : `memory of the server per 1,000 cycles: ${trendText(leak, bytesText)}`,
    ],
    wrong: [],
  };
}
