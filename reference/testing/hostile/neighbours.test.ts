// Flooders beside honest clients, in short: the server ends the flooders, their cost is bounded, and the honest lose nothing.
import { expect, test } from "vitest";
import { formatNeighbours } from "./format-neighbours.ts";
import { honestClients, runNeighbours } from "./neighbours.ts";

test("flooders are ended by the server, cost it little each, and no honest client loses anything", async () => {
  const result = await runNeighbours({ windowMs: 600, rounds: 1, kinds: ["bad JSON", "pongs", "empty fragments"] });
  const { honest, rows } = result;
  expect(honest.acked).toBe(honest.sent);
  expect(honest.sent).toBeGreaterThan(honestClients);
  expect(honest.delivered).toBe(honest.due);
  expect(honest.closed).toBe(0);
  for (const { kind, cpuMsPerFlooder, ends } of rows) {
    expect(cpuMsPerFlooder, kind).toBeLessThan(50);
    // "reset": the client was still writing when the server hung up, and did not get to read the close frame.
    expect(
      Object.keys(ends).filter((end) => end !== "reset" && !["4400", "4429", "1008"].includes(end)),
      kind,
    ).toEqual([]);
    expect(Object.keys(ends), kind).not.toEqual(["reset"]);
  }
  expect(formatNeighbours(result)).toContain("| empty fragments | ");
});
