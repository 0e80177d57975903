// The report as one self-contained page: rules by targets, then a part for each failure. No network, no framework, no script needed.
import type { RuleResult, Verdict } from "../conformance/phase.ts";
import { type Cause, causesOf } from "./causes.ts";
import { escapeMarkup } from "./escape.ts";
import { steadiness } from "./failure-text.ts";
import { frameLines } from "./frames.ts";
import { pageStyle } from "./html-style.ts";
import type { ReportedRun } from "./reported-run.ts";
import { emitSequenceDiagram } from "./sequence-diagram.ts";

const words: Record<Verdict, string> = {
  pass: "passed",
  fail: "failed",
  warn: "warning",
  "not-testable": "not testable",
  "not-applicable": "not applicable",
  inconclusive: "inconclusive",
};

/** Frames of one cause in the page, its last ones: those show where it failed. */
const maxFrames = 200;
const maxEntry = 160;

/** @param runs one a target; the first one's rules give the rows */
export function emitHtml(runs: readonly ReportedRun[]): string {
  const [first] = runs;
  const results = first?.report.results ?? [];
  const phases = [...new Set(results.map(({ phase }) => phase))];
  const title = `${first?.opening.title ?? ""}: ${first?.summary.text ?? "no run"}`;
  const causes = runs.map(({ report }) => causesOf(report.results));
  const failures = runs.flatMap((run, at) => causes[at]!.map((cause, number) => emitCause(cause, anchor(at, number), run)));
  const index = runs.flatMap((_, at) => causes[at]!.map((cause, number) => emitIndexEntry(cause, anchor(at, number))));
  return `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<title>${escapeMarkup(title)}</title>
<style>${pageStyle}</style>
</head>
<body>
<a class="skip" href="#rules">Skip to the rules</a>
<header>
<p class="tool">wsproof verify</p>
<h1>${escapeMarkup(first?.opening.title ?? "")}</h1>
${runs.map(emitVerdict).join("\n")}
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
<script>
for (const button of document.querySelectorAll("button[data-copy]")) {
  button.hidden = false;
  button.addEventListener("click", async () => {
    await navigator.clipboard.writeText(button.dataset.copy);
    button.textContent = "copied";
  });
}
</script>
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
    return `<tr><th scope="row"><code>${escapeMarkup(result.id)}</code><span class="title">${escapeMarkup(result.title)}</span></th><td class="level">${result.level}</td>${cells.join("")}</tr>`;
  });
  return `<h3>${escapeMarkup(phase)}</h3>
<table><thead><tr><th scope="col">rule</th><th scope="col" class="level">level</th>${columns.join("")}</tr></thead>
<tbody>${rows.join("\n")}</tbody></table>
${notes.map((note) => `<p class="note">${escapeMarkup(note)}</p>`).join("")}`;
}

function emitCell(result: RuleResult | undefined, run: number, causes: readonly Cause[]): string {
  if (result === undefined) return '<td><span class="badge not-applicable">not run</span></td>';
  const badge = `<span class="badge ${result.verdict}">${words[result.verdict]}</span>`;
  const cause = causes.findIndex(({ rules }) => rules.some(({ id }) => id === result.id));
  const linked = cause < 0 ? badge : `<a href="#${anchor(run, cause)}">${badge}</a>`;
  const why = [result.reason, result.known === undefined ? undefined : `known: ${result.known}`].filter(
    (one) => one !== undefined,
  );
  return `<td>${linked}${why.map((one) => `<span class="why">${escapeMarkup(one)}</span>`).join("")}</td>`;
}

function emitIndexEntry({ rules, failure, more }: Cause, id: string): string {
  const count = more === 0 ? "" : ` <span class="why">${more + 1} failures</span>`;
  return `<li><a href="#${id}">${escapeMarkup(shortened(failure.actual))}</a>${count} <span class="why">${rules.map((rule) => escapeMarkup(rule.id)).join(", ")}</span></li>`;
}

function shortened(text: string): string {
  return text.length > maxEntry ? `${text.slice(0, maxEntry)}\u2026` : text;
}

function emitCause({ result, failure, more, rules }: Cause, id: string, { opening }: ReportedRun): string {
  const all = frameLines(failure.frames);
  const frames = all.slice(-maxFrames);
  const omitted = all.length - frames.length;
  const others = rules.filter((rule) => rule.id !== result.id);
  const rows = frames.map(
    ({ atMs, connection, arrow, text }) =>
      `<tr class="${arrow === "->" ? "sent" : arrow === "<-" ? "received" : "event"}"><td>${atMs.toFixed(1)}</td><td>${connection}</td><td>${escapeMarkup(arrow)}</td><td><code>${escapeMarkup(text)}</code></td></tr>`,
  );
  const steps = failure.steps.map((step) => `<li>${escapeMarkup(step)}</li>`);
  const diagram = emitSequenceDiagram(failure.frames, `What happened in ${result.id}`);
  return `<article class="failure" id="${id}" aria-labelledby="${id}-title">
<h3 id="${id}-title"><code>${escapeMarkup(result.id)}</code> <span class="badge ${result.verdict}">${result.level}</span> <span class="badge plain">${steadiness(failure)}</span></h3>
<p>${escapeMarkup(result.title)}</p>
<blockquote><p>${escapeMarkup(failure.text) || "(no description)"}</p><footer><code>${escapeMarkup(failure.pointer)}</code>${failure.pointer.startsWith("#") ? ` in ${escapeMarkup(opening.title)}` : ""}</footer></blockquote>
<dl class="outcome"><div><dt>expected</dt><dd>${escapeMarkup(failure.expected)}</dd></div><div><dt>actual</dt><dd>${escapeMarkup(failure.actual)}</dd></div></dl>
${steps.length > 0 ? `<h4>The shortest sequence</h4><ol>${steps.join("")}</ol>` : ""}
${diagram === "" ? "" : `<div class="scroll" tabindex="0" role="region" aria-label="Sequence diagram of ${escapeMarkup(result.id)}">${diagram}</div>`}
${rows.length === 0 ? "" : `<details><summary>The frames, ${rows.length} lines${omitted > 0 ? ` (${omitted} earlier ones omitted; the JSON report has them)` : ""}</summary><div class="scroll" tabindex="0" role="region" aria-label="Frames of ${escapeMarkup(result.id)}"><table class="frames"><thead><tr><th scope="col">ms</th><th scope="col">connection</th><th scope="col"><span class="hidden">direction</span></th><th scope="col">frame</th></tr></thead><tbody>${rows.join("\n")}</tbody></table></div></details>`}
${more === 0 ? "" : `<p>And ${more} more with the same cause${others.length === 0 ? "." : `; it also fails ${others.map((rule) => `<code>${escapeMarkup(rule.id)}</code>`).join(", ")}.`}</p>`}
<p class="replay"><code>${escapeMarkup(failure.replay)}</code> <button type="button" hidden data-copy="${escapeMarkup(failure.replay)}">copy</button></p>
</article>`;
}

function anchor(run: number, cause: number): string {
  return `failure-${run}-${cause}`;
}
