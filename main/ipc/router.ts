import { z } from 'zod'
import { AppError, type IpcAnswer } from '../../preload/contract/errors.ts'
import { routes, type RouteName, type RouteOutput, type RouteParsed } from '../../preload/contract/contract.ts'
import type { Log } from '../lib/log.ts'

/** What main knows about the caller; never sent by the page. */
export interface CallContext {
  readonly windowId: number
  /** Set only by the preload, from a file the user dropped. */
  readonly droppedPath: string | null
}

/** A handler for every route; a missing or an extra one is a compile error. */
export type HandlerTable = {
  readonly [R in RouteName]: (input: RouteParsed<R>, context: CallContext) => RouteOutput<R> | Promise<RouteOutput<R>>
}

/** The slice of the table one feature provides. */
export type FeatureHandlers<Prefix extends string> = Pick<HandlerTable, Extract<RouteName, `${Prefix}.${string}`>>

export type Dispatch = (route: unknown, input: unknown, context: CallContext) => Promise<IpcAnswer>

interface RouterDependencies {
  readonly handlers: HandlerTable
  readonly log: Log
  readonly newErrorId: () => string
  /** Also parse what handlers return, so that a bug in main shows as itself. */
  readonly checksOutput: boolean
}

/** Finds the route, parses the input, calls the handler; always answers with an envelope, never rejects. */
export function createDispatch({ handlers, log, newErrorId, checksOutput }: RouterDependencies): Dispatch {
  return async (route, input, context) => {
    if (typeof route !== 'string' || !Object.hasOwn(routes, route)) {
      return failure(new AppError('UNKNOWN_ROUTE', 'The window asked for something this version does not have.'))
    }
    const name = route as RouteName
    const parsed = routes[name].input.safeParse(input ?? {})
    if (!parsed.success) return failure(invalidInput(parsed.error))
    try {
      // The table's type ties each name to its handler; the lookup by a union of names cannot express that.
      const handler = handlers[name] as (input: unknown, context: CallContext) => unknown
      const output = await handler(parsed.data, context)
      return { ok: true, data: checksOutput ? routes[name].output.parse(output) : output }
    } catch (error) {
      if (error instanceof AppError) {
        log.info(`${name} refused: ${error.code}`, { message: error.message })
        return failure(error)
      }
      const errorId = newErrorId()
      log.error(`${name} failed (${errorId})`, error)
      return failure(
        new AppError('INTERNAL', `Something went wrong inside the app. Error ${errorId} is in the log file.`, { details: { errorId } }),
      )
    }
  }
}

/** Turns a zod error into a sentence that names the field. */
export function invalidInput(error: z.ZodError): AppError {
  const issues = error.issues.map((issue) => ({ path: issue.path.map(String).join('.'), message: issue.message }))
  const first = issues[0]
  const where = first === undefined || first.path === '' ? '' : `${first.path}: `
  return new AppError('INVALID_INPUT', `${where}${first?.message ?? 'The input is not valid.'}`, { details: { issues } })
}

/** The failing half of an IPC answer. */
export function failure(error: AppError): IpcAnswer {
  return {
    ok: false,
    error: {
      code: error.code,
      message: error.message,
      retryable: error.retryable,
      ...(error.details === undefined ? {} : { details: error.details }),
    },
  }
}
