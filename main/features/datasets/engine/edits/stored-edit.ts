import { z } from 'zod'
import { unpackRows } from './row-set.ts'

const rowsSchema = z.string().transform((text, context) => {
  try {
    return unpackRows(text)
  } catch (error) {
    context.addIssue({ code: 'custom', message: error instanceof Error ? error.message : 'damaged' })
    return z.NEVER
  }
})

/** An edit as it is stored: the rows it was for when it was made are fixed, so that it always means the same. */
export const storedEditSchema = z.discriminatedUnion('kind', [
  z.object({ kind: z.literal('fix'), rule: z.string(), rows: rowsSchema }),
  z.object({ kind: z.literal('drop'), rows: rowsSchema }),
  z.object({ kind: z.literal('restore'), rows: rowsSchema }),
  z.object({ kind: z.literal('redact'), flags: z.array(z.string()), rows: rowsSchema }),
  z.object({ kind: z.literal('replace'), rows: rowsSchema, text: z.string() }),
])
/** An edit with its rows unpacked. */
export type RowEdit = z.output<typeof storedEditSchema>
/** The form that crosses processes and is kept in the database. */
export type StoredEdit = z.input<typeof storedEditSchema>
