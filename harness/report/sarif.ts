// The report as SARIF 2.1.0, for code scanning: a rule of ours is a rule there, a cause is a result at its clause. Pure.
import { createHash } from "node:crypto";
import { ownVersion } from "../schema/version.ts";
import { causesOf } from "./causes.ts";
import type { ReportedRun } from "./reported-run.ts";

export function emitSarif({ opening, report, clauses, strict }: ReportedRun): string {
  const causes = causesOf(report.results);
  const rules = [...new Set(causes.flatMap((cause) => cause.rules))];
  const level = (verdict: string) => (verdict === "fail" || strict ? "error" : "warning");
  const sarif = {
    $schema: "https://json.schemastore.org/sarif-2.1.0.json",
    version: "2.1.0",
    runs: [
      {
        tool: {
          driver: {
            name: "wsproof",
            version: ownVersion(),
            rules: rules.map(({ id, title, verdict, level: word }) => ({
              id,
              shortDescription: { text: title },
              defaultConfiguration: { level: level(verdict) },
              properties: { level: word },
            })),
          },
        },
        invocations: [{ executionSuccessful: true, properties: { targets: opening.targets, seed: opening.seed } }],
        results: causes.map(({ result, failure, rules: ofCause, more }) => ({
          ruleId: result.id,
          ruleIndex: rules.indexOf(result),
          level: level(result.verdict),
          message: {
            text: `Expected ${failure.expected}, got ${failure.actual}.${more > 0 ? ` And ${more} more with the same cause.` : ""} Reproduce: ${failure.replay}`,
          },
          locations: [
            {
              physicalLocation: {
                artifactLocation: { uri: clauses?.file ?? opening.file },
                region: { startLine: clauses?.lines[failure.pointer] ?? 1 },
              },
              logicalLocations: [{ fullyQualifiedName: failure.pointer }],
            },
          ],
          // Stable from run to run, so that a viewer knows what is new.
          partialFingerprints: { "rule/v1": createHash("sha256").update(`${result.id}\n${failure.pointer}`).digest("hex") },
          properties: { rules: ofCause.map(({ id }) => id) },
        })),
      },
    ],
  };
  return `${JSON.stringify(sarif, null, 2)}\n`;
}
