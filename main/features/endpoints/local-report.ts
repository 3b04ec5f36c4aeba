import type { ConnectionReport, LocalState } from '../../../preload/contract/endpoints.ts'

/** A small model with its checkpoints needs about this much. */
const enoughDiskBytes = 5e9

/** The same kind of report for this computer: Python, device, disk. */
export function localReport(state: LocalState, nowMs: number): ConnectionReport {
  const { python, device, diskFreeBytes } = state
  const isReady = python.status === 'ready'
  const hasSpace = diskFreeBytes >= enoughDiskBytes
  return {
    isOk: isReady,
    code: isReady ? 'OK' : 'NO_WORKERS',
    summary: isReady ? 'This computer is ready to train.' : 'This computer cannot train yet.',
    advice: isReady ? null : python.message,
    checks: [
      { name: 'Python', isOk: isReady, text: python.message },
      { name: 'Device', isOk: device !== null, text: device === null ? 'Not known yet.' : deviceText(device) },
      {
        name: 'Disk',
        isOk: hasSpace,
        text: `${(diskFreeBytes / 1e9).toFixed(1)} GB free${hasSpace ? '' : '. Models and checkpoints need more; free at least 5 GB'}.`,
      },
    ],
    checkedAtMs: nowMs,
  }
}

function deviceText({ kind, name, memoryBytes }: NonNullable<LocalState['device']>): string {
  const memory = memoryBytes === null ? '' : `, ${Math.round(memoryBytes / 1024 ** 3)} GB of memory`
  return kind === 'cpu' ? `${name}${memory}. Training runs on the processor, which is slow for large models.` : `${name}${memory}.`
}
