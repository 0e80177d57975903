// The report as one self-contained page: causes of failures with an index, then all rules. No network, no framework, no script needed.
import { createHash } from "node:crypto";
import type { RuleResult, Verdict } from "../conformance/result.ts";
import { type Cause, causesOf } from "./causes.ts";
import { escapeMarkup } from "./escape.ts";
import { emitCause } from "./html-cause.ts";
import { pageScript } from "./html-script.ts";
import { pageStyle } from "./html-style.ts";
import type { ReportedRun } from "./reported-run.ts";

const words: Record<Verdict, string> = {
  pass: "passed",
  fail: "failed",
  warn: "warning",
  "not-testable": "not testable",
  "not-applicable": "not applicable",
  inconclusive: "inconclusive",
};

/** Frames of one cause in the page, at most, and of all causes together. */
const maxFrames = 200;
const maxAllFrames = 1_200;
const minFrames = 8;
/** Causes in full; the others stand in the index alone. */
const maxCauses = 60;
const maxEntry = 160;

/** @param runs one a target; the first one's rules give the rows */
export function emitHtml(runs: readonly ReportedRun[]): string {
  const [first] = runs;
  const results = first?.report.results ?? [];
  const phases = [...new Set(results.map(({ phase }) => phase))];
  const title = `${first?.opening.title ?? ""}: ${first?.summary.text ?? "no run"}`;
  const causes = runs.map(({ report }) => causesOf(report.results));
  const full = Math.min(maxCauses, causes.flat().length);
  const framesEach = Math.min(maxFrames, Math.max(minFrames, Math.floor(maxAllFrames / Math.max(1, full))));
  const failures = runs.flatMap((run, at) =>
    causes[at]!.slice(0, maxCauses).map((cause, number) => emitCause(cause, anchor(at, number), run, framesEach)),
  );
  const index = runs.flatMap((_, at) =>
    causes[at]!.map((cause, number) => emitIndexEntry(cause, number < maxCauses ? anchor(at, number) : undefined)),
  );
  return `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src '${hashOf(pageStyle)}'; script-src '${hashOf(pageScript)}'">
<title>${escapeMarkup(title)}</title>
<style>${pageStyle}</style>
</head>
<body>
<a class="skip" href="#rules">Skip to the rules</a>
<header>
<p class="tool">wsproof verify</p>
<h1>${escapeMarkup(first?.opening.title ?? "")}</h1>
${runs.map(emitVerdict).join("\n")}
<form class="find" role="search" hidden>
<label>Search <input name="query" type="search" placeholder="rule, text, frame" aria-keyshortcuts="/"></label>
<label>Verdict <select name="verdict"><option value="">all</option>${verdictsOf(results)
    .map((verdict) => `<option value="${verdict}">${words[verdict]}</option>`)
    .join("")}</select></label>
<span id="found" role="status"></span>
<span class="note keys">Keys: <kbd>/</kbd> search, <kbd>j</kbd> and <kbd>k</kbd> next and previous failure</span>
</form>
</header>
<main>
${failures.length > 0 ? `<section aria-labelledby="failures"><h2 id="failures">Failed rules, by cause</h2>\n<ol class="causes">${index.join("\n")}</ol>\n${failures.join("\n")}\n</section>` : ""}
<section aria-labelledby="rules"><h2 id="rules">Rules</h2>
${phases
  .map((phase) =>
    emitPhase(
      phase,
      results.filter((one) => one.phase === phase),
      runs,
      causes,
    ),
  )
  .join("\n")}
</section>
</main>
<script>${pageScript}</script>
</body>
</html>
`;
}

