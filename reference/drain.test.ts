import { describe, expect, test } from "vitest";
import { type Drainable, drain } from "./drain.ts";

/** @param answers whether it ends when it is closed */
function connect(open: Set<Drainable>, log: string[], name: string, answers: boolean): void {
  const connection: Drainable = {
    announceShutdown: (reason, withinMs) => log.push(`${name} told ${reason} ${withinMs}`),
    close: (code) => {
      log.push(`${name} closed ${code}`);
      if (answers) open.delete(connection);
    },
    terminate: () => {
      log.push(`${name} ended`);
      open.delete(connection);
    },
  };
  open.add(connection);
}

describe("the drain", () => {
  test("announces the shutdown, then closes in batches", async () => {
    const [open, log, slept]: [Set<Drainable>, string[], number[]] = [new Set(), [], []];
    for (let count = 0; count < 40; count++) connect(open, log, `c${count}`, true);
    await drain(open, { drainMs: 4000, reconnectWithinMs: 7000 }, async (ms) => {
      slept.push(ms);
      if (slept.length === 1) expect(open.size).toBe(38);
    });
    expect(log.slice(0, 40)).toEqual(Array.from({ length: 40 }, (_, index) => `c${index} told restart 7000`));
    expect(log.slice(40).every((line) => line.endsWith("closed 1012"))).toBe(true);
    expect(slept).toEqual(Array.from({ length: 19 }, () => 200));
    expect(open.size).toBe(0);
  });

  test("terminates connections that do not answer in time", async () => {
    const [open, log]: [Set<Drainable>, string[]] = [new Set(), []];
    connect(open, log, "deaf", false);
    let sleptMs = 0;
    await drain(open, { drainMs: 0, reconnectWithinMs: 0 }, async (ms) => {
      sleptMs += ms;
    });
    expect(sleptMs).toBe(2000);
    expect(log.at(-1)).toBe("deaf ended");
  });

  test("closes connections that were added during the drain", async () => {
    const [open, log]: [Set<Drainable>, string[]] = [new Set(), []];
    connect(open, log, "a", true);
    connect(open, log, "b", true);
    await drain(open, { drainMs: 1000, reconnectWithinMs: 0 }, async () => {
      if (log.includes("a closed 1012") && !log.includes("late closed 1012")) connect(open, log, "late", true);
    });
    expect(open.size).toBe(0);
    expect(log).toContain("late closed 1012");
  });
});
