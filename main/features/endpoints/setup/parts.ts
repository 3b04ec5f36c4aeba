import { AppError } from '../../../../preload/contract/errors.ts'
import type { SetupAccount, SetupPart, SetupPlan } from '../../../integrations/runpod/setup-account.ts'
import { delay, type Clock } from '../../../lib/clock.ts'
import type { SetupState } from './state.ts'

interface PartDependencies {
  readonly account: SetupAccount
  readonly clock: Clock
  readonly signal: AbortSignal
  /** The state as it is stored now. */
  read(): SetupState
  save(state: SetupState): void
}

/** A new thing may be missing from a list for some seconds. */
const looksAfterLostAnswer = 4
const lookEveryMs = 5_000
/** What was just deleted may be in use by RunPod's own account of it for a moment. */
const triesWhileInUse = 4

/**
 * Makes one part at most once: the intent is stored first, and after a lost answer or a crash the part is looked for by its
 * unique name before anything is made. What was made twice all the same is removed again, empty as it is.
 */
export async function makePart(part: SetupPart, plan: SetupPlan, dependencies: PartDependencies): Promise<void> {
  const { account, read, save } = dependencies
  const put = (state: 'none' | 'asked' | 'made', id: string | null) => save({ ...read(), [part]: { state, id } })
  const adopt = async ([first, ...others]: readonly string[]): Promise<boolean> => {
    if (first === undefined) return false
    put('made', first)
    for (const id of others) await account.remove(part, id)
    return true
  }
  if (read()[part].state === 'asked' && (await adopt(await account.find(part, plan.remoteName)))) return
  put('asked', null)
  const { volume, template } = read()
  try {
    put('made', await account.create(part, plan, { volumeId: volume.id ?? '', templateId: template.id ?? '' }))
  } catch (error) {
    if (!isOutcomeUnknown(error)) {
      put('none', null)
      throw error
    }
    if (!(await adopt(await findLater(part, plan.remoteName, dependencies)))) throw error
  }
}

async function findLater(part: SetupPart, remoteName: string, { account, clock, signal }: PartDependencies): Promise<readonly string[]> {
  for (let look = 1; look <= looksAfterLostAnswer; look += 1) {
    const found = await account.find(part, remoteName)
    if (found.length > 0) return found
    await delay(clock, lookEveryMs, signal)
  }
  return []
}

/** Removes everything of one kind that carries the set-up's name, also what a lost answer has left behind. */
export async function removePart(part: SetupPart, { account, clock, signal, read, save }: PartDependencies): Promise<void> {
  const state = read()
  const known = state[part].id
  const ids = new Set([...(await account.find(part, state.remoteName)), ...(known === null ? [] : [known])])
  for (const id of ids) await removeOne(part, id, { account, clock, signal })
  save({ ...read(), [part]: { state: 'gone', id: null } })
}

async function removeOne(part: SetupPart, id: string, { account, clock, signal }: Pick<PartDependencies, 'account' | 'clock' | 'signal'>) {
  for (let attempt = 1; ; attempt += 1) {
    try {
      return await account.remove(part, id)
    } catch (error) {
      const isInUse = error instanceof AppError && error.code === 'ENDPOINT_IN_USE'
      if (!isInUse || attempt >= triesWhileInUse) throw error
      await delay(clock, lookEveryMs, signal)
    }
  }
}

/** Removes what carries the set-up's name beside the part that is used: the second copy of an answer that came late. */
export async function removeStrays(part: SetupPart, { account, read }: PartDependencies): Promise<void> {
  const state = read()
  const kept = state[part].id
  const found = await account.find(part, state.remoteName)
  // A list that does not hold the part itself may be old; nothing is concluded from it.
  if (kept === null || !found.includes(kept)) return
  for (const id of found) if (id !== kept) await account.remove(part, id)
}

function isOutcomeUnknown(error: unknown): boolean {
  if (!(error instanceof AppError)) return false
  const { details } = error
  return typeof details === 'object' && details !== null && Reflect.get(details, 'isOutcomeUnknown') === true
}
