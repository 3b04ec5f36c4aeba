import { createHash } from 'node:crypto'
import { mkdirSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import type { AdapterManifest, WorkerResult } from '../../../preload/contract/worker.ts'

/** SHA-256 of bytes in lower-case hexadecimal. */
export function sha256(bytes: Uint8Array | string): string {
  return createHash('sha256').update(bytes).digest('hex')
}

/** A safetensors file with the given header object, followed by data. */
export function safetensors(header: unknown, data: Uint8Array): Buffer {
  const json = Buffer.from(JSON.stringify(header))
  const length = Buffer.alloc(8)
  length.writeBigUInt64LE(BigInt(json.length))
  return Buffer.concat([length, json, data])
}

/** Header of one pair of LoRA matrices of rank 4. */
export function loraHeader(prefix = 'base_model.model.model.layers.0.self_attn.q_proj') {
  return {
    __metadata__: { format: 'pt' },
    [`${prefix}.lora_A.weight`]: { dtype: 'F32', shape: [4, 8], data_offsets: [0, 128] },
    [`${prefix}.lora_B.weight`]: { dtype: 'F32', shape: [8, 4], data_offsets: [128, 256] },
  }
}

/** The files a trainer packs for a small run. */
export function adapterFiles(): Record<string, Buffer> {
  const config = {
    peft_type: 'LORA',
    r: 4,
    lora_alpha: 8,
    target_modules: ['q_proj'],
    base_model_name_or_path: '/volume/models/acme--tiny',
  }
  return {
    'README.md': Buffer.from('# LoRA adapter\n'),
    'adapter_config.json': Buffer.from(JSON.stringify(config)),
    'adapter_model.safetensors': safetensors(loraHeader(), Buffer.from(Array.from({ length: 256 }, (_, at) => at))),
    'tokenizer.json': Buffer.from('{"version":"1.0"}'),
  }
}

/** Splits files into parts as a trainer does. */
export function packFiles(runId: string, files: Readonly<Record<string, Buffer>>, partBytes = 100) {
  const parts: { key: string; data: Buffer; file: string; offset: number }[] = []
  for (const [file, data] of Object.entries(files)) {
    for (let offset = 0; offset === 0 || offset < data.length; offset += partBytes) {
      const key = `adapter/part-${String(parts.length + 1).padStart(4, '0')}`
      parts.push({ key, data: data.subarray(offset, offset + partBytes), file, offset })
    }
  }
  const manifest: AdapterManifest = {
    v: 1,
    run_id: runId,
    created_ms: 1_700_000_000_000,
    adapter_files: Object.entries(files).map(([name, data]) => ({ name, bytes: data.length, sha256: sha256(data) })),
    parts: parts.map(({ key, data, file, offset }) => ({ key, bytes: data.length, sha256: sha256(data), file, offset })),
    base_model: { id: 'acme/tiny-1B', revision: 'main', fingerprint: 'f' },
    dataset_sha256: 'a'.repeat(64),
    config_sha256: 'b'.repeat(64),
    trainer_version: '1.0.0',
  }
  return { manifest, parts }
}

/** Writes a packed adapter to a volume's folder; returns the hash of its packing list. */
export function writePacked(volumeFolder: string, { manifest, parts }: ReturnType<typeof packFiles>): string {
  const root = join(volumeFolder, 'runs', manifest.run_id)
  for (const { key, data } of parts) {
    mkdirSync(dirname(join(root, key)), { recursive: true })
    writeFileSync(join(root, key), data)
  }
  const text = JSON.stringify(manifest)
  writeFileSync(join(root, 'manifest.json'), text)
  return sha256(text)
}

/** The result of a run that went well. */
export function workerResult(runId: string, changes: Partial<WorkerResult> = {}): WorkerResult {
  return {
    v: 1,
    run_id: runId,
    status: 'completed',
    attempt: 1,
    error: null,
    steps_done: 100,
    steps_total: 100,
    loss_first: 2.5,
    loss_last: 1.2,
    eval_loss_base: 2,
    eval_loss_best: 1.2,
    eval_loss_last: 1.2,
    best_step: 100,
    tokens_trained: 10_000,
    train_seconds: 60,
    last_seq: 120,
    config_sha256: 'b'.repeat(64),
    dataset_sha256: 'a'.repeat(64),
    base_model: { id: 'acme/tiny-1B', revision: 'main', resolved: '/volume/models/acme--tiny', fingerprint: 'f' },
    manifest_sha256: 'c'.repeat(64),
    peak_memory_bytes: 1,
    eval_rows: Array.from({ length: 40 }, (_, at) => [2 + (at % 5) / 50, 1.2 + (at % 3) / 50, 20]),
    rows_truncated: 0,
    rows_dropped: 0,
    ...changes,
  }
}
