/** Style of a pipeline's report, after that of the page: sections, tables of bars, colours of four series. */
export const reportStyle = `
:root { --c2: #2e8b57; --c3: #8a5cc2; --good: #1d7a46; --bad: #b3261e; --shade: #f4f6f8; }
@media (prefers-color-scheme: dark) {
  :root { --c2: #63c48c; --c3: #b795e8; --good: #6fd39b; --bad: #ff8a80; --shade: #1d2126; }
}
body { max-width: 72rem; line-height: 1.5; word-break: keep-all; overflow-wrap: break-word; }
a { color: inherit; text-decoration-color: var(--muted); text-underline-offset: 0.15em; }
h2 { font-size: 1.2rem; margin: 0 0 0.5rem; } h3 { font-size: 1rem; margin: 1.25rem 0 0.4rem; } figcaption > * { margin: 0; } h4 { font-size: 0.93rem; margin: 0; }
main > section { margin-top: 2.5rem; padding-top: 1.5rem; border-top: 1px solid var(--line); }
.outcome { font-size: 1.15rem; margin: 0 0 1rem; padding: 0.75rem 1rem; background: var(--shade); border-left: 4px solid var(--muted); }
.outcome.good { border-color: var(--good); } .outcome.bad { border-color: var(--bad); }
.notice { color: var(--muted); } .bad { color: var(--bad); } .good { color: var(--good); } small { color: var(--muted); font-size: 0.87em; }
nav { display: flex; flex-wrap: wrap; gap: 0.25rem 1rem; margin-top: 1rem; }
.charts { grid-template-columns: repeat(auto-fill, minmax(min(100%, 26rem), 1fr)); margin: 1.25rem 0; }
.charts:empty { display: none; }
.wide { overflow-x: auto; }
.facts { width: auto; } .facts th { padding-right: 1.5rem; white-space: normal; }
.data { max-width: none; } .data thead th { border-bottom-color: var(--muted); } .data th { white-space: normal; }
.data .number { text-align: right; white-space: nowrap; } .data td, .data th { overflow-wrap: break-word; } .data td:not(.number) { min-width: 4rem; }
.data code { white-space: nowrap; font-size: 0.87em; } .data code.long { white-space: normal; overflow-wrap: anywhere; }
.bars { max-width: none; table-layout: auto; } .bars th, .bars td { border: 0; padding: 0.1rem 0.75rem 0.1rem 0; vertical-align: middle; white-space: nowrap; }
.bars th { width: 1%; color: var(--text); }
.bars th span { display: inline-block; width: max-content; max-width: clamp(5rem, 26vw, 10rem); white-space: normal; overflow-wrap: break-word; }
.bars td.value { width: 1%; padding: 0 0 0 0.75rem; } .bars td.value b { font-weight: 600; } .bars td.count { text-align: right; }
.bars td.bar { padding: 0; min-width: 5rem; height: 18px; } .bars td.bar svg { height: 18px; }
.bars tbody + tbody tr:first-child > * { padding-top: 0.3rem; } .bars tbody + tbody tr:first-child td.bar { padding-top: 0; }
.timeline tr.left-out, .timeline tr.pending { color: var(--muted); } .timeline tr.failed .value, .timeline tr.rejected .value { color: var(--bad); }
.hidden { position: absolute; width: 1px; height: 1px; overflow: hidden; clip-path: inset(50%); }
svg text { fill: var(--muted); font-size: 12px; }
.plot { display: flex; } .plot svg { height: 210px; } .plot .gutter { flex: 0 0 3rem; width: 3rem; } .plot .area { flex: 1 1 0; min-width: 0; }
.square svg { max-width: 312px; }
.fill.c0, .dot.c0 { fill: var(--c0); } .fill.c1, .dot.c1 { fill: var(--c1); } .fill.c2, .dot.c2 { fill: var(--c2); } .fill.c3, .dot.c3 { fill: var(--c3); }
.line.c2 { stroke: var(--c2); } .line.c3 { stroke: var(--c3); } .dot { fill-opacity: 0.75; }
.key i.c2 { background: var(--c2); } .key i.c3 { background: var(--c3); } .key i.mark { background: none; border-top: 2px dashed var(--muted); }
.whisker { stroke: var(--text); stroke-width: 1.5; } .mark { stroke: var(--muted); stroke-width: 1.5; stroke-dasharray: 4 3; }
.hollow { fill: var(--page); stroke: var(--muted); stroke-width: 1.75; }
.command { background: var(--shade); padding: 0.6rem 0.8rem; margin: 0.5rem 0; white-space: pre-wrap; overflow-wrap: anywhere; }
section details { margin-top: 0.5rem; } .again { margin-top: 1rem; } .pair { display: grid; grid-template-columns: repeat(auto-fit, minmax(min(100%, 20rem), 1fr)); gap: 0.5rem 1.5rem; margin: 0.75rem 0; }
.pair blockquote { margin: 0; padding: 0.4rem 0.8rem; border-left: 3px solid var(--line); white-space: pre-wrap; overflow-wrap: anywhere; }
@media (max-width: 34rem) { .data td:not(.number) { min-width: 7rem; } body { padding: 0 0.9rem; margin: 1.25rem auto; } .bars td.value small { display: block; } .plot svg text, .bars svg text, .square svg text { font-size: 12px; } }
@media print { :root { font-size: 11px; } body { font-size: 1rem; margin: 0; max-width: none; } svg text { font-size: 9px; } .bars td.value { padding-left: 0.5rem; } .bars td.value small { font-size: 0.8em; } .charts { grid-template-columns: minmax(0, 1fr) minmax(0, 1fr); } main > section { break-before: auto; } details::details-content { content-visibility: visible; block-size: auto; } nav { display: none; } h2, h3 { break-after: avoid; } }
`;
