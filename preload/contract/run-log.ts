import { z } from 'zod'
import { defineRoutes } from './define.ts'
import { countSchema, doneSchema, idSchema } from './primitives.ts'
import { runLogLineSchema } from './runs.ts'

const longestSearch = 200
const mostLinesPerPage = 2_000

/** What the log of a run is narrowed to: who wrote a line, and how grave it is at least. */
export const logFilterSchema = z.strictObject({
  source: z.enum(['all', ...runLogLineSchema.shape.source.options]).default('all'),
  level: runLogLineSchema.shape.level.default('debug'),
})
export type LogFilter = z.output<typeof logFilterSchema>

const filteredShape = { id: idSchema, filter: logFilterSchema.prefault({}) }

/** The log of a run: its own history, its trainer and its worker in the order of time; places count from 0. */
export const runLogRoutes = defineRoutes({
  'runs.listLog': {
    input: z.strictObject({ ...filteredShape, offset: countSchema.default(0), limit: z.int().min(1).max(mostLinesPerPage).default(500) }),
    output: z.object({ total: countSchema, lines: z.array(runLogLineSchema) }),
  },
  /** Where a text occurs in the whole log, upper and lower case alike. */
  'runs.searchLog': {
    input: z.strictObject({ ...filteredShape, text: z.string().min(1).max(longestSearch) }),
    output: z.object({ places: z.array(countSchema) }),
  },
  /** Puts lines on the clipboard, the first and last included. */
  'runs.copyLog': {
    input: z.strictObject({ ...filteredShape, first: countSchema, last: countSchema }),
    output: doneSchema,
  },
  /** Asks where to save and writes the lines; null when the user closes the dialog. */
  'runs.exportLog': {
    input: z.strictObject({ ...filteredShape, format: z.enum(['text', 'jsonl']) }),
    output: z.object({ path: z.string() }).nullable(),
  },
})
