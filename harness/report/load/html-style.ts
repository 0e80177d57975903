// What the page of a load run has beyond the look of the report: figures, plots, two runs beside each other.

export const loadStyle = `
.figures { grid-template-columns: repeat(auto-fill, minmax(9rem, 1fr)); gap: 0.75rem; margin: 1rem 0; }
.figures > div { display: flex; flex-direction: column; gap: 0; padding: 0.7rem 0.8rem; background: var(--card); border: 1px solid var(--line); border-radius: 8px; }
.figures dt { order: 1; font-size: 0.85rem; line-height: 1.3; }
.figures dd { font-size: 1.3rem; font-weight: 700; line-height: 1.3; letter-spacing: -0.01em; white-space: nowrap; }
.figures .was { order: 2; font-size: 0.8rem; font-weight: 400; letter-spacing: 0; color: var(--soft); }
.figures .bad dt + dd { color: var(--fail); }
.terms > div { grid-template-columns: 7rem 1fr; }
.verdict.warn { border-left-color: var(--warn); }
.verdict ul { margin: 0.4rem 0; padding-left: 1.2rem; }
.badge.better { color: var(--pass); background: var(--pass-back); }
.badge.worse { color: var(--fail); background: var(--fail-back); }
td.number, th.number { text-align: right; font-variant-numeric: tabular-nums; white-space: nowrap; }
.change .badge { min-width: 5rem; margin-left: 0.5rem; text-align: center; }
.chart { margin: 1rem 0; padding: 0.9rem 1.25rem 0; background: var(--card); border: 1px solid var(--line); border-radius: 8px; }
.chart figcaption { display: flex; flex-wrap: wrap; justify-content: space-between; gap: 0.25rem 1.5rem; }
.chart b { font-weight: 650; }
.frame { padding: 1rem 1.25rem 3rem 4.25rem; }
.legend { display: flex; flex-wrap: wrap; gap: 0.15rem 1.1rem; margin: 0; padding: 0; list-style: none; color: var(--soft); font-size: 0.88rem; }
.legend li { display: flex; align-items: center; gap: 0.45rem; }
svg.plot { overflow: visible; font-size: 11.5px; }
svg.plot text { fill: var(--soft); }
svg .grid { stroke: var(--line); }
svg .line { fill: none; stroke-width: 2; stroke-linejoin: round; }
svg .dashed { stroke-dasharray: 6 4; stroke-width: 1.75; opacity: 0.85; }
svg .main { --tone: var(--link); } svg .second { --tone: var(--warn); } svg .third { --tone: var(--unsure); } svg .earlier { --tone: var(--soft); }
svg .good { --tone: var(--pass); } svg .bad { --tone: var(--fail); }
svg .line { stroke: var(--tone); }
svg .dot { fill: var(--tone); }
svg .touch { fill: transparent; }
svg .touch:hover { fill: var(--ink); fill-opacity: 0.35; }
svg .bar { fill: var(--fail); }
pre { margin: 0.5rem 0; padding: 0.6rem 0.9rem; background: var(--none-back); border-radius: 6px; white-space: pre-wrap; overflow-wrap: anywhere; }
@media (max-width: 640px) {
  .chart { padding: 0.75rem 0.75rem 0; }
  .frame { padding: 1rem 0.75rem 3rem 3.75rem; }
  .fine text { display: none; }
  .figures > div { padding: 0.55rem 0.8rem; }
  .compared tbody th { width: auto; }
  .compared th, .compared td { padding: 0.4rem; }
  .compared .change { white-space: normal; }
}
@media print { .chart, .figures > div { break-inside: avoid; } }
`;
