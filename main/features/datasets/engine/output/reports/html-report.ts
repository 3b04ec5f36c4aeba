import { createHash } from 'node:crypto'
import type { Severity } from '../../../../../../preload/contract/datasets.ts'
import type { DatasetReport, ReportExample, ReportRule } from './dataset-report.ts'
import { reportStyle } from './report-style.ts'

const severityWords: Readonly<Record<Severity, string>> = { error: 'Error', warning: 'Warning', info: 'Note' }

/** The report as one HTML page without scripts, links or anything from elsewhere; made for reading and printing. */
export function toHtmlReport(report: DatasetReport): string {
  const { dataset } = report
  const policy = `default-src 'none'; style-src 'sha256-${createHash('sha256').update(reportStyle).digest('base64')}'; base-uri 'none'; form-action 'none'`
  return `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="${escapeHtml(policy)}">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>${escapeHtml(dataset.name)}: dataset report</title>
<style>${reportStyle}</style>
</head>
<body>
<main>
<h1>${isolated(dataset.name)}</h1>
<p class="dim">Dataset report, ${escapeHtml(timeText(report.createdAtMs))}, Tunesmith ${escapeHtml(report.appVersion)}</p>
${factsTable(report)}
<h2>What is to be looked at</h2>
${report.rules.length === 0 ? '<p>Nothing was found.</p>' : `${rulesTable(report.rules)}\n${report.rules.map(ruleSection).join('\n')}`}
${report.consumers.length === 0 ? '' : consumersTable(report)}
</main>
</body>
</html>
`
}

function factsTable({ dataset }: DatasetReport): string {
  const { stats, tokens } = dataset
  const facts: (readonly [string, string])[] = [
    ['Files', dataset.fileNames.map(isolated).join(', ')],
    ['Size', `${numberText(dataset.sizeBytes)} bytes`],
    ['SHA-256', `<code>${escapeHtml(dataset.sha256 ?? 'not computed')}</code>`],
    ['Layout', escapeHtml(dataset.shape ?? 'not recognised')],
    ['Rows', numberText(stats.rows)],
    ['Usable rows', numberText(stats.validRows)],
    ['Rows with errors', numberText(stats.errorRows)],
    ['Dropped rows', numberText(stats.droppedRows)],
    ['Edited rows', numberText(stats.editedRows)],
    ['Rows that repeat an earlier one', numberText(stats.duplicateRows)],
    ['Turns', numberText(stats.turns)],
    ['Characters', numberText(stats.characters)],
  ]
  if (tokens !== null) {
    facts.push([
      'Tokens',
      `${numberText(tokens.total)}, of which ${numberText(tokens.trained)} are trained (${escapeHtml(tokens.modelName)})`,
    ])
  }
  return `<table>\n${facts.map(([name, text]) => `<tr><th scope="row">${name}</th><td>${text}</td></tr>`).join('\n')}\n</table>`
}

function rulesTable(rules: readonly ReportRule[]): string {
  const lines = rules.map(
    (rule) =>
      `<tr><td class="${rule.severity}">${severityWords[rule.severity]}</td><td>${escapeHtml(rule.title)}</td>` +
      `<td><code>${escapeHtml(rule.rule)}</code></td><td class="number">${numberText(rule.count)}</td><td class="number">${numberText(rule.rows)}</td></tr>`,
  )
  return `<table>\n<tr>${heads('Severity', 'What', 'Rule')}${numberHeads('Found', 'Rows')}</tr>\n${lines.join('\n')}\n</table>`
}

function ruleSection(rule: ReportRule): string {
  const listed = rule.examples.length
  const note = listed === 0 ? '' : `, ${listed === rule.count ? 'all listed' : `first ${numberText(listed)} listed`}`
  const table =
    listed === 0
      ? ''
      : `<table>\n<tr>${numberHeads('Line')}${heads('Place', 'What', 'Found', 'Expected')}</tr>\n${rule.examples.map(exampleLine).join('\n')}\n</table>`
  return `<section class="rule">
<h3><span class="${rule.severity}">${severityWords[rule.severity]}:</span> ${escapeHtml(rule.title)}</h3>
<p class="dim">${numberText(rule.count)} in ${numberText(rule.rows)} rows${note}</p>
<p>${escapeHtml(rule.advice)}</p>
${table}
</section>`
}

function exampleLine(example: ReportExample): string {
  return (
    `<tr><td class="number">${example.line === null ? '' : numberText(example.line)}</td><td><code>${escapeHtml(example.pointer)}</code></td>` +
    `<td>${isolated(example.message)}</td><td><code>${escapeHtml(example.got)}</code></td><td>${isolated(example.expected)}</td></tr>`
  )
}

function consumersTable({ consumers }: DatasetReport): string {
  const lines = consumers.map(
    ({ title, kept, truncated, dropped, rejected }) =>
      `<tr><td>${escapeHtml(title)}</td>${[kept, truncated, dropped, rejected].map((count) => `<td class="number">${numberText(count)}</td>`).join('')}</tr>`,
  )
  return `<h2>What others would do with the rows</h2>
<table>
<tr>${heads('Trainer or service')}${numberHeads('Kept', 'Cut short', 'Left out', 'Refused')}</tr>
${lines.join('\n')}
</table>`
}

function heads(...titles: readonly string[]): string {
  return titles.map((title) => `<th scope="col">${title}</th>`).join('')
}

function numberHeads(...titles: readonly string[]): string {
  return titles.map((title) => `<th scope="col" class="number">${title}</th>`).join('')
}

/** Keeps right-to-left text from reordering what stands around it. */
function isolated(text: string): string {
  return `<bdi>${escapeHtml(text)}</bdi>`
}

function numberText(value: number): string {
  return value.toLocaleString('en-US')
}

function timeText(timeMs: number): string {
  return `${new Date(timeMs).toISOString().slice(0, 16).replace('T', ' ')} UTC`
}

const escapes: Readonly<Record<string, string>> = { '&': '&amp;', '<': '&lt;', '>': '&gt;', '"': '&quot;', "'": '&#39;' }

/** Makes any text safe inside elements and quoted attributes; control characters become visible. */
export function escapeHtml(text: string): string {
  return text.replaceAll(/[&<>"']/g, (char) => escapes[char] ?? '').replaceAll(/\p{Cc}/gu, visible)
}

function visible(char: string): string {
  if (char === '\n' || char === '\t') return char
  return char < ' ' ? String.fromCharCode(0x2400 + char.charCodeAt(0)) : '\ufffd'
}
