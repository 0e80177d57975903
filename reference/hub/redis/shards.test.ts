// What the nodes of a Redis Cluster say of its masters.
import { expect, it } from "vitest";
import { mastersOf } from "./shards.ts";

it("reaches every master with the user, password and TLS of the node that was asked", () => {
  const reply = [
    [0, 99, ["10.0.0.1", 6379, "a", []], ["10.0.0.9", 6379, "r", []]],
    [100, 199, ["fd00::2", 6380, "b", []]],
    [200, 299, ["10.0.0.1", 6379, "a", []]],
  ];
  expect(mastersOf(reply, "rediss://me:pass%2Cword@seed:7000")).toEqual([
    {
      url: "rediss://me:pass%2Cword@10.0.0.1:6379",
      ranges: [
        [0, 99],
        [200, 299],
      ],
    },
    { url: "rediss://me:pass%2Cword@[fd00::2]:6380", ranges: [[100, 199]] },
  ]);
});

it("uses the asked address for a node that does not know its own", () => {
  for (const unknown of [null, "", "?"])
    expect(mastersOf([[0, 16383, [unknown, 7001, "a", []]]], "redis://[::1]:7000")).toEqual([
      { url: "redis://[::1]:7001", ranges: [[0, 16383]] },
    ]);
});
