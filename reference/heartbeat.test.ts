import { describe, expect, test } from "vitest";
import { Heartbeat } from "./heartbeat.ts";

const settings = { intervalMs: 1000, timeoutMs: 300 };

describe("the heartbeat", () => {
  test("pings after the interval, and takes any bytes as an answer", () => {
    const heartbeat = new Heartbeat(settings, 0, () => 0);
    expect(heartbeat.dueMs).toBe(1000);
    expect(heartbeat.check(999, 5)).toBe("wait");
    expect(heartbeat.check(1000, 5)).toBe("ping");
    expect(heartbeat.dueMs).toBe(1300);
    expect(heartbeat.check(1300, 6)).toBe("wait");
    expect(heartbeat.dueMs).toBe(2000);
    expect(heartbeat.check(2000, 6)).toBe("ping");
  });

  test("reports a dead peer exactly at the timeout", () => {
    const heartbeat = new Heartbeat(settings, 0, () => 0);
    heartbeat.check(1000, 5);
    expect(heartbeat.check(1299, 5)).toBe("wait");
    expect(heartbeat.check(1300, 5)).toBe("dead");
  });

  test("shortens each interval by up to a fifth", () => {
    expect(new Heartbeat(settings, 0, () => 0.9999).dueMs).toBeGreaterThanOrEqual(800);
    expect(new Heartbeat(settings, 0, () => 0.9999).dueMs).toBeLessThan(810);
  });

  test("waits the full timeout where it is longer than the interval", () => {
    const heartbeat = new Heartbeat({ intervalMs: 100, timeoutMs: 250 }, 0, () => 0);
    expect([100, 200, 300].map((nowMs) => heartbeat.check(nowMs, 5))).toEqual(["ping", "ping", "ping"]);
    expect(heartbeat.check(350, 5)).toBe("dead");
  });

  test("a peer counts as alive while reading is paused", () => {
    const heartbeat = new Heartbeat(settings, 0, () => 0);
    heartbeat.check(1000, Number.NaN);
    expect(heartbeat.check(1300, Number.NaN)).toBe("wait");
  });
});
