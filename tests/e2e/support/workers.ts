import { readdirSync, readFileSync } from 'node:fs'

/** The worker or trainer processes of one profile; those of other programs on the machine are none of them. */
export function workersOf(profile: string, script: 'handler.py' | 'train_lora.py' | null = null): number[] {
  return readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .filter((pid) => {
      const args = read(`/proc/${pid}/cmdline`)
      const isWorker = script === null ? /handler\.py|train_lora\.py/.test(args) : args.includes(script)
      return isWorker && (args.includes(profile) || read(`/proc/${pid}/environ`).includes(profile))
    })
    .map(Number)
}

/** What the kernel says of a process; nothing when it has just ended. */
function read(path: string): string {
  try {
    return readFileSync(path, 'utf8')
  } catch {
    return ''
  }
}
