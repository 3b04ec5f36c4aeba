import { dialog } from 'electron'
import { AppError } from '../../preload/contract/errors.ts'

/** Says in a plain system dialog why the app cannot start and where the details are. */
export function showStartFailure(error: unknown, logFile: string): void {
  const reason = error instanceof AppError ? error.message : 'Something inside the app failed while it was starting.'
  dialog.showErrorBox('Tunesmith did not start', `${reason}\n\nDetails are in ${logFile}`)
}
