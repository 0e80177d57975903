// A load run as one self-contained page: the verdict, the figures, plots, what was checked, how the generator did. No script, no request.
import { createHash } from "node:crypto";
import { type Capacity, capacitySentence, type LoadProbe } from "../../load/capacity.ts";
import { type Comparison, changeText, compareResults, ratioText } from "../../load/compare.ts";
import { bytesText, codesText, countText, msText, shareText } from "../../load/figures.ts";
import type { LoadResult } from "../../load/load-result.ts";
import { achievedPerSecond } from "../../load/thresholds.ts";
import { type LoadVerdict, loadVerdict } from "../../load/verdict.ts";
import { escapeMarkup } from "../escape.ts";
import { pageStyle } from "../html-style.ts";
import { loadStyle } from "./html-style.ts";
import { emitCapacityPlot, emitPercentilePlot, emitTimePlots } from "./result-plots.ts";
import { settingsOf } from "./terminal.ts";

export interface LoadPage {
  readonly result: LoadResult;
  /** What made it, without secrets. */
  readonly command: string;
  /** The sentences of failedThresholds. Default none. */
  readonly failed?: readonly string[];
  /** Of `--compare`. */
  readonly earlier?: { readonly file: string; readonly result: LoadResult };
  /** Of `--find-capacity`; the result is then the run that confirmed it, or the last one. */
  readonly capacity?: { readonly conditions: string; readonly found: Capacity<LoadProbe> };
}

export function emitLoadHtml(page: LoadPage): string {
  const { result, command, failed = [], earlier, capacity } = page;
  const verdict = loadVerdict(result, failed);
  const comparison = earlier === undefined ? undefined : compareResults(earlier.result, result);
  const style = `${pageStyle}${loadStyle}`;
  // Nothing but this style may act: no script, no image, no request to any host.
  const styleHash = createHash("sha256").update(style).digest("base64");
  const sections = [
    capacity === undefined ? "" : emitCapacity(capacity),
    comparison === undefined ? "" : emitComparison(comparison, earlier!.file),
    section("percentiles", "Latency by percentile", emitPercentilePlot(result, earlier?.result)),
    section("time", "Over time", `${emitTimePlots(result, earlier?.result)}${emitSeconds(result)}`),
    section("checked", "What was checked", emitChecked(result)),
    section("generator", "The generator", emitGenerator(result)),
    section("again", "Run it again", `<pre><code>${escapeMarkup(command)}</code></pre>`),
  ];
  return `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'sha256-${styleHash}'">
<title>${escapeMarkup(`${result.title}: ${capacity === undefined ? verdict.says : capacitySentence(capacity.found)}`)}</title>
<style>${style}</style>
</head>
<body>
<a class="skip" href="#percentiles">Skip to the plots</a>
<header>
<p class="tool">wsproof bench, scenario ${result.scenario}</p>
<h1>${escapeMarkup(result.title)}</h1>
${capacity === undefined ? "" : emitCapacityVerdict(capacity)}${emitVerdict(verdict, result)}
${emitFigures(result, comparison)}
</header>
<main>
${sections.filter((one) => one !== "").join("\n")}
</main>
</body>
</html>
`;
}

function section(id: string, title: string, content: string): string {
  return `<section aria-labelledby="${id}"><h2 id="${id}">${title}</h2>\n${content}\n</section>`;
}

function emitVerdict({ state, says, reasons }: LoadVerdict, result: LoadResult): string {
  const looks = { held: reasons.length > 0 ? "warn" : "pass", failed: "fail", wrong: "fail", invalid: "inconclusive" };
  const facts = {
    target: result.url,
    load: settingsOf(result).join(", "),
    counted: `a request is one ${result.unit}`,
    started: result.start,
  };
  return `<div class="verdict ${state === "nothing" ? "inconclusive" : looks[state]}"><p class="says">${escapeMarkup(says)}</p>
${emitList(reasons)}<dl>${emitTerms(facts)}</dl>
${result.notes.map((note) => `<p class="note">${escapeMarkup(note)}</p>`).join("")}</div>`;
}

