import { AppError } from '../../../../preload/contract/errors.ts'
import type { PreflightItem } from '../../../../preload/contract/runs.ts'

/** What was read, or the expected failure of reading it. */
export type Attempt<T> = { readonly value: T } | { readonly error: AppError }

/** Reads something whose expected failure is a line of the list, not an end of it. */
export async function attempt<T>(read: () => T | Promise<T>): Promise<Attempt<T>> {
  try {
    return { value: await read() }
  } catch (error) {
    if (error instanceof AppError) return { error }
    throw error
  }
}

/** A line that is in order. */
export function green(id: PreflightItem['id'], text: string): PreflightItem {
  return { id, isOk: true, isKnown: true, text, fix: null }
}

/** A line of which nobody can tell beforehand; it keeps no run from starting. */
export function unknown(id: PreflightItem['id'], text: string, action?: PreflightItem['action']): PreflightItem {
  return { id, isOk: true, isKnown: false, text, fix: null, ...(action === undefined ? {} : { action }) }
}

/** A line that keeps a run from starting, with the one thing to do about it. */
export function red(id: PreflightItem['id'], text: string, fix: string, action: NonNullable<PreflightItem['action']>): PreflightItem {
  return { id, isOk: false, isKnown: true, text, fix, action }
}

/** Micro-dollars as dollars and cents. */
export function dollars(microUsd: number): string {
  return `$${(microUsd / 1_000_000).toFixed(2)}`
}
