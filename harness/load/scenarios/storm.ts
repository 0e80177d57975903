// storm: all connections end at once and all come back: how long that takes, and what the server refuses meanwhile.

import { countText, msText } from "../figures.ts";
import type { Findings } from "../load-result.ts";
import type { Evidence, Scenario } from "../scenario.ts";

export const storm: Scenario = {
  name: "storm",
  help: ["all connections drop and come back: time until 99 % have", "returned, what was refused"],
  unit: () => "connection that came back",
  connections: ({ connections }) => connections,
  uses: [],
  metrics: { t50: "latency", t99: "latency" },
  held: (done) => `${done} connections came back`,
  findings,
  prepare: async (...args) => (await import("./storm-run.ts")).prepareStorm(...args),
};

/** The window that the server announced is cut in so many parts. */
const parts = 10;

function findings({ facts }: Evidence): Findings {
  const { dropped = [], returned = [], refused = [], undropped = [], spread = [] } = facts;
  const sum = (numbers: readonly number[]) => numbers.reduce((total, one) => total + one, 0);
  const total = sum(dropped);
  const sorted = returned.toSorted((a, b) => a - b);
  /** When so large a share of all were back. */
  const at = (share: number) => sorted[Math.max(0, Math.ceil(share * total) - 1)];
  const [t50, t99] = [at(0.5), at(0.99)];
  const missing = total - returned.length;
  const shown = (ms: number | undefined) => (ms === undefined ? "never" : msText(ms));
  return {
    figures: { ...(t50 === undefined ? {} : { t50 }), ...(t99 === undefined ? {} : { t99 }) },
    lines: [
      `back after the drop: half ${shown(t50)}, 99 % ${shown(t99)}, all ${missing > 0 ? "never" : shown(sorted.at(-1))}`,
      `${countText(sum(refused))} attempts failed before`,
      ...(spread.length === 0 ? [] : [spreadText(sorted, Math.max(...spread))]),
    ],
    wrong: [
      ...(missing > 0 ? [`${countText(missing)} of ${countText(total)} connections did not come back within the run`] : []),
      ...(sum(undropped) > 0 ? [`${countText(sum(undropped))} connections were not ended by the restart`] : []),
    ],
  };
}

function spreadText(sorted: readonly number[], spreadMs: number): string {
  const counts = Array.from({ length: parts }, (_, part) =>
    sorted.filter((ms) => Math.min(parts - 1, Math.floor((ms / spreadMs) * parts)) === part),
  );
  const most = Math.max(...counts.map(({ length }) => length)) / Math.max(1, sorted.length);
  return `the server asked clients to return within ${msText(spreadMs)}: the busiest tenth of it had ${Math.round(most * 100)} % of them`;
}