function emitVerdict({ opening, summary, report, startedAt }: ReportedRun): string {
  const state = summary.exitCode === 0 ? "pass" : summary.exitCode === 1 ? "fail" : "inconclusive";
  const counts = (Object.entries(summary.counts) as [Verdict, number][])
    .filter(([, count]) => count > 0)
    .map(([verdict, count]) => `<span class="badge ${verdict}">${count} ${words[verdict]}</span>`);
  const facts = {
    target: opening.targets.join(" "),
    document: `${opening.file} (${opening.perspective} perspective)`,
    seed: String(opening.seed),
    started: startedAt.toISOString(),
    took: `${(report.durationMs / 1000).toFixed(1)} s`,
  };
  return `<div class="verdict ${state}"><p class="says">${escapeMarkup(summary.text)}</p><p class="counts">${counts.join(" ")}</p>
<dl>${Object.entries(facts)
    .map(([name, value]) => `<div><dt>${name}</dt><dd>${escapeMarkup(value)}</dd></div>`)
    .join("")}</dl></div>`;
}

function emitPhase(
  phase: string,
  results: readonly RuleResult[],
  runs: readonly ReportedRun[],
  causes: readonly (readonly Cause[])[],
): string {
  const columns = runs.map(
    ({ opening }) => `<th scope="col">${runs.length > 1 ? escapeMarkup(opening.targets.join(" ")) : "verdict"}</th>`,
  );
  const notes = [
    ...new Set(runs.flatMap(({ report }) => report.results.filter((one) => one.phase === phase).flatMap((one) => one.notes))),
  ];
  const rows = results.map((result) => {
    const cells = runs.map((run, at) =>
      emitCell(
        run.report.results.find(({ id }) => id === result.id),
        at,
        causes[at]!,
      ),
    );
    return `<tr data-verdict="${result.verdict}"><th scope="row"><code>${escapeMarkup(result.id)}</code><span class="title">${escapeMarkup(result.title)}</span></th><td class="level">${result.level}</td>${cells.join("")}</tr>`;
  });
  return `<div class="phase"><h3>${escapeMarkup(phase)}</h3>
<table><thead><tr><th scope="col">rule</th><th scope="col" class="level">level</th>${columns.join("")}</tr></thead>
<tbody>${rows.join("\n")}</tbody></table>
${notes.map((note) => `<p class="note">${escapeMarkup(note)}</p>`).join("")}</div>`;
}

function emitCell(result: RuleResult | undefined, run: number, causes: readonly Cause[]): string {
  if (result === undefined) return '<td><span class="badge not-applicable">not run</span></td>';
  const badge = `<span class="badge ${result.verdict}">${words[result.verdict]}</span>`;
  const cause = causes.findIndex(({ rules }) => rules.some(({ id }) => id === result.id));
  const linked = cause < 0 || cause >= maxCauses ? badge : `<a href="#${anchor(run, cause)}">${badge}</a>`;
  const why = [result.reason, result.known === undefined ? undefined : `known: ${result.known}`].filter(
    (one) => one !== undefined,
  );
  return `<td>${linked}${why.map((one) => `<span class="why">${escapeMarkup(one)}</span>`).join("")}</td>`;
}

/** @param id undefined where the cause has no part of its own */
function emitIndexEntry({ rules, failure, more }: Cause, id: string | undefined): string {
  const count = more === 0 ? "" : ` <span class="why">${more + 1} failures</span>`;
  const text = escapeMarkup(shortened(failure.actual));
  return `<li>${id === undefined ? text : `<a href="#${id}">${text}</a>`}${count} <span class="why">${rules.map((rule) => escapeMarkup(rule.id)).join(", ")}</span></li>`;
}

function shortened(text: string): string {
  return text.length > maxEntry ? `${text.slice(0, maxEntry)}\u2026` : text;
}

function anchor(run: number, cause: number): string {
  return `failure-${run}-${cause}`;
}

function verdictsOf(results: readonly RuleResult[]): readonly Verdict[] {
  return [...new Set(results.map(({ verdict }) => verdict))];
}

function hashOf(text: string): string {
  return `sha256-${createHash("sha256").update(text).digest("base64")}`;
}
