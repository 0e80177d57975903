// Shrinking plain data: what is left is the least that still fails, and an unstable failure does not mislead it.
import { describe, expect, it } from "vitest";
import type { SendStep, StatefulCase, Step } from "./case.ts";
import { shrink, smallerCases } from "./shrink.ts";

const send = (operation: string, changes: Partial<SendStep> = {}): SendStep => ({
  ...{
    do: "send",
    connection: 0,
    operation,
    frame: {},
    key: 2,
    to: 3,
    credential: "bad",
    once: "new",
    since: "last",
    sync: "none",
  },
  ...changes,
});
const plan: StatefulCase = {
  connections: [0, 1, 2, 0].map((user) => ({ user, node: 1, member: true })),
  steps: [
    ...Array.from({ length: 8 }, (_, index): Step => send(`noise-${index}`, { connection: index })),
    send("cause", { connection: 2 }),
    { do: "hang-up", connection: 1, how: "reset", sync: "none" },
    send("symptom", { connection: 1 }),
  ],
};
const forever = () => true;
const operations = ({ steps }: StatefulCase) => steps.flatMap((step) => (step.do === "send" ? [step.operation] : []));

describe("shrink", () => {
  it("keeps the two steps that are needed, simple and with fences", async () => {
    const fails = async (smaller: StatefulCase) => operations(smaller).join().includes("cause,symptom");
    const { plan: least } = await shrink(plan, fails, forever);
    expect(least.steps).toHaveLength(2);
    expect(least.connections).toHaveLength(2);
    for (const connection of least.connections) expect(connection).toMatchObject({ node: 0, member: false });
    for (const step of least.steps)
      expect(step).toMatchObject({ key: 0, once: "no", since: "no", credential: "good", sync: "fence" });
  });

  it("keeps a step without waiting where the failure needs it", async () => {
    const fails = async ({ steps }: StatefulCase) => steps.some((step) => step.sync === "none");
    const { plan: least } = await shrink(plan, fails, forever);
    expect(least.steps).toHaveLength(1);
    expect(least.steps[0]?.sync).toBe("none");
  });

  it("returns the smallest so far when the time is up", async () => {
    let left = 3;
    const { plan: least, tried } = await shrink(
      plan,
      async () => true,
      () => left-- > 0,
    );
    expect(tried).toBeLessThanOrEqual(3);
    expect(least.steps.length).toBeLessThan(plan.steps.length);
  });

  it("offers only cases whose steps point to connections that there are", () => {
    for (const { connections, steps } of smallerCases(plan)) {
      expect(connections.length).toBeGreaterThan(0);
      for (const step of steps) expect(step.connection % connections.length).toBeLessThan(connections.length);
    }
  });
});
