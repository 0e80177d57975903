// The report in the Common Test Report Format (CTRF): a rule is a test. Pure.
import type { RuleResult } from "../conformance/result.ts";
import type { ReportedRun } from "./reported-run.ts";

type Status = "passed" | "failed" | "skipped" | "other";

export function emitCtrf({ report, startedAt, strict, opening }: ReportedRun): string {
  const tests = report.results.map((result) => {
    const [failure] = result.failures;
    const status = statusOf(result, strict);
    return {
      name: result.id,
      status,
      duration: Math.round(result.durationMs),
      suite: [result.phase],
      rawStatus: result.verdict,
      ...(failure === undefined
        ? messageOf(result)
        : { message: `expected ${failure.expected}, got ${failure.actual}`, trace: failure.replay }),
      flaky: failure !== undefined && failure.failed < failure.runs,
      extra: { level: result.level, title: result.title },
    };
  });
  const count = (status: Status) => tests.filter((test) => test.status === status).length;
  const summary = {
    tests: tests.length,
    passed: count("passed"),
    failed: count("failed"),
    skipped: count("skipped"),
    pending: 0,
    other: count("other"),
    start: startedAt.getTime(),
    stop: startedAt.getTime() + Math.round(report.durationMs),
  };
  const environment = { appName: opening.title, extra: { targets: opening.targets, seed: opening.seed } };
  const results = { tool: { name: "wsproof" }, summary, tests, environment };
  return `${JSON.stringify({ reportFormat: "CTRF", specVersion: "0.0.0", results }, null, 2)}\n`;
}

function messageOf({ known, reason }: RuleResult): { readonly message?: string } {
  const message = known ?? reason;
  return message === undefined ? {} : { message };
}

function statusOf({ verdict, known, vacuous }: RuleResult, strict: boolean): Status {
  if (known !== undefined) return "skipped";
  if (verdict === "fail" || (verdict === "warn" && strict)) return "failed";
  if (verdict === "inconclusive" || vacuous) return "other";
  return verdict === "pass" || verdict === "warn" ? "passed" : "skipped";
}
