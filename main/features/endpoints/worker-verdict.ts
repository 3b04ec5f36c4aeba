import type { WorkerFacts, WorkerVerdict } from '../../../preload/contract/endpoints.ts'

/** Version of the trainer that this app was built with; a test holds it to the trainer's own word. */
export const trainerVersion = '0.1.0'

/** What runs on RunPod ask of a worker; one that lacks any of these cannot carry them. */
const neededActions = ['train', 'put', 'get', 'list', 'read_events', 'mark_stop']

/** Whether a worker can carry this app's runs, and the way to one that can. */
export function judgeWorker(facts: WorkerFacts | null, isOurs: boolean): WorkerVerdict {
  if (facts === null) return { state: 'unknown', text: 'The worker has not been asked for its version.', advice: null }
  const update = isOurs
    ? 'Update the worker under Endpoints.'
    : 'Put the worker of this version on the endpoint: set its image or its start files in the RunPod console, then ask the worker again.'
  const missing = neededActions.filter((action) => !facts.actions.includes(action))
  if (missing.length > 0) {
    const text = `The worker (version ${facts.trainerVersion}) does not know ${missing.join(', ')}, which runs need.`
    return { state: 'unusable', text, advice: update }
  }
  const order = compareVersions(facts.trainerVersion, trainerVersion)
  if (order === null) {
    return { state: 'unusable', text: `The worker names a version that cannot be read: ${facts.trainerVersion}.`, advice: update }
  }
  if (order < 0) {
    const text = `The worker is version ${facts.trainerVersion}; this app brings ${trainerVersion}. Runs work, without what is newer.`
    return { state: 'older', text, advice: update }
  }
  if (order > 0) {
    const text = `The worker is version ${facts.trainerVersion}, newer than this app's ${trainerVersion}.`
    return { state: 'newer', text, advice: 'Update the app when you can.' }
  }
  return { state: 'current', text: `The worker is version ${facts.trainerVersion}, as this app's.`, advice: null }
}

/** Below, equal to or above 0 by major, minor and patch; null when one of them is no version. */
function compareVersions(a: string, b: string): number | null {
  const [left, right] = [a, b].map((text) => /^(\d+)\.(\d+)\.(\d+)/.exec(text))
  if (left === undefined || left === null || right === undefined || right === null) return null
  const difference = [1, 2, 3].map((part) => Number(left[part]) - Number(right[part])).find((step) => step !== 0)
  return difference ?? 0
}
