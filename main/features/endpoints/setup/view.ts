import type { Setup, SetupStepId } from '../../../../preload/contract/endpoint-setups.ts'
import type { SetupPart } from '../../../integrations/runpod/setup-account.ts'
import { hasVolume, nextTask, type SetupState } from './state.ts'

interface Circumstances {
  readonly isWorking: boolean
  /** What the greeting waits for; null when none is under way. */
  readonly waitingText: string | null
  /** Version of the worker that this app brings; null when it could not be read. */
  readonly workerVersion: string | null
}

type Step = Setup['steps'][number]

/** A set-up as the window shows it. */
export function toSetup(state: SetupState, { isWorking, waitingText, workerVersion }: Circumstances): Setup {
  const { phase, problem, image, filesVersion } = state
  const rests = hasVolume(state)
  return {
    id: state.id,
    name: state.name,
    remoteName: state.remoteName,
    baseModelLabel: state.baseModelLabel,
    proposal: state.proposal,
    image,
    phase: phase === 'gone' ? 'deleting' : phase,
    steps: stepsOf(state, isWorking, waitingText),
    isWorking,
    problem: problem === null ? null : { text: problem.text, asksFor: problem.asksFor },
    volumeId: rests ? state.volume.id : null,
    restsPerMonthMicroUsd: rests ? state.proposal.volumePerMonthMicroUsd : null,
    hasNewerWorker:
      phase === 'ready' && image.kind === 'stock' && workerVersion !== null && filesVersion !== null && filesVersion !== workerVersion,
    createdAtMs: state.createdAtMs,
  }
}

function stepsOf(state: SetupState, isWorking: boolean, waitingText: string | null): Step[] {
  const { proposal, image } = state
  const now = nextTask(state)?.step ?? null
  const stateOf = (id: SetupStepId, isDone: boolean, part: SetupPart | null): Step['state'] => {
    if (part !== null && state[part].state === 'gone') return 'removed'
    if (id === now && state.problem !== null) return 'failed'
    if (id === now && isWorking) return 'working'
    return isDone ? 'done' : 'waiting'
  }
  const made = (part: SetupPart) => state[part].state === 'made'
  const named = (part: SetupPart) => state[part].id ?? state.remoteName
  const files =
    image.kind === 'stock' ? 'The worker of this app, put on the volume over S3' : `Nothing to copy: ${image.ref} brings the worker`
  return [
    { id: 'volume', state: stateOf('volume', made('volume'), 'volume'), text: `${proposal.volumeGb} GB in ${proposal.dataCentreId}` },
    { id: 'files', state: stateOf('files', state.areFilesPlaced, 'volume'), text: files },
    { id: 'template', state: stateOf('template', made('template'), 'template'), text: named('template') },
    { id: 'endpoint', state: stateOf('endpoint', made('endpoint'), 'endpoint'), text: named('endpoint') },
    {
      id: 'greeting',
      state: stateOf('greeting', state.hasGreeted, 'endpoint'),
      text: waitingText ?? 'The first worker starts and says its version',
    },
  ]
}
