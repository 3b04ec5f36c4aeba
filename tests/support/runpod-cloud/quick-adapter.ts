import type { AdapterManifest, TrainInput } from '../../../preload/contract/worker.ts'
import { sha256Of, type RunFolder } from './run-folder.ts'

/** No part is larger, so that a download resumes part by part. */
const partBytes = 64_000_000

/** Version the scripted worker gives itself. */
export const quickTrainerVersion = '0.1.0'

interface Packing {
  readonly folder: RunFolder
  readonly input: TrainInput
  readonly files: ReadonlyMap<string, Buffer>
  readonly base: { readonly id: string; readonly revision: string | null; readonly fingerprint: string }
  readonly configSha256: string
  readonly nowMs: number
}

/** Writes parts and manifest as they leave the trainer; returns the manifest's hash. */
export function packAdapter({ folder, input, files, base, configSha256, nowMs }: Packing): string {
  const building = 'adapter.tmp-quick'
  folder.remove(building)
  const parts: AdapterManifest['parts'] = []
  for (const [file, data] of files) {
    for (let offset = 0; offset === 0 || offset < data.length; offset += partBytes) {
      const piece = data.subarray(offset, offset + partBytes)
      const name = `part-${String(parts.length + 1).padStart(4, '0')}`
      folder.write(`${building}/${name}`, piece)
      parts.push({ key: `adapter/${name}`, bytes: piece.length, sha256: sha256Of(piece), file, offset })
    }
  }
  folder.remove('manifest.json')
  folder.remove('adapter')
  folder.rename(building, 'adapter')
  const manifest: AdapterManifest = {
    v: 1,
    run_id: input.run_id,
    created_ms: nowMs,
    adapter_files: [...files].map(([name, data]) => ({ name, bytes: data.length, sha256: sha256Of(data) })),
    parts,
    base_model: base,
    dataset_sha256: input.dataset.sha256,
    config_sha256: configSha256,
    trainer_version: quickTrainerVersion,
  }
  const text = JSON.stringify(manifest, null, 1)
  folder.write('manifest.json', text)
  return sha256Of(text)
}
