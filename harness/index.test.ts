// What programs import from "wsproof", against nodes that the run itself starts. What needs the package installed is in package.test.ts.
import { expect, it } from "vitest";
import { UsageError, type VerifyOptions, verify } from "./index.ts";

const refused: readonly [VerifyOptions, string][] = [
  [{ nodes: 0 }, "expected nodes from 1 to 16, got 0"],
  [{ nodes: 17 }, "expected nodes from 1 to 16, got 17"],
  [{ faults: 0 }, "expected faults from 1 to 100000, got 0"],
  [{ faults: 1.5 }, "expected faults from 1 to 100000, got 1.5"],
  [{ faults: true, messages: 0 }, "expected messages from 1 to 10000000, got 0"],
  [{ messages: 100 }, "messages needs faults"],
  [{ nodes: 2, url: "ws://127.0.0.1:1/ws" }, "nodes starts reference-server nodes, but a URL is given (ws://127.0.0.1:1/ws)."],
  [
    { faults: true, url: "ws://127.0.0.1:1/ws" },
    "faults starts reference-server nodes, but a URL is given (ws://127.0.0.1:1/ws).",
  ],
];

it.each(refused)("%o is a UsageError that names the option", async (options, message) => {
  const error = await verify(options).catch((thrown: unknown) => thrown);
  expect(error).toBeInstanceOf(UsageError);
  expect((error as UsageError).message).toContain(message);
});

it("verifies several nodes while it injects faults", async () => {
  const printed: string[] = [];
  const report = await verify({ nodes: 2, faults: 2, messages: 300, seed: 5, print: (text) => printed.push(text) });
  const text = printed.join("");
  expect(report.exitCode, text).toBe(0);
  // nginx stands before them as one more way to them.
  expect(report.targets).toHaveLength(3);
  expect(new Set(report.rules.map(({ id }) => id.split("-")[0]))).toEqual(new Set(["cluster"]));
  expect(report.rules.find(({ id }) => id === "cluster-lost")!.verdict).toBe("pass");
  expect(text).toMatch(/1 of 2, after \d+ acknowledged[\s\S]*2 of 2, after \d+ acknowledged/);
});
