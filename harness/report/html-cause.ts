// One cause of failures as a part of the HTML report: the shortest failure, a drawing, its frames, how to run it again. Pure.
import type { Cause } from "./causes.ts";
import { escapeMarkup } from "./escape.ts";
import { steadiness } from "./failure-text.ts";
import { frameLines } from "./frames.ts";
import type { ReportedRun } from "./reported-run.ts";
import { emitSequenceDiagram } from "./sequence-diagram.ts";
import { emitTimelineSvg } from "./timeline-svg.ts";

/**
 * @param id its anchor
 * @param maxFrames frames in the table, the last ones: those show where it failed
 */
export function emitCause(
  { result, failure, more, rules }: Cause,
  id: string,
  { opening }: ReportedRun,
  maxFrames: number,
): string {
  const all = frameLines(failure.frames);
  const frames = all.slice(-maxFrames);
  const omitted = all.length - frames.length;
  const others = rules.filter((rule) => rule.id !== result.id).map((rule) => `<code>${escapeMarkup(rule.id)}</code>`);
  const name = escapeMarkup(result.id);
  const rows = frames.map(
    ({ atMs, connection, arrow, text }) =>
      `<tr class="${arrow === "->" ? "sent" : arrow === "<-" ? "received" : "event"}"><td>${atMs.toFixed(1)}</td><td>${connection}</td><td>${escapeMarkup(arrow)}</td><td><code>${escapeMarkup(text)}</code></td></tr>`,
  );
  const { timeline } = failure;
  const steps = timeline === undefined ? failure.steps.map((step) => `<li>${escapeMarkup(step)}</li>`) : [];
  const diagram =
    timeline === undefined
      ? emitSequenceDiagram(failure.frames, `What happened in ${result.id}`)
      : emitTimelineSvg(timeline, `Who saw what in ${result.id}`);
  return `<article class="failure" id="${id}" aria-labelledby="${id}-title">
<h3 id="${id}-title"><a class="self" href="#${id}"><code>${name}</code></a> <span class="badge ${result.verdict}">${result.level}</span> <span class="badge plain">${steadiness(failure)}</span></h3>
<p>${escapeMarkup(result.title)}</p>
<blockquote><p>${escapeMarkup(failure.text) || "(no description)"}</p><footer><code>${escapeMarkup(failure.pointer)}</code>${failure.pointer.startsWith("#") ? ` in ${escapeMarkup(opening.title)}` : ""}</footer></blockquote>
<dl class="outcome"><div><dt>expected</dt><dd>${escapeMarkup(failure.expected)}</dd></div><div><dt>actual</dt><dd>${escapeMarkup(failure.actual)}</dd></div></dl>
${steps.length > 0 ? `<h4>The shortest sequence</h4><ol>${steps.join("")}</ol>` : ""}
${diagram === "" ? "" : `<div class="scroll" tabindex="0" role="region" aria-label="${timeline === undefined ? "Sequence diagram" : "Timeline"} of ${name}">${diagram}</div>`}
${rows.length === 0 ? "" : `<details><summary>The frames, ${rows.length} lines${omitted > 0 ? ` (${omitted} earlier ones omitted; the JSON report has them)` : ""}</summary><div class="scroll" tabindex="0" role="region" aria-label="Frames of ${name}"><table class="frames"><thead><tr><th scope="col">ms</th><th scope="col">connection</th><th scope="col"><span class="hidden">direction</span></th><th scope="col">frame</th></tr></thead><tbody>${rows.join("\n")}</tbody></table></div></details>`}
${more === 0 ? "" : `<p>And ${more} more with the same cause${others.length === 0 ? "." : `; it also fails ${others.join(", ")}.`}</p>`}
<p class="replay"><code>${escapeMarkup(failure.replay)}</code> <button type="button" hidden data-copy="${escapeMarkup(failure.replay)}">copy</button></p>
</article>`;
}
