import { z } from 'zod'
import { runCommand } from '../processes/run-command.ts'

/** A Python that can be used, and what is installed in it. */
export interface FoundPython {
  readonly executable: string
  readonly version: string
  /** Names of the trainer's packages that it lacks. */
  readonly missing: readonly string[]
}

/** The oldest Python the trainer runs on. */
export const oldestPython = { major: 3, minor: 10 } as const

const packages = ['torch', 'transformers', 'peft', 'accelerate', 'safetensors', 'runpod'] as const
const probe = `
import importlib.util, json, sys
names = ${JSON.stringify(packages)}
print(json.dumps({"version": list(sys.version_info[:3]), "executable": sys.executable, "missing": [n for n in names if importlib.util.find_spec(n) is None]}))
`
const answerSchema = z.object({
  version: z.tuple([z.int(), z.int(), z.int()]),
  executable: z.string().min(1),
  missing: z.array(z.string()),
})
const probeLimitMs = 30_000

/** Asks one program whether it is a new enough Python; undefined when it is not. */
export async function probePython(program: string, args: readonly string[] = []): Promise<FoundPython | undefined> {
  // -I keeps the user's PYTHONPATH and the current folder from answering for the environment.
  const { code, lines } = await runCommand(program, [...args, '-I', '-c', probe], { timeoutMs: probeLimitMs })
  if (code !== 0) return undefined
  const parsed = answerSchema.safeParse(parseJson(lines.at(-1) ?? ''))
  if (!parsed.success) return undefined
  const { version, executable, missing } = parsed.data
  const [major, minor] = version
  const isNewEnough = major > oldestPython.major || (major === oldestPython.major && minor >= oldestPython.minor)
  return isNewEnough ? { executable, version: version.join('.'), missing } : undefined
}

/** The first new enough Python on this computer's path; the versions packages are built for come first. */
export async function findSystemPython(): Promise<FoundPython | undefined> {
  for (const [program, ...args] of candidates()) {
    const found = await probePython(program, args)
    if (found !== undefined) return found
  }
  return undefined
}

function candidates(): readonly (readonly [string, ...string[]])[] {
  const named = [['python3.12'], ['python3.11'], ['python3.13'], ['python3'], ['python3.10'], ['python']] as const
  return process.platform === 'win32' ? [['py', '-3'], ['python'], ['python3']] : named
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    // Another program of that name answered.
    return undefined
  }
}
