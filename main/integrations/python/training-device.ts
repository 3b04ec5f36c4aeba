import { cpus, totalmem } from 'node:os'
import type { LocalState } from '../../../preload/contract/endpoints.ts'
import { runCommand } from '../processes/run-command.ts'

type TrainingDevice = NonNullable<LocalState['device']>

const queryLimitMs = 10_000

/** What this computer trains on: an NVIDIA GPU, Apple's GPU, or else the processor. */
export async function detectTrainingDevice(): Promise<TrainingDevice> {
  const query = ['--query-gpu=name,memory.total', '--format=csv,noheader,nounits']
  const { code, lines } = await runCommand('nvidia-smi', query, { timeoutMs: queryLimitMs })
  const gpu = code === 0 ? readGpuLine(lines[0] ?? '') : undefined
  if (gpu !== undefined) return gpu
  const isApple = process.platform === 'darwin' && process.arch === 'arm64'
  const name = cpus()[0]?.model.trim() ?? ''
  return { kind: isApple ? 'mps' : 'cpu', name: name === '' ? 'Processor' : name, memoryBytes: totalmem() }
}

/** Reads "name, MiB" as nvidia-smi prints it; undefined when it says something else. */
export function readGpuLine(line: string): TrainingDevice | undefined {
  const match = /^(.+),\s*(\d+)\s*$/.exec(line)
  if (match === null) return undefined
  return { kind: 'cuda', name: (match[1] ?? '').trim(), memoryBytes: Number(match[2]) * 1024 * 1024 }
}
