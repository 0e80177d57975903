import { expect, it } from "vitest";
import type { RuleResult } from "../conformance/result.ts";
import { summarise } from "../conformance/verdict.ts";
import type { History } from "../model/history.ts";
import { bounded } from "./bounded.ts";
import { emitJson } from "./json.ts";

const maxReportBytes = 2_000_000;

function failed(id: string, count: number, frames: History, actual: string): RuleResult {
  const failure = (at: number) => ({
    ...{ pointer: "#/x", text: "It stands there.", expected: "a reply", actual: `${actual} ${at}`, failed: 4, runs: 4 },
    ...{ steps: [], frames, seed: 1, replay: `npx wsproof verify --only ${id}` },
  });
  return {
    ...{
      id,
      level: "MUST",
      phase: "examples",
      title: "answers",
      verdict: "fail",
      reason: undefined,
      observed: 1,
      vacuous: false,
    },
    ...{ durationMs: 1, failures: Array.from({ length: count }, (_, at) => failure(at)), notes: [] },
  };
}

function jsonOf(results: readonly RuleResult[]): string {
  return emitJson({
    opening: { title: "x 1", file: "x.yaml", targets: ["ws://h/"], embedded: false, perspective: "server", seed: 1 },
    report: { results: bounded(results), interrupted: undefined, durationMs: 5000 },
    summary: summarise(results),
    startedAt: new Date(0),
    strict: false,
  });
}

const event = (frame: unknown) => ({ kind: "receive", atMs: 1, connection: 1, frame, json: true, bytes: 9 }) as const;

it("a report is under 2 MB when every rule fails many times with many long frames", () => {
  const frames = Array.from({ length: 400 }, (_, at) => event({ text: "x".repeat(300), at }));
  const all = Array.from({ length: 300 }, (_, at) => failed(`rule-${at}`, 40, frames, `another cause ${"abcdefghij"[at % 10]}`));
  const json = jsonOf(all);
  expect(json.length).toBeLessThan(maxReportBytes);
  const { rules } = JSON.parse(json);
  expect(rules).toHaveLength(300);
  expect(rules.every(({ verdict, failures }: RuleResult) => verdict === "fail" && failures.length > 0)).toBe(true);
});

it("a report is under 2 MB when one frame of the target has 5 MB, and says that it was cut", () => {
  const json = jsonOf([failed("rule", 1, [event({ text: "x".repeat(5_000_000) })], "y".repeat(1_000_000))]);
  expect(json.length).toBeLessThan(maxReportBytes);
  expect(json).toContain("(5000011 characters)");
});

it("a small report is left whole", () => {
  const results = [failed("rule", 3, [event({ text: "hello" })], "silence")];
  expect(bounded(results)).toEqual(results);
});
