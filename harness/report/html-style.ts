// The look of the HTML report: light and dark, from 400 px up, readable without colour.

export const pageStyle = `
:root {
  --back: #fbfbfa; --card: #fff; --ink: #1c2024; --soft: #5b6570; --line: #d9dde1; --link: #0b57b8;
  --pass: #14733b; --fail: #b3201f; --warn: #8a5a00; --unsure: #7d3ca5; --none: #5b6570;
  --pass-back: #e3f4e8; --fail-back: #fde8e6; --warn-back: #fdf1d8; --unsure-back: #f3e6fa; --none-back: #eef0f2;
}
@media (prefers-color-scheme: dark) {
  :root {
    --back: #14171a; --card: #1c2024; --ink: #e7eaed; --soft: #a2acb6; --line: #363d44; --link: #84b8ff;
    --pass: #7ddb9d; --fail: #ff9a92; --warn: #f3c969; --unsure: #d9a9f5; --none: #a2acb6;
    --pass-back: #16321f; --fail-back: #441b19; --warn-back: #3a2d0d; --unsure-back: #33203f; --none-back: #2a3037;
  }
}
* { box-sizing: border-box; }
body { margin: 0 auto; padding: 1.5rem 1rem 4rem; max-width: 72rem; background: var(--back); color: var(--ink); font: 16px/1.5 system-ui, sans-serif; }
h1 { overflow-wrap: anywhere; margin: 0 0 1rem; font-size: 1.8rem; line-height: 1.2; }
h2 { margin: 2.5rem 0 1rem; font-size: 1.35rem; }
h3 { margin: 1.5rem 0 0.5rem; font-size: 1.05rem; overflow-wrap: anywhere; }
h4 { margin: 1rem 0 0.25rem; font-size: 0.95rem; }
p { margin: 0.25rem 0; }
p, li, dd, summary, footer { overflow-wrap: anywhere; }
a { color: var(--link); }
code { font: 0.88em/1.45 ui-monospace, "SFMono-Regular", Menlo, Consolas, monospace; overflow-wrap: anywhere; }
:focus-visible { outline: 3px solid var(--link); outline-offset: 2px; border-radius: 4px; }
.skip { position: absolute; left: -999rem; }
.skip:focus { left: 1rem; top: 0.5rem; background: var(--card); padding: 0.5rem 1rem; }
.hidden { position: absolute; width: 1px; height: 1px; overflow: hidden; clip-path: inset(50%); }
.tool { color: var(--soft); letter-spacing: 0.04em; }
.verdict, .failure { background: var(--card); border: 1px solid var(--line); border-left: 6px solid var(--none); border-radius: 8px; padding: 1rem 1.25rem; margin: 0 0 1rem; }
.verdict.pass { border-left-color: var(--pass); }
.verdict.fail, .failure { border-left-color: var(--fail); }
.verdict.inconclusive { border-left-color: var(--unsure); }
.says { font-size: 1.15rem; font-weight: 650; overflow-wrap: anywhere; }
.counts { display: flex; flex-wrap: wrap; gap: 0.4rem; margin: 0.6rem 0; }
dl { margin: 0.75rem 0 0; display: grid; gap: 0.15rem 1.5rem; }
dl > div { display: grid; grid-template-columns: 6rem 1fr; gap: 0.5rem; }
dt { color: var(--soft); }
dd { margin: 0; overflow-wrap: anywhere; }
.badge { display: inline-block; padding: 0.05rem 0.55rem; border-radius: 999px; font-size: 0.82rem; font-weight: 600; white-space: nowrap; color: var(--none); background: var(--none-back); }
.badge.pass { color: var(--pass); background: var(--pass-back); }
.badge.fail, .badge.not-testable { color: var(--fail); background: var(--fail-back); }
.badge.warn { color: var(--warn); background: var(--warn-back); }
.badge.inconclusive { color: var(--unsure); background: var(--unsure-back); }
table { width: 100%; border-collapse: collapse; background: var(--card); border: 1px solid var(--line); border-radius: 8px; }
th, td { text-align: left; vertical-align: top; padding: 0.45rem 0.75rem; border-top: 1px solid var(--line); font-weight: 400; }
thead th { border-top: 0; color: var(--soft); font-size: 0.85rem; }
.title, .why { display: block; color: var(--soft); font-size: 0.9rem; overflow-wrap: anywhere; }
.note { color: var(--soft); font-size: 0.9rem; }
.level { color: var(--soft); font-size: 0.85rem; }
blockquote { margin: 0.75rem 0; padding: 0.25rem 0 0.25rem 1rem; border-left: 3px solid var(--line); }
blockquote footer { color: var(--soft); font-size: 0.9rem; }
.failure > h3 { margin-top: 0; }
.outcome dt { font-weight: 600; }
.scroll { overflow-x: auto; margin: 0.75rem 0; border: 1px solid var(--line); border-radius: 6px; }
.scroll table { border: 0; }
svg { display: block; max-width: none; color: var(--ink); font: 12px ui-monospace, Menlo, Consolas, monospace; }
svg text { fill: currentColor; }
svg .label { paint-order: stroke; stroke: var(--card); stroke-width: 4px; }
svg .name { font-weight: 700; }
svg .time { fill: var(--soft); }
svg .life { stroke: var(--line); stroke-width: 1.5; }
svg .event { fill: var(--soft); }
svg .sent line, svg .sent polygon { stroke: var(--link); fill: var(--link); }
svg .received line, svg .received polygon { stroke: var(--pass); fill: var(--pass); }
svg .received line { stroke-dasharray: 5 3; }
summary { cursor: pointer; padding: 0.25rem 0; color: var(--link); }
.frames td { font-size: 0.9rem; white-space: nowrap; }
.frames td:last-child { white-space: normal; min-width: 20rem; }
.replay { margin-top: 0.75rem; }
.replay { display: flex; flex-wrap: wrap; align-items: center; gap: 0.5rem; }
.replay code { background: var(--none-back); padding: 0.2rem 0.45rem; border-radius: 4px; }
button { font: inherit; font-size: 0.85rem; padding: 0.15rem 0.7rem; border: 1px solid var(--line); border-radius: 6px; background: var(--card); color: var(--ink); cursor: pointer; }
@media (max-width: 640px) {
  body { padding: 1rem 0.75rem 3rem; font-size: 15px; }
  thead .level, tbody td.level { display: none; }
  th, td { padding: 0.45rem 0.5rem; }
  tbody th { width: 68%; }
  .verdict, .failure { padding: 0.75rem 0.9rem; }
  dl > div { grid-template-columns: 5rem 1fr; }
}
.find { position: sticky; top: 0; z-index: 1; display: flex; flex-wrap: wrap; gap: 0.5rem 1rem; align-items: center; padding: 0.6rem 0; background: var(--back); border-bottom: 1px solid var(--line); }
.find[hidden] { display: none; }
.find input, .find select { font: inherit; padding: 0.25rem 0.5rem; color: var(--ink); background: var(--card); border: 1px solid var(--soft); border-radius: 6px; max-width: 100%; }
kbd { font: 0.85em ui-monospace, Menlo, Consolas, monospace; border: 1px solid var(--line); border-radius: 4px; padding: 0 0.3em; }
.causes li { margin: 0.35rem 0; overflow-wrap: anywhere; }
.self { color: inherit; text-decoration: none; }
.self:hover, .self:focus { text-decoration: underline; }
.failure, h2, h3 { scroll-margin-top: 5rem; }
.failure:target { outline: 3px solid var(--link); outline-offset: 2px; }
svg .fault { fill: var(--fail-back); stroke: var(--fail); stroke-width: 1; }
svg .harm { fill: var(--fail); font-weight: 700; }
@media (max-width: 640px) { .keys { display: none; } .find input { width: 11rem; } }
@media print {
  body { max-width: none; padding: 0; font-size: 9pt; background: #fff; color: #000; }
  .find, .skip, .replay button, details, tbody .title, tbody .why, tr[data-verdict="not-applicable"] { display: none; }
  .causes li:nth-child(n + 41) { display: none; }
  .scroll { overflow: hidden; max-height: 7cm; }
  .scroll svg { max-width: 100%; height: auto; max-height: 7cm; }
  .failure { break-inside: avoid; padding: 0.3rem 0.6rem; margin: 0 0 0.4rem; }
  .failure:nth-of-type(n + 5) { display: none; }
  .phase { break-inside: auto; columns: 2; column-gap: 1rem; }
  .phase h3, .phase thead, .phase .note { column-span: all; }
  th, td { padding: 0.05rem 0.3rem; font-size: 7.5pt; border: 0; }
  .badge { padding: 0 0.3rem; font-size: 7pt; background: none; }
}
`;
