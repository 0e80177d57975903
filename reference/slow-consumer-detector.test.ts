// Queues at their limits, with an injected clock.
import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { createManualClock } from "./clock.ts";
import { SlowConsumerDetector } from "./slow-consumer-detector.ts";

describe("the slow consumer detector", () => {
  beforeEach(() => vi.useFakeTimers());
  afterEach(() => vi.useRealTimers());

  function watch() {
    const clock = createManualClock();
    const state = { bytes: 0, tooSlow: 0 };
    const queue = new SlowConsumerDetector(
      { queuedBytes: 1000, queuedBytesSustained: 200 },
      clock,
      () => state.bytes,
      () => state.tooSlow++,
    );
    const pass = (ms: number) => {
      for (let passedMs = 0; passedMs < ms; passedMs += 50) {
        clock.advance(50);
        vi.advanceTimersByTime(50);
      }
    };
    return { queue, state, pass };
  }

  test("allows the limit, and not a byte more", () => {
    const { queue, state } = watch();
    state.bytes = 1000;
    queue.check();
    expect(state.tooSlow).toBe(0);
    state.bytes = 1001;
    queue.check();
    expect(state.tooSlow).toBe(1);
    queue.stop();
  });

  test("allows the sustained limit for ten seconds without a break", () => {
    const { queue, state, pass } = watch();
    state.bytes = 201;
    queue.check();
    pass(9_950);
    expect(state.tooSlow).toBe(0);
    pass(500);
    expect(state.tooSlow).toBe(1);
    expect(vi.getTimerCount()).toBe(0);
  });

  test("a break restarts the time", () => {
    const { queue, state, pass } = watch();
    state.bytes = 500;
    queue.check();
    pass(8_000);
    state.bytes = 200;
    pass(300);
    expect(vi.getTimerCount()).toBe(0);
    state.bytes = 500;
    queue.check();
    pass(8_000);
    expect(state.tooSlow).toBe(0);
    queue.stop();
  });
});
