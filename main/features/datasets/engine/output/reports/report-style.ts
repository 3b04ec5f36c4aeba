/** Style sheet of the HTML report; no colour outside the two palettes, and a plain one for paper. */
export const reportStyle = `
:root { color-scheme: light dark; --text: #1d1f23; --dim: #5b6068; --line: #d9dce1; --panel: #f6f7f9; --page: #ffffff;
  --error: #b3261e; --warning: #8a5a00; --info: #2f5fb3; }
@media (prefers-color-scheme: dark) {
  :root { --text: #e6e7ea; --dim: #a3a8b1; --line: #3a3e46; --panel: #23262c; --page: #191b1f;
    --error: #f2857c; --warning: #e0b25c; --info: #8fb4f5; }
}
* { box-sizing: border-box; }
body { margin: 0 auto; max-width: 72rem; padding: 2rem 1.5rem; background: var(--page); color: var(--text);
  font: 14px/1.5 system-ui, sans-serif; font-variant-numeric: tabular-nums; }
h1 { font-size: 1.5rem; margin: 0 0 .25rem; } h2 { font-size: 1.1rem; margin: 2rem 0 .5rem; } h3 { font-size: 1rem; margin: 0; }
p { margin: .25rem 0; } .dim { color: var(--dim); }
table { border-collapse: collapse; width: 100%; margin: .5rem 0; }
th, td { text-align: left; vertical-align: top; padding: .35rem .6rem; border-bottom: 1px solid var(--line); overflow-wrap: anywhere; }
th { color: var(--dim); font-weight: 600; } .number { text-align: right; white-space: nowrap; }
code { font-family: ui-monospace, monospace; font-size: .92em; white-space: pre-wrap; unicode-bidi: plaintext; }
section.rule { border: 1px solid var(--line); border-radius: 6px; margin: 1rem 0; padding: .75rem 1rem; background: var(--panel); }
.error { color: var(--error); } .warning { color: var(--warning); } .info { color: var(--info); }
@media print {
  :root { color-scheme: light; --text: #000; --dim: #444; --line: #bbb; --panel: #fff; --page: #fff; --error: #000; --warning: #000; --info: #000; }
  body { max-width: none; padding: 0; } section.rule { break-inside: auto; } tr, h3 { break-inside: avoid; }
}
`
