/** Reads what was typed as a budget in dollars: micro-dollars, null for no limit, or a sentence that says what is wrong. */
export function readBudget(text: string): { readonly value: number | null | undefined; readonly error: string | null } {
  const trimmed = text.trim()
  if (trimmed === '') return { value: null, error: null }
  const found = /^\$?\s*(\d{1,6})(?:[.,](\d{1,2}))?$/.exec(trimmed)
  if (found === null) return { value: undefined, error: 'Write an amount in dollars, for example 2.50.' }
  const cents = Number(found[1]) * 100 + Number((found[2] ?? '').padEnd(2, '0'))
  if (cents < 1) return { value: undefined, error: 'A budget starts at one cent. Leave it empty for no limit.' }
  return { value: cents * 10_000, error: null }
}
