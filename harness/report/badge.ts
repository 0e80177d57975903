// The verdict as the JSON of an endpoint badge, which shields.io and others draw. Pure.
import type { ReportedRun } from "./reported-run.ts";

export function emitBadge({ summary, opening }: ReportedRun): string {
  const { pass, fail } = summary.counts;
  const [message, color] =
    summary.exitCode === 0
      ? [`${plural(pass)} passed`, "brightgreen"]
      : summary.exitCode === 1
        ? [fail > 0 ? `${plural(fail)} failed` : "not conformant", "red"]
        : ["inconclusive", "lightgrey"];
  return `${JSON.stringify({ schemaVersion: 1, label: opening.title, message, color })}\n`;
}

function plural(count: number): string {
  return `${count} rule${count === 1 ? "" : "s"}`;
}
