import { z } from 'zod'
import { safetensorsOf } from './tiny-lora.ts'
import { sha256Of, type RunFolder } from './run-folder.ts'

/** How far a run has got, as its checkpoints keep it. */
export const progressSchema = z.object({
  step: z.int(),
  tokens: z.int(),
  label_tokens: z.int(),
  seconds: z.number(),
  loss_first: z.number().nullable(),
  loss_last: z.number().nullable(),
  eval_base: z.number().nullable(),
  eval_best: z.number().nullable(),
  eval_last: z.number().nullable(),
  best_step: z.int().nullable(),
})
export type QuickProgress = z.infer<typeof progressSchema>

export const noProgress: QuickProgress = {
  step: 0,
  tokens: 0,
  label_tokens: 0,
  seconds: 0,
  loss_first: null,
  loss_last: null,
  eval_base: null,
  eval_best: null,
  eval_last: null,
  best_step: null,
}

const fileNames = ['adapter.safetensors', 'optimizer.safetensors', 'rng.safetensors', 'state.json'] as const
const stateSchema = z.object({ progress: progressSchema })
const manifestSchema = z.object({ files: z.array(z.object({ name: z.string(), bytes: z.int(), sha256: z.string() })) })
const kept = 2

/** Writes a checkpoint as the trainer does and removes older ones; returns its size. */
export function writeCheckpoint(folder: RunFolder, progress: QuickProgress, weights: Buffer): number {
  const { step } = progress
  const small = (name: string) => safetensorsOf([{ name, shape: [1], data: Float32Array.of(step) }])
  const files: Record<(typeof fileNames)[number], Buffer> = {
    'adapter.safetensors': weights,
    'optimizer.safetensors': small('exp_avg'),
    'rng.safetensors': small('torch'),
    'state.json': Buffer.from(JSON.stringify({ python_rng: [], progress, conditions: null })),
  }
  const building = `checkpoints/tmp-${step}-quick`
  const listed = fileNames.map((name) => {
    folder.write(`${building}/${name}`, files[name])
    return { name, bytes: files[name].length, sha256: sha256Of(files[name]) }
  })
  const manifest = JSON.stringify({ v: 1, files: listed }, null, 1)
  folder.write(`${building}/manifest.json`, manifest)
  folder.remove(`checkpoints/step-${step}`)
  folder.rename(building, `checkpoints/step-${step}`)
  folder.write(`checkpoints/step-${step}/COMPLETE`, sha256Of(manifest))
  folder.write('checkpoints/LATEST', `step-${step}\n`)
  const old = stepsOf(folder).slice(0, -kept)
  for (const other of old) if (other !== progress.best_step) folder.remove(`checkpoints/step-${other}`)
  return listed.reduce((sum, { bytes }) => sum + bytes, 0)
}

/** The newest checkpoint that is whole. */
export function newestCheckpoint(folder: RunFolder): QuickProgress | null {
  for (const step of stepsOf(folder).toReversed()) {
    const manifest = folder.readText(`checkpoints/step-${step}/manifest.json`)
    if (manifest === undefined || folder.readText(`checkpoints/step-${step}/COMPLETE`)?.trim() !== sha256Of(manifest)) continue
    const listed = manifestSchema.safeParse(JSON.parse(manifest)).data?.files ?? []
    const isWhole = fileNames.every((name) => listed.some((file) => file.name === name) && folder.has(`checkpoints/step-${step}/${name}`))
    const state = stateSchema.safeParse(folder.readJson(`checkpoints/step-${step}/state.json`)).data
    if (isWhole && state !== undefined) return state.progress
  }
  return null
}

function stepsOf(folder: RunFolder): number[] {
  return folder
    .names('checkpoints')
    .flatMap((name) => /^step-(\d+)$/.exec(name)?.[1] ?? [])
    .map(Number)
    .toSorted((a, b) => a - b)
}
