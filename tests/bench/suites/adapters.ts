import { mkdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { inspectFiles } from '../../../main/features/adapters/inspect-files.ts'
import { packFiles, safetensors } from '../../support/adapters/packed-adapter.ts'
import type { Benchmark } from '../benchmark.ts'
import { plainSha256 } from '../plain-hash.ts'
import { randomBytesOf } from '../random.ts'

const baseModelId = 'acme/tiny-1B'
const weights = 'adapter_model.safetensors'
const rank = 16
const width = 4096
const matrixBytes = rank * width * 2
const layers = 32
const projections = ['q_proj', 'k_proj', 'v_proj', 'o_proj', 'gate_proj', 'up_proj', 'down_proj', 'lm_proj']
const partBytes = 64_000_000

/** The check that stands before the word "verified". */
export const adaptersVerify: Benchmark = {
  name: 'adapters.verify',
  work: 'verifies an adapter of 64 MB: SHA-256 of every file, header of the weights, pairs of matrices, configuration',
  against: 'SHA-256 of the weights file alone',
  target: 1.5,
  rounds: 5,
  async prepare(folder) {
    const adapter = join(folder, 'adapter')
    await mkdir(adapter)
    const files = adapterFiles()
    for (const [name, bytes] of Object.entries(files)) await writeFile(join(adapter, name), bytes)
    const { manifest } = packFiles('bench', files, partBytes)
    const recorded = manifest.adapter_files.find(({ name }) => name === weights)
    if (recorded === undefined) throw new Error('The packing list has no weights')
    return {
      reference: {
        async run() {
          if ((await plainSha256(join(adapter, weights))) !== recorded.sha256) throw new Error('The hash of the weights is wrong')
          return recorded.bytes
        },
      },
      tunesmith: {
        async run() {
          const checked = await inspectFiles(adapter, manifest, baseModelId)
          return checked.find(({ name }) => name === weights)?.bytes ?? 0
        },
      },
    }
  },
}

function adapterFiles(): Record<string, Buffer> {
  const names = Array.from({ length: layers }, (_unused, layer) =>
    projections.map((name) => `base_model.model.layers.${layer}.${name}`),
  ).flat()
  const header: Record<string, unknown> = {}
  names.forEach((name, index) => {
    const begin = index * 2 * matrixBytes
    header[`${name}.lora_A.weight`] = { dtype: 'BF16', shape: [rank, width], data_offsets: [begin, begin + matrixBytes] }
    header[`${name}.lora_B.weight`] = { dtype: 'BF16', shape: [width, rank], data_offsets: [begin + matrixBytes, begin + 2 * matrixBytes] }
  })
  const config = { peft_type: 'LORA', r: rank, lora_alpha: 32, base_model_name_or_path: baseModelId }
  return {
    'adapter_config.json': Buffer.from(JSON.stringify(config)),
    [weights]: safetensors(header, randomBytesOf(17, names.length * 2 * matrixBytes)),
  }
}
