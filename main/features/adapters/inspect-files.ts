import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { z } from 'zod'
import type { AdapterManifest } from '../../../preload/contract/worker.ts'
import { writeFileAtomically } from '../../lib/atomic-file.ts'
import { corrupt } from './corrupt.ts'
import { findDamage, findFileSize, hashFile } from './file-check.ts'
import { assertLoraTensors } from './lora-tensors.ts'
import { configName, weightsName } from './manifest.ts'
import type { StoredFile } from './repository.ts'
import { readSafetensorsHeader } from './safetensors.ts'

const adapterConfigSchema = z.looseObject({
  peft_type: z.literal('LORA'),
  r: z.int().positive(),
  base_model_name_or_path: z.string().nullable(),
})

/**
 * Checks every file of a copied adapter against the packing list, the weights' header and the configuration,
 * writes the base model's id into the configuration, and returns the list of files as they are now.
 */
export async function inspectFiles(
  folder: string,
  manifest: AdapterManifest,
  baseModelId: string,
  signal?: AbortSignal,
): Promise<readonly StoredFile[]> {
  const damage = await findDamage(folder, manifest.adapter_files, signal)
  if (damage !== undefined) throw corrupt(damage)
  assertLoraTensors(await readSafetensorsHeader(join(folder, weightsName)))
  const isRewritten = await nameBaseModel(join(folder, configName), baseModelId)
  return Promise.all(
    manifest.adapter_files.map(async (file) => {
      if (file.name !== configName || !isRewritten) return { ...file, original: null }
      const path = join(folder, configName)
      const { bytes, sha256 } = file
      return { name: configName, bytes: (await findFileSize(path)) ?? 0, sha256: await hashFile(path), original: { bytes, sha256 } }
    }),
  )
}

/** Puts the id in place of whatever path the worker trained from; false when it already stood there. */
async function nameBaseModel(path: string, baseModelId: string): Promise<boolean> {
  const config = adapterConfigSchema.safeParse(parseJson(await readFile(path, 'utf8')))
  if (!config.success) throw corrupt(`${configName} is not the configuration of a LoRA adapter.`)
  if (config.data.base_model_name_or_path === baseModelId) return false
  await writeFileAtomically(path, `${JSON.stringify({ ...config.data, base_model_name_or_path: baseModelId }, null, 2)}\n`)
  return true
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}
