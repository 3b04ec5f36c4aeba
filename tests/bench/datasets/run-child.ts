import { execFile } from 'node:child_process'
import { readFile } from 'node:fs/promises'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { z } from 'zod'

/** What one run of a program cost, as the operating system counted it. */
export interface ChildCost {
  readonly wallMs: number
  /** User and system time of all its threads. */
  readonly cpuMs: number
  readonly peakBytes: number
}

/** A run that came to its end. */
export interface ChildRun extends ChildCost {
  /** The file that holds its standard output. */
  readonly outputPath: string
}

const costSchema = z.object({ wallMs: z.number(), cpuMs: z.number(), peakBytes: z.number(), exitCode: z.int() })
const measureScript = fileURLToPath(new URL('./python/measure.py', import.meta.url))
const root = fileURLToPath(new URL('../../../', import.meta.url))
const run = promisify(execFile)

/** The Python that references run in. */
export function pythonCommand(): string {
  return process.env['TUNESMITH_PYTHON'] ?? 'python3'
}

/** Path of one of the reference programs. */
export function pythonScript(name: string): string {
  return fileURLToPath(new URL(`./python/${name}.py`, import.meta.url))
}

/** Runs a program to its end with its output in a file; an exit status that is not expected is an error. */
export async function runChild(command: readonly string[], outputPath: string, expectedCodes: readonly number[] = [0]): Promise<ChildRun> {
  const { stdout, stderr } = await run(pythonCommand(), [measureScript, outputPath, ...command], { cwd: root, maxBuffer: 64 * 1024 * 1024 })
  const { exitCode, ...cost } = costSchema.parse(JSON.parse(stdout))
  if (!expectedCodes.includes(exitCode)) throw new Error(`${command.join(' ')} ended with status ${exitCode}\n${stderr.slice(-2000)}`)
  return { ...cost, outputPath }
}

/** The JSON object that a program printed, checked. */
export async function readOutput<T>(path: string, schema: z.ZodType<T>): Promise<T> {
  return schema.parse(JSON.parse(await readFile(path, 'utf8')))
}