function emitList(lines: readonly string[]): string {
  return lines.length === 0 ? "" : `<ul>${lines.map((one) => `<li>${escapeMarkup(one)}</li>`).join("")}</ul>\n`;
}

function emitTerms(terms: Readonly<Record<string, string>>): string {
  return Object.entries(terms)
    .map(([name, value]) => `<div><dt>${escapeMarkup(name)}</dt><dd>${escapeMarkup(value)}</dd></div>`)
    .join("");
}

/** The handful that a reader looks for first; under each what it was before. */
function emitFigures(result: LoadResult, comparison: Comparison | undefined): string {
  const { latency, deliveries, memory } = result;
  const perSecond = achievedPerSecond(result);
  const measured = latency.totalCount > 0;
  const figures: [name: string, value: string | undefined, bad?: boolean][] = [
    ["throughput per second", perSecond === undefined ? undefined : countText(perSecond)],
    ["latency p50", measured ? msText(latency.p50) : undefined],
    ["latency p99", measured ? msText(latency.p99) : undefined],
    ["latency p99.9", measured ? msText(latency.p99_9) : undefined],
    ["latency max", measured ? msText(latency.max) : undefined],
    ["lost", deliveries === undefined ? undefined : countText(deliveries.lost), (deliveries?.lost ?? 0) > 0],
    ["errors", countText(result.errors), result.errors > 0],
    ["memory per connection", memory === undefined ? undefined : bytesText(memory.perConnectionBytes)],
  ];
  const cards = figures.flatMap(([name, value, bad = false]) => {
    if (value === undefined) return [];
    const was = comparison?.metrics.find((one) => one.name === name);
    const before = was === undefined || was.before === "-" ? "" : `<dd class="was">${escapeMarkup(`was ${was.before}`)}</dd>`;
    return [`<div${bad ? ' class="bad"' : ""}><dt>${name}</dt><dd>${escapeMarkup(value)}</dd>${before}</div>`];
  });
  return `<dl class="figures">${cards.join("")}</dl>`;
}

function emitComparison({ metrics, notes }: Comparison, file: string): string {
  const rows = metrics.map(
    ({ name, before, after, beforeInterval, afterInterval, ratio, change }) =>
      `<tr><th scope="row">${name}</th>${cell(before, beforeInterval)}${cell(after, afterInterval)}<td class="number change">${ratio === undefined ? "" : ratioText(ratio)} <span class="badge ${change}">${changeText[change]}</span></td></tr>`,
  );
  function cell(value: string, interval: string | undefined): string {
    return `<td class="number">${escapeMarkup(interval === undefined ? value : `${value} (${interval})`)}</td>`;
  }
  return section(
    "comparison",
    "Comparison with the earlier run",
    `<p>Before: <code>${escapeMarkup(file)}</code>. A difference is named only beyond the noise of the slices of both runs (Mann-Whitney); in brackets the 95 % interval of their median.</p>
${emitList(notes)}<div class="scroll" tabindex="0" role="region" aria-label="Comparison"><table class="compared"><thead><tr><th scope="col">metric</th><th scope="col" class="number">before</th><th scope="col" class="number">after</th><th scope="col" class="number">ratio</th></tr></thead><tbody>${rows.join("\n")}</tbody></table></div>`,
  );
}

function emitCapacityVerdict({ conditions, found }: NonNullable<LoadPage["capacity"]>): string {
  const look = found.rate === undefined ? (found.end === "nothing" ? "fail" : "inconclusive") : "pass";
  return `<div class="verdict ${look}"><p class="says">${escapeMarkup(capacitySentence(found))}</p>
<p>The rate holds while <code>${escapeMarkup(conditions)}</code> and nothing is lost, refused or closed. Below: ${found.rate === undefined ? "the last run of the search" : "the run that confirmed it"}.</p></div>
`;
}

