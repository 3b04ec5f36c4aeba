import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { z } from 'zod'
import { csvCell, csvReportColumns, toCsvReport } from '../../../../../../main/features/datasets/engine/output/reports/csv-report.ts'
import { datasetReportSchema } from '../../../../../../main/features/datasets/engine/output/reports/dataset-report.ts'
import { toHtmlReport } from '../../../../../../main/features/datasets/engine/output/reports/html-report.ts'
import { reportExtension, writeReport } from '../../../../../../main/features/datasets/engine/output/reports/write-report.ts'
import { example, madeUpReport } from './made-up-report.ts'

/** What SARIF 2.1.0 requires of the parts in use. */
const message = z.strictObject({ text: z.string().min(1) })
const level = z.enum(['none', 'note', 'warning', 'error'])
const artifactLocation = z.strictObject({ uri: z.string().regex(/^[A-Za-z0-9\-._~%!'()*]+$/), index: z.int().min(-1).optional() })
const sarifSchema = z.strictObject({
  $schema: z.url(),
  version: z.literal('2.1.0'),
  runs: z
    .array(
      z.strictObject({
        tool: z.strictObject({
          driver: z.strictObject({
            name: z.string().min(1),
            version: z.string(),
            rules: z.array(
              z.strictObject({
                id: z.string().min(1),
                shortDescription: message,
                help: message,
                defaultConfiguration: z.strictObject({ level }),
                properties: z.record(z.string(), z.unknown()),
              }),
            ),
          }),
        }),
        columnKind: z.enum(['utf16CodeUnits', 'unicodeCodePoints']),
        artifacts: z.array(
          z.strictObject({
            location: artifactLocation,
            length: z.int().min(-1).optional(),
            hashes: z.record(z.string(), z.string()).optional(),
          }),
        ),
        results: z.array(
          z.strictObject({
            ruleId: z.string(),
            ruleIndex: z.int().min(-1),
            level,
            message,
            occurrenceCount: z.int().min(1).optional(),
            locations: z
              .array(
                z.strictObject({
                  physicalLocation: z.strictObject({
                    artifactLocation,
                    region: z.strictObject({ startLine: z.int().min(1) }).optional(),
                  }),
                  logicalLocations: z.array(z.strictObject({ fullyQualifiedName: z.string() })).optional(),
                }),
              )
              .optional(),
            properties: z.record(z.string(), z.unknown()).optional(),
          }),
        ),
        properties: z.record(z.string(), z.unknown()),
      }),
    )
    .min(1),
})

const exampleArbitrary = fc.record({
  row: fc.nat(),
  line: fc.option(fc.integer({ min: 1, max: 1_000_000 }), { nil: null }),
  fileName: fc.constantFrom('a b#ü.jsonl', 'other.csv'),
  pointer: fc.string(),
  message: fc.string({ minLength: 1, unit: 'binary' }),
  got: fc.string({ unit: 'grapheme' }),
  expected: fc.string(),
})
const reportArbitrary = fc
  .tuple(fc.array(exampleArbitrary, { maxLength: 5 }), fc.string({ minLength: 1 }))
  .map(([examples, name]) => madeUpReport(examples, name))

/** The cells of a CSV report, by column; a reader of its own, strict about quotes and line ends. */
function parseCsv(csv: string): Record<string, string | undefined>[] {
  const lines: string[][] = [[]]
  let at = csv.startsWith('\ufeff') ? 1 : 0
  while (at < csv.length) {
    const cell = /"((?:[^"]|"")*)"|[^",\r\n]*/y
    cell.lastIndex = at
    const [whole = '', quoted] = cell.exec(csv) ?? []
    lines.at(-1)?.push(quoted === undefined ? whole : quoted.replaceAll('""', '"'))
    at += whole.length
    if (csv[at] === ',') at += 1
    else if (csv.startsWith('\r\n', at)) {
      lines.push([])
      at += 2
    } else throw new Error(`no cell ends at ${at}`)
  }
  expect(lines.pop()).toEqual([])
  const [head = [], ...rest] = lines
  return rest.map((cells) => {
    expect(cells).toHaveLength(head.length)
    return Object.fromEntries(head.map((name, index) => [name, cells[index]]))
  })
}

describe('the JSON report', () => {
  it('reads back as the report it was made of', () => {
    fc.assert(
      fc.property(reportArbitrary, (report) => {
        expect(datasetReportSchema.parse(JSON.parse(writeReport(report, 'json')))).toEqual(report)
      }),
      { seed: 41, numRuns: 100 },
    )
  })
})

