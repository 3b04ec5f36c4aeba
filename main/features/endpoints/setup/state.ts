import { z } from 'zod'
import { setupImageSchema, setupProposalSchema, type SetupStepId } from '../../../../preload/contract/endpoint-setups.ts'
import { idSchema, timeMsSchema } from '../../../../preload/contract/primitives.ts'
import type { SetupPart } from '../../../integrations/runpod/setup-account.ts'

/** `asked` is noted before RunPod is asked, so that a lost answer is looked for and never asked for a second time. */
const partSchema = z.object({ state: z.enum(['none', 'asked', 'made', 'gone']), id: z.string().nullable() })

/** Everything the app must remember of what it makes in the user's account; keys are in the keychain. */
export const setupStateSchema = z.object({
  v: z.literal(1),
  id: idSchema,
  name: z.string(),
  remoteName: z.string(),
  baseModelLabel: z.string(),
  proposal: setupProposalSchema,
  image: setupImageSchema,
  hfTokenSecret: z.string().nullable(),
  hasS3Keys: z.boolean(),
  phase: z.enum(['creating', 'ready', 'deleting', 'kept', 'gone']),
  keepVolume: z.boolean(),
  volume: partSchema,
  template: partSchema,
  endpoint: partSchema,
  /** Version of the worker that was put on the volume; null before that, and for images of the user's own. */
  filesVersion: z.string().nullable(),
  areFilesPlaced: z.boolean(),
  /** Whether it is listed among the endpoints. */
  isAdopted: z.boolean(),
  hasGreeted: z.boolean(),
  problem: z.object({ step: z.string(), text: z.string(), asksFor: z.enum(['api_key', 's3_keys']).nullable() }).nullable(),
  createdAtMs: timeMsSchema,
})
export type SetupState = z.infer<typeof setupStateSchema>

/** The next thing to do; null when nothing is left to do. */
export type SetupTask =
  | { readonly kind: 'make'; readonly step: SetupStepId; readonly part: SetupPart }
  | { readonly kind: 'files'; readonly step: SetupStepId }
  | { readonly kind: 'adopt'; readonly step: SetupStepId }
  | { readonly kind: 'greet'; readonly step: SetupStepId }
  | { readonly kind: 'finish'; readonly step: SetupStepId }
  | { readonly kind: 'remove'; readonly step: SetupStepId; readonly part: SetupPart }
  | { readonly kind: 'settle'; readonly step: SetupStepId }

/** Order: what holds the files, the files, what starts the worker, the worker's first word; taken down the other way round. */
export function nextTask(state: SetupState): SetupTask | null {
  switch (state.phase) {
    case 'creating':
      return nextToMake(state)
    case 'deleting':
      return nextToRemove(state)
    case 'ready':
    case 'kept':
    case 'gone':
      return null
  }
}

function nextToMake(state: SetupState): SetupTask {
  if (state.volume.state !== 'made') return { kind: 'make', step: 'volume', part: 'volume' }
  if (!state.areFilesPlaced) return { kind: 'files', step: 'files' }
  if (state.template.state !== 'made') return { kind: 'make', step: 'template', part: 'template' }
  if (state.endpoint.state !== 'made') return { kind: 'make', step: 'endpoint', part: 'endpoint' }
  if (!state.isAdopted) return { kind: 'adopt', step: 'endpoint' }
  if (!state.hasGreeted) return { kind: 'greet', step: 'greeting' }
  return { kind: 'finish', step: 'greeting' }
}

function nextToRemove(state: SetupState): SetupTask {
  const isThere = (part: SetupPart) => state[part].state === 'made' || state[part].state === 'asked'
  if (isThere('endpoint')) return { kind: 'remove', step: 'endpoint', part: 'endpoint' }
  if (isThere('template')) return { kind: 'remove', step: 'template', part: 'template' }
  if (isThere('volume') && !state.keepVolume) return { kind: 'remove', step: 'volume', part: 'volume' }
  return { kind: 'settle', step: 'volume' }
}

/** Whether its network volume exists, and costs. */
export function hasVolume({ volume }: SetupState): boolean {
  return volume.state === 'made' || volume.state === 'asked'
}
