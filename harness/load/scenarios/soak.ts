// soak: the load goes on for long: whether memory or latency grows.

import { bytesText, msText } from "../figures.ts";
import type { Findings } from "../load-result.ts";
import { baseUnit, dueByRate, type Evidence, type Scenario } from "../scenario.ts";
import { memoryTrend, type Trend, trendOf } from "../statistics.ts";

const secondsPerHour = 3600;

export const soak: Scenario = {
  name: "soak",
  help: ["a long run: growth of memory and latency per hour"],
  unit: baseUnit,
  connections: ({ connections }) => connections,
  uses: ["rate", "rooms", "payload", "log"],
  metrics: { leak: "bytes", drift: "latency" },
  due: dueByRate,
  findings,
  prepare: async (...args) => (await import("./base-run.ts")).prepareBase(...args),
};

/** A shorter run says nothing about an hour. */
const fewestSeconds = 30;

function findings({ memory, series }: Evidence): Findings {
  if (series.length < fewestSeconds)
    return { figures: {}, lines: [`no trend: it takes a run of ${fewestSeconds} s, better of hours`], wrong: [] };
  const leak = memoryTrend(memory, (seconds) => seconds / secondsPerHour);
  const drift = trendOf(thinned(series).map(({ second, p99 }) => [second / secondsPerHour, p99!]));
  return {
    figures: { ...sure("leak", leak), ...sure("drift", drift) },
    lines: [
      leak === undefined
        ? "memory of the server: not measured, give --pid or --metrics-url"
        : `memory of the server per hour: ${trendText(leak, bytesText)}`,
      drift === undefined
        ? "latency p99: nothing completed in most seconds"
        : `latency p99 per hour: ${trendText(drift, msText)}`,
    ],
    wrong: [],
  };
}

const mostPoints = 200;

/** All seconds in which something was done, or so many of them: slopes between all pairs are counted. */
function thinned(series: Evidence["series"]): Evidence["series"] {
  const measured = series.filter(({ p99 }) => p99 !== undefined);
  const every = Math.ceil(measured.length / mostPoints);
  return measured.filter((_, at) => at % every === 0);
}

/** What it grows by at least, with 95 % confidence: 0 where it may not grow at all. */
export function sure(name: string, trend: Trend | undefined): Readonly<Record<string, number>> {
  return trend === undefined ? {} : { [name]: Math.max(0, trend.low) };
}

export function trendText({ slope, low, high }: Trend, text: (value: number) => string): string {
  const says = low > 0 ? "grows" : high < 0 ? "shrinks" : "no growth beyond the noise";
  return `${text(slope)}, 95 % between ${text(low)} and ${text(high)}: ${says}`;
}