describe('the CSV report', () => {
  it('reads back cell by cell, with at most an apostrophe in front', () => {
    fc.assert(
      fc.property(reportArbitrary, (report) => {
        const lines = parseCsv(writeReport(report, 'csv'))
        const examples = report.rules[0]?.examples ?? []
        expect(lines).toHaveLength(Math.max(1, examples.length) + 1)
        for (const [index, { message: text, line, row }] of examples.entries()) {
          expect(lines[index]?.['message']?.replace(/^'/, '')).toBe(text.replace(/^'/, ''))
          expect(lines[index]?.['line']).toBe(line === null ? '' : String(line))
          expect(lines[index]?.['row']).toBe(String(row + 1))
        }
      }),
      { seed: 42, numRuns: 200 },
    )
  })

  it('never lets a text start a formula', () => {
    for (const attack of ['=1+1', '+1', '-1+cmd|x', '@SUM(A1)', '\t=1', '\r=1', '  =HYPERLINK("http://x")', '＝1', '|calc']) {
      const cell = parseCsv(toCsvReport(madeUpReport([example({ got: attack })])))[0]?.['got']
      expect(cell, attack).toBe(`'${attack}`)
    }
  })

  it('quotes by RFC 4180 and ends every line with CR LF', () => {
    expect(csvCell('a "b", c')).toBe('"a ""b"", c"')
    expect(csvCell('plain')).toBe('plain')
    const csv = toCsvReport(madeUpReport([example({})]))
    expect(csv.startsWith(`\ufeff${csvReportColumns.join(',')}\r\n`)).toBe(true)
    expect(csv.endsWith('\r\n')).toBe(true)
  })

  it('lists a rule that has no place', () => {
    expect(parseCsv(toCsvReport(madeUpReport([])))[1]).toMatchObject({ rule: 'set.duplicates', count: '3', line: '' })
  })
})

describe('the SARIF report', () => {
  it('has the structure of SARIF 2.1.0 for any report', () => {
    fc.assert(
      fc.property(reportArbitrary, (report) => {
        const sarif = sarifSchema.parse(JSON.parse(writeReport(report, 'sarif')))
        expect(sarif.runs[0]?.results).toHaveLength(Math.max(1, report.rules[0]?.examples.length ?? 0) + 1)
      }),
      { seed: 43, numRuns: 100 },
    )
  })

  it('points at line, file and rule', () => {
    const sarif = sarifSchema.parse(JSON.parse(writeReport(madeUpReport([example({ line: 311 })]), 'sarif')))
    const result = sarif.runs[0]?.results[0]
    expect(result).toMatchObject({
      ruleId: 'role.unknown',
      ruleIndex: 0,
      level: 'error',
      locations: [{ physicalLocation: { artifactLocation: { uri: 'a%20b%23%C3%BC.jsonl', index: 0 }, region: { startLine: 311 } } }],
    })
  })
})

describe('the HTML report', () => {
  it('shows hostile text as text and runs nothing', () => {
    const html = toHtmlReport(
      madeUpReport(
        [example({ message: '<script>alert(1)</script>', got: '"><img src=x onerror=alert(1)>', expected: '</td>' })],
        '</title><script>',
      ),
    )
    expect(html).not.toMatch(/<script|<img|onerror=alert\(1\)>[^&]*<\/code>"|javascript:/i)
    expect(html).toContain('&lt;script&gt;alert(1)&lt;/script&gt;')
    expect(html).toMatch(/Content-Security-Policy" content="default-src &#39;none&#39;; style-src &#39;sha256-/)
  })

  it('brings no tag of the data into the page, whatever it holds', () => {
    const tags = (html: string) => html.match(/<[a-z/!][^>]*>/gi)?.map((tag) => tag.replace(/ .*/s, '')) ?? []
    fc.assert(
      fc.property(fc.string({ unit: 'binary' }), (text) => {
        const hostile = toHtmlReport(madeUpReport([example({ message: `<b>${text}</b>`, got: text, pointer: text })], `"${text}`))
        expect(tags(hostile)).toEqual(tags(toHtmlReport(madeUpReport([example({})]))))
      }),
      { seed: 44, numRuns: 200 },
    )
  })

  it('loads nothing from elsewhere', () => {
    expect(toHtmlReport(madeUpReport([example({})]))).not.toMatch(/https?:|<link|@import|url\(/)
  })
})

describe('reportExtension', () => {
  it('gives SARIF the ending that editors know', () => {
    expect((['json', 'csv', 'sarif', 'html'] as const).map(reportExtension)).toEqual(['json', 'csv', 'sarif.json', 'html'])
  })
})
