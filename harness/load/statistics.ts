// What samples say beyond their noise: the slope of a series with its interval, and whether two samples differ. Pure.

/** Of the standard normal distribution: 95 % lie within. */
const z95 = 1.96;

/** A slope and the interval that holds it with 95 % confidence. */
export interface Trend {
  readonly slope: number;
  readonly low: number;
  readonly high: number;
}

/** With fewer points no interval at 95 % can leave zero out with a margin. */
const fewestPoints = 6;

/** The median of all slopes between two points (Theil and Sen), with Sen's interval; undefined where there are too few points. */
export function trendOf(points: readonly (readonly [x: number, y: number])[]): Trend | undefined {
  const count = points.length;
  if (count < fewestPoints) return undefined;
  const slopes = points
    .flatMap(([x, y], at) => points.slice(at + 1).map(([otherX, otherY]) => (otherY - y) / (otherX - x)))
    .filter(Number.isFinite)
    .sort((a, b) => a - b);
  if (slopes.length === 0) return undefined;
  const spread = z95 * Math.sqrt((count * (count - 1) * (2 * count + 5)) / 18);
  const at = (rank: number) => slopes[Math.min(slopes.length - 1, Math.max(0, Math.round(rank)))]!;
  return { slope: median(slopes), low: at((slopes.length - spread) / 2 - 1), high: at((slopes.length + spread) / 2) };
}

/** Slices of a series of memory. */
const slices = 20;
/** A process grows while it warms up: the first part says nothing about a leak. */
const warmUpShare = 1 / 3;

/**
 * How memory grows, from the lowest value of each slice of the run, because what a garbage collector has not taken yet is no leak.
 * @param amountAt what it is to be divided by, such as cycles, at a time
 */
export function memoryTrend(
  memory: readonly (readonly [seconds: number, bytes: number])[],
  amountAt: (seconds: number) => number,
): Trend | undefined {
  const warm = memory.slice(Math.floor(memory.length * warmUpShare));
  const size = Math.max(1, Math.ceil(warm.length / slices));
  const floors = Array.from({ length: Math.ceil(warm.length / size) }, (_, at) =>
    warm.slice(at * size, (at + 1) * size).reduce((lowest, one) => (one[1] < lowest[1] ? one : lowest)),
  );
  return trendOf(floors.map(([seconds, bytes]) => [amountAt(seconds), bytes]));
}

export function median(values: readonly number[]): number {
  const sorted = values.toSorted((a, b) => a - b);
  const middle = sorted.length / 2;
  if (sorted.length === 0) return Number.NaN;
  return Number.isInteger(middle) ? (sorted[middle - 1]! + sorted[middle]!) / 2 : sorted[Math.floor(middle)]!;
}

/** The interval that holds the median with 95 % confidence, by the ranks of the sample. */
export function medianInterval(values: readonly number[]): readonly [low: number, high: number] {
  const sorted = values.toSorted((a, b) => a - b);
  const half = (z95 * Math.sqrt(sorted.length)) / 2;
  const at = (rank: number) => sorted[Math.min(sorted.length - 1, Math.max(0, rank))]!;
  return [at(Math.floor(sorted.length / 2 - half)), at(Math.ceil(sorted.length / 2 + half) - 1)];
}

/** The probability, by Mann and Whitney, that two samples of one distribution differ as much; ties are corrected for. */
export function mannWhitney(left: readonly number[], right: readonly number[]): number {
  const all = [...left.map((value) => ({ value, isLeft: true })), ...right.map((value) => ({ value, isLeft: false }))].sort(
    (a, b) => a.value - b.value,
  );
  let rankSum = 0;
  let ties = 0;
  for (let at = 0; at < all.length; ) {
    let end = at;
    while (end < all.length && all[end]!.value === all[at]!.value) end++;
    const size = end - at;
    ties += size ** 3 - size;
    rankSum += all.slice(at, end).filter(({ isLeft }) => isLeft).length * ((at + 1 + end) / 2);
    at = end;
  }
  const [m, n] = [left.length, right.length];
  const total = m + n;
  const variance = ((m * n) / 12) * (total + 1 - ties / (total * (total - 1)));
  if (!(variance > 0)) return 1;
  const u = rankSum - (m * (m + 1)) / 2;
  const z = Math.max(0, Math.abs(u - (m * n) / 2) - 0.5) / Math.sqrt(variance);
  return 2 * (1 - normal(z));
}

/** The standard normal distribution function, to 7 digits (Abramowitz and Stegun 26.2.17). */
function normal(z: number): number {
  const t = 1 / (1 + 0.231_641_9 * z);
  const poly = t * (0.319_381_53 + t * (-0.356_563_782 + t * (1.781_477_937 + t * (-1.821_255_978 + t * 1.330_274_429))));
  return 1 - (Math.exp((-z * z) / 2) / Math.sqrt(2 * Math.PI)) * poly;
}
