import { AppError } from '../../preload/contract/errors.ts'

/** One sentence for the user: what is wrong and what to do, as main wrote it. */
export function describeError(error: unknown): string {
  if (error instanceof AppError) return error.message
  return 'Something in the window failed. Try again, or restart the app; nothing stored is lost.'
}
