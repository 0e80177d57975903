// ramp: connections rise and fall in stages, as k6 has them; each open one sends at the same rate.

import { countText, msText } from "../figures.ts";
import type { Findings } from "../load-result.ts";
import { timedOperation } from "../operations.ts";
import type { Evidence, Scenario } from "../scenario.ts";
import { mostConnections } from "../stages.ts";

export const ramp: Scenario = {
  name: "ramp",
  help: ["connections as --stages say; --rate is that of the highest"],
  unit: ({ contract, channel, profile }) => `reply to ${timedOperation(contract, channel, profile.operation).id}`,
  connections: mostConnections,
  uses: ["rate", "payload"],
  findings,
  prepare: async (worker) => (await import("./ramp-run.ts")).prepareRamp(worker),
};

function findings({ profile, series, facts }: Evidence): Findings {
  let fromMs = 0;
  const lines = (profile.stages ?? []).map(({ durationMs, connections }, at) => {
    const endMs = fromMs + durationMs;
    const seconds = series.filter(({ second }) => second * 1000 >= fromMs && second * 1000 < endMs);
    fromMs = endMs;
    const open = (facts[`open ${at}`] ?? []).reduce((sum, one) => sum + one, 0);
    const add = (of: (second: Evidence["series"][number]) => number) => seconds.reduce((sum, one) => sum + of(one), 0);
    const p99s = seconds.flatMap(({ p99 }) => p99 ?? []);
    const p99 = p99s.length === 0 ? "nothing measured" : `p99 by the second up to ${msText(Math.max(...p99s))}`;
    return `stage ${at + 1}, to ${countText(connections)}: ${countText(open)} open at its end, ${countText(add(({ done }) => done))} done, ${p99}, ${countText(add(({ errors }) => errors))} errors`;
  });
  return { figures: {}, lines, wrong: [] };
}
