// Reporters and the small formats: annotations, job summary, SARIF, CTRF, badge.
import picocolors from "picocolors";
import { describe, expect, it } from "vitest";
import type { Failure, RuleResult, Verdict } from "../conformance/result.ts";
import { summarise } from "../conformance/verdict.ts";
import { emitBadge } from "./badge.ts";
import { emitCtrf } from "./ctrf.ts";
import { emitAnnotations, emitJobSummary } from "./github.ts";
import type { ReportedRun } from "./reported-run.ts";
import { createReporter, type ReporterName } from "./reporters.ts";
import { emitSarif } from "./sarif.ts";

const hostile = "a\n::error::b %0A | <img src=x> `c` [d](e) \u001b[2J";

function result(id: string, verdict: Verdict, more: Partial<RuleResult> = {}): RuleResult {
  const failure: Failure = {
    pointer: "#/channels/x",
    text: "The sentence.",
    expected: `close 4401 of ${id}`,
    actual: hostile,
    failed: 4,
    runs: 4,
    steps: [],
    frames: [],
    seed: 1,
    replay: `npx wsproof verify --only ${id}`,
  };
  const level = verdict === "warn" ? "SHOULD" : "MUST";
  const failures = verdict === "fail" || verdict === "warn" ? [failure] : [];
  const shared = { phase: "handshake", title: "does it", reason: undefined, observed: 1, vacuous: false, durationMs: 5 } as const;
  return { id, level, verdict, failures, notes: [], ...shared, ...more };
}

function run(results: readonly RuleResult[], strict = false): ReportedRun {
  return {
    opening: { title: "chat 1", file: "x.yaml", targets: ["ws://h/"], embedded: false, perspective: "server", seed: 1 },
    report: { results, interrupted: undefined, durationMs: 5000 },
    summary: summarise(results, { strict }),
    startedAt: new Date("2026-11-24T12:00:00.500Z"),
    strict,
    clauses: { file: "docs/x.yaml", lines: { "#/channels/x": 12 } },
  };
}

const red = run([
  result("rule-a", "pass"),
  result("rule-b", "fail"),
  result("rule-c", "inconclusive", { reason: "no answer" }),
  result("rule-d", "inconclusive", { reason: "no answer" }),
  result("rule-e", "fail", { known: "issue 7" }),
]);

it("an annotation stands at the line of its clause, and the wire cannot add one", () => {
  const text = emitAnnotations(red);
  expect(text.split("\n")).toHaveLength(2);
  expect(text).toMatch(/^::error file=docs\/x\.yaml,line=12,title=MUST rule-b::expected close 4401 of rule-b%0Aactual a\\n/);
  expect(emitAnnotations(run([result("rule-a", "pass")]))).toBe("");
});

it("the job summary has the verdict and a row for each cause, and the wire writes no markup into it", () => {
  const text = emitJobSummary(red);
  expect(text).toContain("**Not conformant: 1 rule failed\\.**");
  expect(text.split("\n").filter((line) => line.startsWith("| `rule-b`"))).toHaveLength(1);
  const row = text.split("\n").find((line) => line.startsWith("| `rule-b`"))!;
  expect(row.replaceAll("\\|", "").split("|")).toHaveLength(6);
  expect(text).not.toContain("\u001b");
});

describe("SARIF", () => {
  const sarif = JSON.parse(emitSarif(red));
  it("has a result for each cause, at its line, with a fingerprint that stays", () => {
    const [{ tool, results }] = sarif.runs;
    expect(sarif.version).toBe("2.1.0");
    expect(results.map((one: { ruleId: string }) => one.ruleId)).toEqual(["rule-b"]);
    expect(tool.driver.rules[results[0].ruleIndex].id).toBe("rule-b");
    const { physicalLocation } = results[0].locations[0];
    expect(physicalLocation).toEqual({ artifactLocation: { uri: "docs/x.yaml" }, region: { startLine: 12 } });
    const again = JSON.parse(emitSarif(run([result("rule-b", "fail")])));
    expect(again.runs[0].results[0].partialFingerprints).toEqual(results[0].partialFingerprints);
  });
});

it("CTRF counts what it lists", () => {
  const { results } = JSON.parse(emitCtrf(red));
  expect(results.summary).toMatchObject({ tests: 5, passed: 1, failed: 1, skipped: 1, other: 2, pending: 0 });
  expect(results.tests.map(({ status }: { status: string }) => status)).toEqual([
    ...["passed", "failed", "other", "other", "skipped"],
  ]);
});

it("the badge says what the exit code says", () => {
  const badge = (results: readonly RuleResult[]) => JSON.parse(emitBadge(run(results)));
  expect(badge([result("rule-a", "pass")])).toMatchObject({ schemaVersion: 1, message: "1 rule passed", color: "brightgreen" });
  expect(badge([result("rule-b", "fail")])).toMatchObject({ message: "1 rule failed", color: "red" });
  expect(badge([result("rule-c", "inconclusive")])).toMatchObject({ message: "inconclusive" });
});

describe("reporters", () => {
  function printed(name: ReporterName): string {
    let text = "";
    const write = (more: string) => {
      text += more;
    };
    const report = createReporter(name, {
      write,
      live: false,
      palette: picocolors.createColors(false),
      verbose: false,
      html: undefined,
    });
    const { results } = red.report;
    report({ type: "start", opening: red.opening });
    report({ type: "phase-start", phase: "handshake", waitsMs: 5_000 });
    report({ type: "progress", text: "case 3 of 9" });
    const { id: rule, level, title } = results[1]!;
    report({ type: "finding", rule, level, title, expected: "e", actual: "act" });
    report({ type: "finding", rule: "rule-should", level: "SHOULD", title, expected: "e", actual: "act" });
    report({
      type: "phase-end",
      phase: { name: "handshake", results, sent: 1, received: 1, judged: 1, durationMs: 1 },
    });
    report({ type: "end", run: red });
    return text;
  }

  it("line: a line a phase, findings as they come, one entry for one reason, the answer last", () => {
    const text = printed("line");
    expect(text).toContain(
      "handshake: waiting for declared timeouts (up to 5 s)...\n  failed  rule-b: act\n  warning rule-should: act\nhandshake ",
    );
    expect(text).toContain("  inconclusive 2 rules: no answer\n               rule-c, rule-d\n");
    expect(text).not.toContain("rule-a");
    expect(text).not.toContain("case 3");
    expect(text.endsWith("  reproduce  npx wsproof verify --only rule-b\n  details    add --html report.html\n")).toBe(true);
  });

  it("list: a line a rule", () => expect(printed("list")).toContain("passed       MUST   rule-a: does it"));
  it("dot: a character a rule", () => expect(printed("dot")).toMatch(/^handshake {3}\.F\?\?F$/m));
  it("github: annotations at the end", () => expect(printed("github")).toMatch(/^::error .*\n$/m));
  it("json: the report and nothing else", () => expect(JSON.parse(printed("json"))).toMatchObject({ exitCode: 1 }));
});
