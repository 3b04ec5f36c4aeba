import type { TrainInput } from '../../../preload/contract/worker.ts'
import { sha256Of } from './run-folder.ts'

const moduleName = 'base_model.model.model.layers.0.self_attn.q_proj'
const bytesPerFloat = 4
const smallestWidth = 8

/** A safetensors file of float32 tensors. */
export function safetensorsOf(tensors: readonly { name: string; shape: readonly number[]; data: Float32Array }[]): Buffer {
  let offset = 0
  const header: Record<string, unknown> = { __metadata__: { format: 'pt' } }
  for (const { name, shape, data } of tensors) {
    header[name] = { dtype: 'F32', shape, data_offsets: [offset, offset + data.byteLength] }
    offset += data.byteLength
  }
  const json = Buffer.from(JSON.stringify(header))
  const padded = Buffer.concat([json, Buffer.alloc((8 - (json.length % 8)) % 8, ' ')])
  const length = Buffer.alloc(8)
  length.writeBigUInt64LE(BigInt(padded.length))
  return Buffer.concat([length, padded, ...tensors.map(({ data }) => Buffer.from(data.buffer, data.byteOffset, data.byteLength))])
}

/** LoRA weights of one layer that depend on nothing but run and step; about `bytes` long. */
export function loraWeights(runId: string, step: number, rank: number, bytes: number): Buffer {
  const width = Math.max(smallestWidth, Math.ceil(bytes / bytesPerFloat / rank / 2))
  const random = randomFrom(Number.parseInt(sha256Of(`${runId}/${step}`).slice(0, 8), 16))
  const fill = () => Float32Array.from({ length: rank * width }, () => (random() - 0.5) * 0.04)
  return safetensorsOf([
    { name: `${moduleName}.lora_A.weight`, shape: [rank, width], data: fill() },
    { name: `${moduleName}.lora_B.weight`, shape: [width, rank], data: fill() },
  ])
}

/** The files of an adapter as the trainer packs them, weights given. */
export function adapterFilesOf(input: TrainInput, baseId: string, weights: Buffer, summary: Record<string, unknown>): Map<string, Buffer> {
  const { lora_r: r, lora_alpha: alpha, lora_dropout: dropout } = input.hyperparameters
  const config = {
    base_model_name_or_path: baseId,
    bias: 'none',
    fan_in_fan_out: false,
    inference_mode: true,
    lora_alpha: alpha,
    lora_dropout: dropout,
    peft_type: 'LORA',
    r,
    revision: input.base_model.kind === 'huggingface' ? input.base_model.revision : null,
    target_modules: ['q_proj'],
    task_type: 'CAUSAL_LM',
  }
  const json = (value: unknown) => Buffer.from(JSON.stringify(value, null, 1))
  return new Map([
    ['README.md', Buffer.from(`---\nbase_model: ${baseId}\nlibrary_name: peft\n---\n# LoRA adapter of ${baseId}\n`)],
    ['adapter_config.json', json(config)],
    ['adapter_model.safetensors', weights],
    ['chat_template.jinja', Buffer.from("{% for message in messages %}{{ message['content'] }}{% endfor %}")],
    ['tokenizer.json', json({ version: '1.0', model: { type: 'BPE', vocab: {}, merges: [] } })],
    ['tokenizer_config.json', json({ tokenizer_class: 'PreTrainedTokenizerFast' })],
    ['training_summary.json', json(summary)],
  ])
}

/** A small generator whose numbers depend on the seed alone. */
function randomFrom(seed: number): () => number {
  let state = seed >>> 0
  return () => {
    state = (state + 0x6d2b79f5) >>> 0
    let mixed = Math.imul(state ^ (state >>> 15), state | 1)
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61)
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4_294_967_296
  }
}
