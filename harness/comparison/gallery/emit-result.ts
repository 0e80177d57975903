// RESULT.md of one example: what the harness found in each server that speaks its protocol. Pure.
import type { RuleResult } from "../../conformance/result.ts";
import type { GalleryRun } from "./run-server.ts";
import type { Tools } from "./servers.ts";

const verdicts = { fail: "failed", warn: "warning", "not-testable": "not testable", inconclusive: "inconclusive" } as const;

/** @param runs of all servers of one example, at least one */
export function emitResult(example: string, runs: readonly GalleryRun[], tools: Tools): string {
  const sections = runs.flatMap(({ server, report, output }) => {
    const rules = report?.rules ?? [];
    const passed = rules.filter(({ verdict }) => verdict === "pass").length;
    const notable = rules.filter(({ verdict }) => verdict in verdicts);
    const leftOut = Object.entries(server.leftOut ?? {}).map(([id, why]) => `Not tried: \`${id}\`, ${why}.`);
    const head = [`## ${server.id}: ${server.describe(tools)}`, "", ...leftOut, ...(leftOut.length > 0 ? [""] : [])];
    if (report === undefined) return [...head, "No report:", "", "```", output.slice(-1_000), "```", ""];
    const summary = `${passed} rules passed, ${notable.length} with a finding.`;
    if (notable.length === 0) return [...head, summary, ""];
    return [
      ...head,
      summary,
      "",
      "| rule | level | verdict | expected | actual | explained |",
      "|---|---|---|---|---|---|",
      ...notable.map(row),
      "",
    ];
  });
  const [{ report } = { report: undefined }] = runs;
  return [
    `# ${report?.document.title ?? example}: results`,
    "",
    "<!-- Written by `npm run gallery`. Do not edit. -->",
    "",
    "Each server is started, then tested by `wsproof verify URL --spec asyncapi.yaml --seed 1 --baseline baseline-SERVER.yaml`.",
    "Known failures stand in the baseline, with whose fault they are; a run passes when nothing else fails.",
    "",
    ...sections,
  ].join("\n");
}

function row({ id, level, verdict, reason, failures, known }: RuleResult): string {
  const [failure] = failures;
  const cells = [
    `\`${id}\``,
    level,
    verdicts[verdict as keyof typeof verdicts],
    steady(failure?.expected ?? reason ?? ""),
    steady(failure?.actual ?? ""),
    known ?? "",
  ];
  return `| ${cells.map((cell) => cell.replaceAll("|", "\\|").replaceAll("\n", " ")).join(" | ")} |`;
}

/** Without what differs from run to run: numbers, ids and names of the run's counter. */
function steady(text: string): string {
  const shown = text
    .replaceAll(/"[^"]{24,}"/g, '"..."')
    .replaceAll(/p\d+-[a-z]+-\d+/g, "(name)")
    .replaceAll(/\b\d{4,}\b/g, "(number)");
  return shown.length > 160 ? `${shown.slice(0, 160)}...` : shown;
}
