/** For every top-level key: how many rows hold which type, and the first of them. */
export type TypeDriftFacts = Readonly<Record<string, Readonly<Partial<Record<JsonType, { rows: number; firstRow: number }>>>>>
export type JsonType = 'string' | 'number' | 'boolean' | 'array' | 'object'

/** Collects the types of top-level keys; readers that want one type per column fail on a mixture. */
export interface TypeDrift {
  add(value: unknown, row: number): void
  /** The same for a row that holds only a list of messages, without looking at it. */
  addPlainChat(row: number): void
  facts(): TypeDriftFacts
}

/** More keys than this are not a table any more. */
const maxKeys = 200

/** Creates a collector for one range of rows. */
export function createTypeDrift(): TypeDrift {
  const keys = new Map<string, Partial<Record<JsonType, { rows: number; firstRow: number }>>>()
  const count = (key: string, type: JsonType, row: number) => {
    let types = keys.get(key)
    if (types === undefined) {
      if (keys.size === maxKeys) return
      keys.set(key, (types = {}))
    }
    const known = types[type]
    if (known === undefined) types[type] = { rows: 1, firstRow: row }
    else known.rows += 1
  }
  return {
    add(value, row) {
      if (typeof value !== 'object' || value === null || Array.isArray(value)) return
      for (const key in value) {
        const type = typeOf((value as Record<string, unknown>)[key])
        if (type !== null) count(key, type, row)
      }
    },
    addPlainChat: (row) => count('messages', 'array', row),
    facts: () => Object.fromEntries(keys),
  }
}

function typeOf(value: unknown): JsonType | null {
  if (value === null) return null
  if (Array.isArray(value)) return 'array'
  const type = typeof value
  return type === 'string' || type === 'number' || type === 'boolean' || type === 'object' ? type : null
}

/** Joins the collections of consecutive ranges; `rowsBefore` is the number of rows before each. */
export function joinTypeDrift(parts: readonly { facts: TypeDriftFacts; rowsBefore: number }[]): TypeDriftFacts {
  const joined = new Map<string, Partial<Record<JsonType, { rows: number; firstRow: number }>>>()
  for (const { facts, rowsBefore } of parts) {
    for (const [key, types] of Object.entries(facts)) {
      const known = joined.get(key) ?? {}
      joined.set(key, known)
      for (const type of Object.keys(types) as JsonType[]) {
        const part = types[type]
        if (part === undefined) continue
        const before = known[type]
        known[type] =
          before === undefined ? { rows: part.rows, firstRow: part.firstRow + rowsBefore } : { ...before, rows: before.rows + part.rows }
      }
    }
  }
  return Object.fromEntries(joined)
}
