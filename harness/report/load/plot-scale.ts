// Scales of a plot's axes: where a value stands, 0 to 1, and the ticks that a reader can read.

export interface Tick {
  /** 0 to 1. */
  readonly at: number;
  readonly text: string;
  /** One that a narrow screen has no room for. */
  readonly fine: boolean;
}

export interface Scale {
  /** Where a value stands, 0 to 1; what lies outside is put at the nearer end. */
  readonly place: (value: number) => number;
  readonly ticks: readonly Tick[];
}

/** From 0 to at least `most`, with at most five steps of 1, 2 or 5 times a power of ten. */
export function linearScale(most: number, text: (value: number) => string, wholeSteps = false): Scale {
  const step = stepOf(most, 5, wholeSteps);
  const steps = Math.max(1, Math.ceil(most / step - 1e-9));
  const ticks = Array.from({ length: steps + 1 }, (_, at) => ({ at: at / steps, text: text(at * step), fine: false }));
  return { place: (value) => within(value / (steps * step)), ticks };
}

/** The least of 1, 2 or 5 times a power of ten that needs no more than `steps` of it. */
function stepOf(most: number, steps: number, whole: boolean): number {
  const rough = (most > 0 ? most : 1) / steps;
  const power = 10 ** Math.floor(Math.log10(rough));
  const fitting = [1, 2, 5, 10].find((factor) => factor * power >= rough * 0.999_999) ?? 10;
  return whole ? Math.max(1, Math.round(fitting * power)) : fitting * power;
}

/** The axis of time in whole seconds: it ends with the run, not with a round number. */
export function secondsScale(last: number): Scale {
  const end = Math.max(1, last);
  const step = stepOf(end, 10, true);
  const ticks = Array.from({ length: Math.floor(end / step) + 1 }, (_, at) => ({
    at: (at * step) / end,
    text: String(at * step),
    fine: at % 2 === 1 && end > 2,
  }));
  return { place: (value) => within(value / end), ticks };
}

/** Around `least` to `most`, both above 0, from one of 1, 2 or 5 times a power of ten to another. */
export function logScale(least: number, most: number, text: (value: number) => string): Scale {
  const rounds: number[] = [];
  for (let power = Math.floor(Math.log10(least)); power <= Math.ceil(Math.log10(most)); power++) {
    for (const factor of [1, 2, 5]) rounds.push(Number(`${factor}e${power}`));
  }
  const from = rounds.findLast((one) => one <= least) ?? least;
  const to = rounds.find((one) => one >= most && one > from) ?? most;
  const place = (value: number) => within(Math.log10(Math.max(value, from) / from) / Math.log10(to / from));
  const isDecade = (value: number) => Number.isInteger(Math.log10(value));
  const few = to / from <= 100;
  const ticks = rounds
    .filter((one) => one >= from && one <= to && (few || isDecade(one)))
    .map((one) => ({ at: place(one), text: text(one), fine: !isDecade(one) }));
  return { place, ticks };
}

/** Linear where the values lie within a factor of 40, so that small ones can be seen; else by decades. All in ms, above 0. */
export function latencyScale(values: readonly number[], text: (value: number) => string): Scale {
  const most = values.reduce((one, other) => Math.max(one, other), 0);
  const least = values.reduce((one, other) => (other > 0 ? Math.min(one, other) : one), most);
  return most > least * 40 ? logScale(least, most, text) : linearScale(most, text);
}

/** The highest percentile that `count` values can tell of: with 1000 of them 99.9. At most seven nines. */
export function highestPercentile(count: number): number {
  return 100 * (1 - 1 / Math.min(1e7, Math.max(2, count)));
}

/** Percentiles 0 to below 100 by the logarithm of 1 / (1 - p): each nine has the same room, as HDR plots are drawn. */
export function percentileScale(highest: number): Scale {
  const decades = (percentile: number) => -Math.log10(1 - Math.min(percentile, highest) / 100);
  const end = decades(highest);
  const nines = Array.from({ length: Math.floor(end + 1e-9) }, (_, at) => 100 * (1 - 10 ** -(at + 1)));
  const ticks = [0, 50, ...nines].map((percentile) => {
    const fine = percentile === 50 || (nines.length > 4 && nines.indexOf(percentile) % 2 === 1);
    return { at: decades(percentile) / end, text: `${Number(percentile.toFixed(6))} %`, fine };
  });
  return { place: (percentile) => within(decades(percentile) / end), ticks: ticks.filter(({ at }) => at <= 1) };
}

function within(share: number): number {
  return Math.min(1, Math.max(0, share));
}
