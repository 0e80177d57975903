// The page's look: the colours of the report, light and dark, from 360 px up, on paper as well.

const light = `
  --back: #fbfbfa; --card: #ffffff; --ink: #1c2024; --soft: #5b6570; --line: #dfe3e7; --link: #0b57b8; --tint: #eef4fc;
  --green: #14733b; --red: #b3201f; --amber: #8a5a00; --violet: #7d3ca5; --green-back: #e3f4e8; --red-back: #fde8e6;
  --amber-back: #fdf1d8; --violet-back: #f3e6fa; --blue-back: #e3eefc; --none-back: #eef0f2; --code: #f6f7f8;`;
const dark = `
  --back: #121518; --card: #1a1e22; --ink: #e7eaed; --soft: #a2acb6; --line: #333a41; --link: #84b8ff; --tint: #1a2735;
  --green: #7ddb9d; --red: #ff9a92; --amber: #f3c969; --violet: #d9a9f5; --green-back: #16321f; --red-back: #441b19;
  --amber-back: #3a2d0d; --violet-back: #33203f; --blue-back: #16304e; --none-back: #2a3037; --code: #15191c;`;

export const pageStyle = `
:root { color-scheme: light; ${light} }
@media (prefers-color-scheme: dark) { :root:not([data-theme="light"]) { color-scheme: dark; ${dark} } }
:root[data-theme="dark"] { color-scheme: dark; ${dark} }
* { box-sizing: border-box; }
[hidden] { display: none !important; }
html { scroll-padding-top: 4.5rem; }
body { margin: 0; background: var(--back); color: var(--ink); font: 16px/1.6 system-ui, "Segoe UI", Roboto, sans-serif; }
a { color: var(--link); text-decoration-thickness: 1px; text-underline-offset: 3px; }
a:has(> code) { text-decoration: none; }
a:has(> code):hover { text-decoration: underline; }
code, pre { font-family: ui-monospace, "SFMono-Regular", Menlo, Consolas, monospace; font-size: 0.875em; overflow-wrap: anywhere; }
:focus-visible { outline: 3px solid var(--link); outline-offset: 2px; border-radius: 4px; }
main:focus { outline: 0; }
.unseen { position: absolute; width: 1px; height: 1px; overflow: hidden; clip-path: inset(50%); }
.skip { position: absolute; left: -99rem; z-index: 9; background: var(--card); padding: 0.5rem 1rem; }
.skip:focus { left: 1rem; top: 0.5rem; }
.soft { color: var(--soft); }
button { font: inherit; font-size: 0.8rem; padding: 0.2rem 0.75rem; border: 1px solid var(--line); border-radius: 7px; background: var(--card); color: var(--ink); cursor: pointer; }
button:hover { border-color: var(--soft); }

.bar { position: sticky; top: 0; z-index: 5; display: flex; gap: 0.5rem; align-items: center; height: 3.5rem; padding: 0 1.25rem; background: var(--back); border-bottom: 1px solid var(--line); }
.brand { margin-right: auto; min-width: 0; overflow: hidden; white-space: nowrap; text-overflow: ellipsis; color: var(--ink); font-weight: 700; text-decoration: none; letter-spacing: -0.01em; }
.brand::before { content: ""; display: inline-block; width: 0.7rem; height: 0.7rem; margin-right: 0.6rem; border-radius: 50% 50% 50% 0; background: linear-gradient(135deg, var(--link) 50%, var(--green) 50%); }
#menu { display: none; }
nav { position: fixed; top: 3.5rem; bottom: 0; width: 17rem; overflow-y: auto; padding: 1.25rem 0.75rem 3rem 1.25rem; border-right: 1px solid var(--line); }
nav ul { list-style: none; margin: 0 0 1.1rem; padding: 0; }
nav a { display: block; padding: 0.16rem 0.6rem; border-left: 2px solid transparent; color: var(--soft); text-decoration: none; font-size: 0.88rem; overflow-wrap: anywhere; }
nav a:hover { color: var(--ink); }
nav .head a { color: var(--ink); font-weight: 650; }
nav .here a { color: var(--link); border-color: var(--link); background: var(--tint); border-radius: 0 6px 6px 0; }
nav .deep { display: none; }
nav.searching .deep:not([hidden]) { display: block; }
nav.searching ul { margin: 0; }
nav small { display: block; font-size: 0.75rem; font-weight: 400; color: var(--soft); }
#finder { position: sticky; top: -1.25rem; margin: -1.25rem 0 0.75rem; padding: 1.25rem 0 0.25rem; background: var(--back); z-index: 1; }
#search { width: 100%; padding: 0.5rem 0.75rem; font: inherit; font-size: 0.9rem; color: var(--ink); background: var(--card); border: 1px solid var(--line); border-radius: 8px; }
#found { margin: 0.25rem 0.6rem 0; font-size: 0.8rem; min-height: 1.2rem; }

main { margin-left: 17rem; padding: 2.5rem clamp(1.25rem, 4vw, 3.5rem) 5rem; max-width: 82rem; }
.hero { padding-bottom: 1.5rem; }
.eyebrow { margin: 0; color: var(--link); font-size: 0.8rem; font-weight: 650; letter-spacing: 0.08em; text-transform: uppercase; overflow-wrap: anywhere; }
h1 { margin: 0.25rem 0 0.5rem; font-size: clamp(2.1rem, 5vw, 3.2rem); line-height: 1.1; letter-spacing: -0.03em; overflow-wrap: anywhere; }
.version { font-size: 0.9rem; font-weight: 500; letter-spacing: 0; padding: 0.2rem 0.6rem; border-radius: 99px; background: var(--none-back); color: var(--soft); vertical-align: middle; }
.lead { max-width: 46rem; }
.lead p { margin: 0.4rem 0; overflow-wrap: anywhere; }
.lead pre { margin: 0.5rem 0; background: var(--code); border: 1px solid var(--line); border-radius: 8px; }
.hero .lead { font-size: 1.08rem; }
.facts { display: flex; flex-wrap: wrap; gap: 0.75rem; margin: 1.5rem 0 0; }
.facts div { flex: 1 1 8rem; max-width: 13rem; padding: 0.8rem 1rem; background: var(--card); border: 1px solid var(--line); border-radius: 12px; display: flex; flex-direction: column-reverse; justify-content: flex-end; }
.facts dd { margin: 0; font-size: 1.6rem; font-weight: 700; letter-spacing: -0.02em; line-height: 1.2; }
.facts dt { color: var(--soft); font-size: 0.85rem; }
.unsaid { max-width: 46rem; margin: 1.25rem 0 0; padding: 0.6rem 1rem; border-left: 3px solid var(--amber); background: var(--amber-back); border-radius: 0 8px 8px 0; font-size: 0.92rem; }
h2 { margin: 3.5rem 0 0.5rem; padding-top: 1.5rem; border-top: 1px solid var(--line); font-size: 1.75rem; line-height: 1.2; letter-spacing: -0.02em; }
h3 { margin: 0 0 0.25rem; font-size: 1.2rem; line-height: 1.3; }
h2, h3 { overflow-wrap: anywhere; }
h3 code { font-size: 1em; }
h4, h5 { margin: 0.75rem 0 0.25rem; font-size: 0.85rem; color: var(--soft); font-weight: 650; }
.self { color: inherit; text-decoration: none; }
.self:hover::after { content: " #"; color: var(--soft); }
.link { margin-left: 0.5rem; opacity: 0; font-weight: 400; letter-spacing: 0; vertical-align: middle; }
:is(h2, h3):hover > .link, .link:focus-visible { opacity: 1; }
@media (hover: none) { .link { opacity: 1; } }
.console { max-width: 46rem; margin-top: 0.75rem; }
.console p { margin: 0.5rem 0; }
.console label { display: block; color: var(--soft); font-size: 0.85rem; }
.console :is(input, select, textarea) { width: 100%; padding: 0.4rem 0.6rem; font: inherit; font-size: 0.9rem; color: var(--ink); background: var(--back); border: 1px solid var(--line); border-radius: 8px; }
.console textarea { font-family: ui-monospace, Menlo, Consolas, monospace; font-size: 0.83rem; }
button:disabled { opacity: 0.55; cursor: default; }
.log { max-height: 26rem; overflow-y: auto; }
.log > div { padding: 0.4rem 0; border-top: 1px solid var(--line); font-size: 0.83rem; }
.log .out b { color: var(--link); } .log .in b { color: var(--green); } .log .note b { color: var(--soft); }
.log pre { padding: 0.1rem 0; white-space: pre-wrap; overflow-wrap: anywhere; }
.source pre { max-height: 40rem; overflow: auto; background: var(--code); border: 1px solid var(--line); border-radius: 8px; }
.home { color: var(--link); font-size: 0.9rem; }
.level-3 { margin: 1.25rem 0; padding: 1.25rem 1.4rem; background: var(--card); border: 1px solid var(--line); border-radius: 14px; }
.level-3:target { border-color: var(--link); box-shadow: 0 0 0 1px var(--link); }
.level-3 p, .level-3 li { overflow-wrap: anywhere; }
.address { color: var(--soft); }
.address code { color: var(--ink); background: var(--none-back); padding: 0.2rem 0.5rem; border-radius: 6px; }
ol, ul { padding-left: 1.3rem; margin: 0.25rem 0 0.75rem; }
.pair { display: grid; grid-template-columns: minmax(0, 1.25fr) minmax(0, 1fr); gap: 1.5rem; margin-top: 0.75rem; }
.pair.alone { grid-template-columns: minmax(0, 1fr); }
.flow { grid-template-columns: minmax(0, auto) minmax(15rem, 1fr); }
.flow > div:last-child { font-size: 0.92rem; }
.snippets { display: grid; grid-template-columns: repeat(auto-fit, minmax(min(100%, 34rem), 1fr)); gap: 1rem; margin-top: 0.75rem; }
.snippet { margin: 0 0 0.75rem; border: 1px solid var(--line); border-radius: 10px; overflow: hidden; background: var(--code); min-width: 0; }
.snippets .snippet { margin: 0; }
figcaption { display: flex; justify-content: space-between; align-items: center; gap: 0.5rem; padding: 0.35rem 0.5rem 0.35rem 0.9rem; min-height: 2.3rem; border-bottom: 1px solid var(--line); color: var(--soft); font-size: 0.83rem; }
pre { margin: 0; padding: 0.8rem 0.9rem; overflow-x: auto; line-height: 1.55; font-size: 0.9rem; }
pre code { overflow-wrap: normal; }
.k { color: var(--link); } .s { color: var(--green); } .n { color: var(--violet); }

.fields { list-style: none; margin: 0; padding: 0; font-size: 0.92rem; }
.fields > li { padding: 0.6rem 0; border-top: 1px solid var(--line); }
.fields > li:first-child { border-top: 0; }
.fields p { margin: 0; }
.field code { font-weight: 600; }
.field .type { color: var(--soft); font-size: 0.8rem; margin: 0 0.35rem; overflow-wrap: anywhere; }
.fields details { margin-top: 0.35rem; }
.fields summary { color: var(--soft); font-size: 0.8rem; cursor: pointer; width: max-content; max-width: 100%; padding: 0 0.3rem; margin-left: -0.3rem; border-radius: 5px; }
.fields .fields { margin-left: 0.1rem; padding-left: 0.85rem; border-left: 2px solid var(--line); }
.required, .optional { font-size: 0.75rem; font-weight: 600; color: var(--amber); margin-right: 0.2rem; }
.optional { color: var(--soft); font-weight: 400; }
.fields .bounds, .fields .values { margin: 0.15rem 0 0; color: var(--soft); font-size: 0.83rem; overflow-wrap: anywhere; }
.values code { display: inline-block; margin: 0.1rem 0; padding: 0 0.35rem; border-radius: 5px; background: var(--none-back); }
.scroll { overflow-x: auto; margin: 0.75rem 0; }
.grid { width: 100%; border-collapse: collapse; font-size: 0.92rem; }
.grid th, .grid td { text-align: left; vertical-align: top; padding: 0.55rem 1rem 0.55rem 0; border-top: 1px solid var(--line); font-weight: 400; }
.chip code { white-space: nowrap; }
.chip { max-width: 100%; } .chip code { overflow: hidden; text-overflow: ellipsis; }
.grid th code { overflow-wrap: break-word; }
.grid thead th { border-top: 0; color: var(--soft); font-size: 0.82rem; }
.grid tr:target { background: var(--tint); }
.number { font-weight: 700; font-size: 1rem; }
.chip { display: inline-block; padding: 0 0.5rem; border-radius: 99px; background: var(--none-back); color: var(--ink); font-size: 0.85rem; }
.chip.refused { background: var(--red-back); color: var(--red); }
.class { display: inline-block; padding: 0 0.55rem; border-radius: 99px; font-size: 0.78rem; font-weight: 650; white-space: nowrap; background: var(--none-back); color: var(--soft); }
.class.stop { background: var(--red-back); color: var(--red); }
.class.back-off { background: var(--amber-back); color: var(--amber); }
.class.at-once, .class.rejoin { background: var(--green-back); color: var(--green); }
.class.spread { background: var(--blue-back); color: var(--link); }
.class.fresh-token { background: var(--violet-back); color: var(--violet); }

.drawing { margin: 0; }
svg { display: block; max-width: none; font: 12.5px ui-monospace, Menlo, Consolas, monospace; }
svg text { fill: var(--ink); }
svg a text { text-decoration: underline; text-decoration-color: var(--line); text-underline-offset: 3px; }
.life { stroke: var(--line); stroke-width: 1.5; }
.party rect { fill: var(--none-back); } .party text { font: 600 13px system-ui, sans-serif; }
.sent line, .received line, svg .refused line { stroke-width: 1.75; }
.sent line { stroke: var(--link); } .sent path { fill: var(--link); }
.received line { stroke: var(--green); } .received path { fill: var(--green); }
svg .refused line { stroke: var(--red); stroke-dasharray: 5 4; } svg .refused path, svg .code { fill: var(--red); }
.box rect { fill: none; stroke: var(--line); } .box text { fill: var(--soft); font: 600 11.5px system-ui, sans-serif; }
.box.no rect { stroke: var(--red-back); fill: var(--red-back); fill-opacity: 0.35; } .box.no text { fill: var(--red); }
.box.yes rect { stroke: var(--green-back); fill: var(--green-back); fill-opacity: 0.35; } .box.yes text { fill: var(--green); }
.life-of a { text-decoration: underline; text-decoration-color: var(--line); text-underline-offset: 3px; }
.life-of .party text { font-size: 13px; }
.life-of .standing { font-weight: 700; }
.life-of .aside { fill: var(--soft); font: 12px system-ui, sans-serif; }
.life-of .class text { font: 650 11.5px system-ui, sans-serif; }
.life-of .stop rect { fill: var(--red-back); } .life-of .stop text { fill: var(--red); }
.life-of .back-off rect { fill: var(--amber-back); } .life-of .back-off text { fill: var(--amber); }
.life-of :is(.at-once, .rejoin) rect { fill: var(--green-back); } .life-of :is(.at-once, .rejoin) text { fill: var(--green); }
.life-of .spread rect { fill: var(--blue-back); } .life-of .spread text { fill: var(--link); }
.life-of .fresh-token rect { fill: var(--violet-back); } .life-of .fresh-token text { fill: var(--violet); }
.last rect { fill: var(--card); stroke: var(--line); } .last.early rect { stroke: var(--red); stroke-dasharray: 3 3; }
.way { fill: none; stroke: var(--soft); stroke-width: 1.75; } .tip, .end { fill: var(--soft); }
.bare { list-style: none; padding: 0; } .bare li { margin: 0.3rem 0; }
.change rect { fill: var(--card); stroke: var(--line); } .change text { fill: var(--soft); }
footer { margin-top: 4rem; font-size: 0.85rem; }

@media (max-width: 1150px) { .pair, .flow { grid-template-columns: minmax(0, 1fr); gap: 0.5rem; } }
@media (max-width: 800px) {
  .bar { padding: 0 1rem; }
  .drawing svg { width: 100%; height: auto; min-width: 20.5rem; }
  .drawing .life-of { max-width: 26rem; min-width: 18rem; }
  .scripted #menu { display: block; }
  nav { position: static; width: auto; border: 0; border-bottom: 1px solid var(--line); }
  .scripted nav { display: none; }
  .scripted nav.open { display: block; position: fixed; inset: 3.5rem 0 0; z-index: 4; background: var(--back); }
  main { margin: 0; padding: 1.5rem 1rem 4rem; }
  .level-3 { padding: 1rem; border-radius: 12px; }
  .facts div { flex-basis: 42%; max-width: none; padding: 0.6rem 0.8rem; }
  .grid, .grid tbody, .grid tr, .grid th, .grid td { display: block; width: auto; }
  .grid thead { display: none; }
  .grid tr { padding: 0.6rem 0; border-top: 1px solid var(--line); }
  .grid th, .grid td { border: 0; padding: 0.1rem 0; }
  .grid td.empty { display: none; }
  .grid td::before { content: attr(data-label) " "; color: var(--soft); font-size: 0.8rem; margin-right: 0.35rem; }
}
@media print {
  :root { ${light} }
  .bar, nav, button { display: none !important; }
  main { margin: 0; padding: 0; max-width: none; }
  .level-3, .snippet, tr { break-inside: avoid; }
  pre { white-space: pre-wrap; } .scroll { overflow: visible; }
}
`;
