// Shards of a run: their numbers, their start, and what the merge makes of their files.
import { expect, it } from "vitest";
import { Recorder } from "./recorder.ts";
import { mergeShards, parseShardNumber, parseStartAt, type ShardRecord } from "./shards.ts";
import type { LoadProfile, Reached, SeenByMember } from "./worker-context.ts";

const profile: LoadProfile = {
  ...{ connections: 1, rooms: 1, members: 2, perSecond: 10, inFlight: 1, payloadBytes: 0 },
  ...{ durationMs: 1000, warmUpMs: 0, timeoutMs: 1000, weights: {}, seed: 1 },
};

function fileOf(index: number, seen: SeenByMember, reached: Reached, change: Partial<ShardRecord> = {}): string {
  const recorder = new Recorder();
  recorder.begin({ startMs: 0, endMs: 1000 });
  for (let at = 0; at < 100; at++) recorder.done(at, at + 1 + index, 10);
  recorder.counts.received = recorder.counts.expected = 3;
  const slice = {
    ...{ recorded: recorder.end(), busy: 0, busyMs: 0, stallMs: 0, http: undefined, unit: "delivery", connections: 2 },
    seen: { log: [seen] },
    facts: {},
  };
  const shard: ShardRecord = { index, count: 2, startAtMs: 5, profile, slices: [slice], reached, ...change };
  const start = "2030-01-01T00:00:00.000Z";
  return JSON.stringify({
    scenario: "fanout",
    title: "t",
    url: "ws://a",
    start,
    finish: start,
    generator: { cpuSeconds: 1 },
    shard,
  });
}

const complete: SeenByMember = { first: 0, next: 4, missing: [] };

it("adds counts and histograms, and counts as lost what another shard had acknowledged", () => {
  const reached = { log: { lowest: 1, highest: 3 } };
  const files = new Map([
    ["a.json", fileOf(0, { first: 0, next: 3, missing: [1] }, {})],
    ["b.json", fileOf(1, complete, reached)],
  ]);
  const result = mergeShards(files);
  expect(result.deliveries).toMatchObject({ lost: 2, received: 6, expected: 8 });
  expect(result.latency).toMatchObject({ totalCount: 200, min: 1, p25: 1, p99: 2 });
  expect(result.connections).toBe(2);
});

it.each([
  ["a shard is missing", new Map([["a.json", fileOf(0, complete, {})]]), "shard 2 of 2 is missing"],
  [
    "one is there twice",
    new Map([
      ["a.json", fileOf(0, complete, {})],
      ["b.json", fileOf(0, complete, {})],
    ]),
    "b.json and a.json are both shard 1 of 2",
  ],
  [
    "one is of another run",
    new Map([
      ["a.json", fileOf(0, complete, {})],
      ["b.json", fileOf(1, complete, {}, { startAtMs: 6 })],
    ]),
    "b.json is not a shard of the same run as a.json",
  ],
  ["it is not the result of a shard", new Map([["a.json", "{}"]]), "a.json is not the result of a shard"],
  ["it is not JSON", new Map([["a.json", "{"]]), "a.json is not JSON"],
])("says when %s", (_, files, message) => {
  expect(() => mergeShards(files)).toThrow(message);
});

it.each([
  ["2/4", {}, { index: 1, count: 4 }],
  ["4", { JOB_COMPLETION_INDEX: "0" }, { index: 0, count: 4 }],
])("reads --shard %s", (text, environment, shard) => {
  expect(parseShardNumber(text, environment)).toEqual(shard);
});

it.each([
  ["0/4", {}, "--shard from 1/4 to 4/4"],
  ["5/4", {}, "--shard from 1/4 to 4/4"],
  ["x", {}, "--shard as I/N"],
  ["4", {}, "JOB_COMPLETION_INDEX"],
  ["4", { JOB_COMPLETION_INDEX: "4" }, "JOB_COMPLETION_INDEX from 0 to 3"],
  ["4", { JOB_COMPLETION_INDEX: "" }, "JOB_COMPLETION_INDEX from 0 to 3"],
])("refuses --shard %s", (text, environment, message) => {
  expect(() => parseShardNumber(text, environment)).toThrow(message);
});

it("reads a start with its zone or in seconds, and no other", () => {
  expect(parseStartAt("2030-01-01T00:00:00Z")).toBe(Date.UTC(2030, 0, 1));
  expect(parseStartAt("1893456000")).toBe(Date.UTC(2030, 0, 1));
  for (const wrong of ["noon", "2030-01-01T00:00:00"]) expect(() => parseStartAt(wrong)).toThrow("--start-at");
});
