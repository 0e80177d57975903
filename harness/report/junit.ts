// The report as JUnit XML, valid by the schemas of Ant and Jenkins: a suite a phase, a case a rule.
import type { RuleResult } from "../conformance/result.ts";
import { causesOf } from "./causes.ts";
import { escapeMarkup } from "./escape.ts";
import { emitFailureText } from "./failure-text.ts";
import type { ReportedRun } from "./reported-run.ts";

/** Failed SHOULD and MAY rules pass here, with their finding in system-out: CI is red exactly when the exit code is. */
export function emitJunit({ opening, report, startedAt, strict }: ReportedRun): string {
  const phases = [...new Set(report.results.map(({ phase }) => phase))];
  const suites = phases.map((phase, id) => emitSuite(phase, id));
  return `<?xml version="1.0" encoding="UTF-8"?>\n<testsuites>\n${suites.join("")}</testsuites>\n`;

  function emitSuite(phase: string, id: number): string {
    const results = report.results.filter((one) => one.phase === phase);
    const cases = results.map((result) => ({ result, kind: kindOf(result, strict) }));
    const count = (kind: string) => cases.filter((one) => one.kind === kind).length;
    const warnings = results
      .filter((one) => kindOf(one, strict) === "passed")
      .flatMap((one) => one.failures.map((failure) => emitFailureText(one, failure)));
    const attributes = {
      name: phase,
      package: `wsproof.${opening.title}`,
      id,
      timestamp: startedAt.toISOString().slice(0, 19),
      hostname: "localhost",
      tests: results.length,
      failures: count("failure"),
      errors: count("error"),
      skipped: count("skipped"),
      time: seconds(results.reduce((sum, { durationMs }) => sum + durationMs, 0)),
    };
    const properties = { target: opening.targets.join(" "), document: opening.file, seed: opening.seed };
    return [
      `  <testsuite${emitAttributes(attributes)}>\n    <properties>\n`,
      ...Object.entries(properties).map(([name, value]) => `      <property${emitAttributes({ name, value })}/>\n`),
      "    </properties>\n",
      ...cases.map(({ result, kind }) => emitCase(result, kind)),
      `    <system-out>${escapeMarkup(warnings.join("\n\n"))}</system-out>\n    <system-err></system-err>\n  </testsuite>\n`,
    ].join("");
  }
}

type Kind = "passed" | "failure" | "error" | "skipped";

function kindOf(result: RuleResult, strict: boolean): Kind {
  if (result.known !== undefined) return "skipped";
  if (result.verdict === "fail" || (result.verdict === "warn" && strict)) return "failure";
  if (result.verdict === "inconclusive" || result.vacuous) return "error";
  return result.verdict === "not-applicable" || result.verdict === "not-testable" ? "skipped" : "passed";
}

function emitCase(result: RuleResult, kind: Kind): string {
  const { id, phase, level, title, durationMs, failures, reason } = result;
  const head = `    <testcase${emitAttributes({ name: id, classname: `wsproof.${phase}`, time: seconds(durationMs) })}`;
  if (kind === "passed") return `${head}/>\n`;
  if (kind === "skipped")
    return `${head}><skipped${emitAttributes({ message: result.known ?? reason ?? result.verdict })}/></testcase>\n`;
  if (kind === "error")
    return `${head}><error${emitAttributes({ message: reason ?? result.verdict, type: result.verdict })}></error></testcase>\n`;
  const message = `${title}: expected ${failures[0]?.expected}, got ${failures[0]?.actual}`;
  const blocks = causesOf([{ ...result, known: undefined }]).map(({ failure, more }) => {
    const beside = more === 0 ? "" : `\n  and ${more} more with the same cause`;
    return `${emitFailureText(result, failure)}${beside}`;
  });
  const text = blocks.join("\n\n");
  return `${head}><failure${emitAttributes({ message, type: level })}>${escapeMarkup(text)}</failure></testcase>\n`;
}

function seconds(ms: number): string {
  return (ms / 1000).toFixed(3);
}

function emitAttributes(attributes: Readonly<Record<string, string | number>>): string {
  return Object.entries(attributes)
    .map(([name, value]) => ` ${name}="${escapeMarkup(String(value)).replaceAll("\n", "&#10;")}"`)
    .join("");
}