function emitCapacity({ found }: NonNullable<LoadPage["capacity"]>): string {
  const rows = found.steps.map(({ rate, purpose, probe: { result, holds, invalid, unmet } }) => {
    const [look, word] = invalid.length > 0 ? ["inconclusive", "invalid"] : holds ? ["pass", "holds"] : ["fail", "does not hold"];
    const why = [...invalid, ...unmet].map((one) => `<span class="why">${escapeMarkup(one)}</span>`).join("");
    const p99 = result.latency.totalCount > 0 ? msText(result.latency.p99) : "-";
    return `<tr><th scope="row" class="number">${countText(rate)}</th><td class="level">${purpose}</td><td class="number">${p99}</td><td><span class="badge ${look}">${word}</span>${why}</td></tr>`;
  });
  return section(
    "capacity",
    "Capacity",
    `${emitCapacityPlot(found)}
<div class="scroll" tabindex="0" role="region" aria-label="Runs of the search"><table class="compared"><thead><tr><th scope="col" class="number">per second</th><th scope="col" class="level">run to</th><th scope="col" class="number">p99</th><th scope="col">verdict</th></tr></thead><tbody>${rows.join("\n")}</tbody></table></div>`,
  );
}

/** The plots as a table, for screen readers. */
function emitSeconds({ series }: LoadResult): string {
  const ms = (value: number | undefined) => (value === undefined ? "-" : msText(value));
  const rows = series.map(
    ({ second, sent, done, errors, p50, p99, max }) =>
      `<tr><th scope="row" class="number">${second}</th>${[countText(sent), countText(done), ms(p50), ms(p99), ms(max), countText(errors)].map((cell) => `<td class="number">${cell}</td>`).join("")}</tr>`,
  );
  const heads = ["second", "sent", "done", "p50", "p99", "max", "errors"].map(
    (name) => `<th scope="col" class="number">${name}</th>`,
  );
  return `<details><summary>Second by second, ${rows.length === 1 ? "1 line" : `${rows.length} lines`}</summary><div class="scroll" tabindex="0" role="region" aria-label="Second by second"><table class="compared"><thead><tr>${heads.join("")}</tr></thead><tbody>${rows.join("\n")}</tbody></table></div></details>`;
}

function emitChecked({ sent, replied, deliveries, refused, closed, findings }: LoadResult): string {
  const { expected, received, lost, duplicated, disordered, unexpected } = deliveries ?? {};
  const delivered = Object.entries({ expected, received, lost, duplicated, disordered, unexpected }).flatMap(([name, count]) =>
    count === undefined ? [] : [[name, countText(count)]],
  );
  const terms = {
    sent: countText(sent),
    replied: countText(replied),
    ...Object.fromEntries(delivered),
    refused: codesText(refused),
    closed: codesText(closed),
  };
  const says =
    deliveries === undefined
      ? "This scenario counts replies; it has no deliveries to check."
      : "Every member must get every message exactly once and in order.";
  return `${emitList(findings?.lines ?? [])}<p>${says}</p><dl class="terms">${emitTerms(terms)}</dl>`;
}

function machineTerms(machine: LoadResult["machine"]): Readonly<Record<string, string>> {
  if (machine === undefined) return {};
  const { cpus, model, memoryBytes, node, loadBefore, loadAfter } = machine;
  return {
    machine: `${cpus} x ${model}, ${bytesText(memoryBytes)}, Node ${node}`,
    "load average": `${loadBefore.toFixed(1)} before, ${loadAfter.toFixed(1)} after`,
  };
}

function emitGenerator({ generator: { lag, busy, checking, cpuSeconds }, invalid, machine }: LoadResult): string {
  const trust =
    invalid.length === 0
      ? "The generator kept up, so the figures above are the server's."
      : "The generator did not keep up: the figures above are not the server's.";
  return `<p>Latency counts from the time a send was due, not from when it was sent. ${trust}</p>
<dl class="terms">${emitTerms({
    lag: `${msText(lag.p50)} at p50, ${msText(lag.p99)} at p99, ${msText(lag.max)} at most`,
    busy: `${shareText(busy)} of the time`,
    ...machineTerms(machine),
    verifying: `${shareText(checking)} of generator CPU`,
    CPU: `${cpuSeconds.toFixed(1)} s`,
  })}</dl>`;
}
