import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { checkRate, KeyedLimiter, Limiter } from "./limiter.ts";

describe("the rate limiter", () => {
  test("allows the burst, then one per interval", () => {
    const limiter = new Limiter({ burst: 3, perSecond: 2 });
    expect([0, 0, 0].map((now) => limiter.take(now))).toEqual([undefined, undefined, undefined]);
    expect(limiter.take(0)).toBe(500);
    expect(limiter.take(499)).toBe(1);
    expect(limiter.take(500)).toBeUndefined();
    expect(limiter.take(500)).toBe(500);
  });

  test("gives a wait that is exact to the millisecond, for any rate and history", () => {
    const rate = fc.record({
      burst: fc.integer({ min: 1, max: 50 }),
      perSecond: fc.double({ min: 0.01, max: 5000, noNaN: true }),
    });
    fc.assert(
      fc.property(rate, fc.array(fc.double({ min: 0, max: 3000, noNaN: true }), { maxLength: 80 }), (rate, gapsMs) => {
        let nowMs = 0;
        let emptyAtMs = Number.NEGATIVE_INFINITY;
        for (const gapMs of gapsMs) {
          nowMs += gapMs;
          const permit = checkRate(rate, emptyAtMs, nowMs);
          if (permit.allowed) emptyAtMs = permit.emptyAtMs;
          else {
            expect(Number.isInteger(permit.retryAfterMs)).toBe(true);
            expect(checkRate(rate, emptyAtMs, nowMs + permit.retryAfterMs).allowed).toBe(true);
            expect(checkRate(rate, emptyAtMs, nowMs + permit.retryAfterMs - 1.001).allowed).toBe(false);
          }
        }
      }),
    );
  });

  test("never allows more than burst + perSecond x time in any window", () => {
    fc.assert(
      fc.property(fc.array(fc.integer({ min: 0, max: 400 }), { maxLength: 200 }), (gapsMs) => {
        const limiter = new Limiter({ burst: 5, perSecond: 4 });
        const allowedAtMs: number[] = [];
        let nowMs = 0;
        for (const gapMs of gapsMs) {
          nowMs += gapMs;
          if (limiter.take(nowMs) === undefined) allowedAtMs.push(nowMs);
        }
        allowedAtMs.forEach((from, first) => {
          allowedAtMs.slice(first).forEach((until, count) => {
            expect(count + 1).toBeLessThanOrEqual(5 + (4 * (until - from)) / 1000 + 1e-6);
          });
        });
      }),
    );
  });

  test("giveBack undoes one take", () => {
    const limiter = new Limiter({ burst: 1, perSecond: 1 });
    limiter.take(0);
    limiter.giveBack();
    expect(limiter.take(0)).toBeUndefined();
  });

  test("removes users whose bucket is empty", () => {
    const limiter = new KeyedLimiter({ burst: 1, perSecond: 10 });
    for (let user = 0; user < 100_000; user++) limiter.take(`user-${user}`, user);
    expect(limiter.size).toBeLessThan(2_100);
    expect(limiter.take("user-99999", 99_999)).toBe(100);
  });
});
