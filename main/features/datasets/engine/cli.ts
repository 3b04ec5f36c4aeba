import { fileURLToPath } from 'node:url'
import { quickSearch } from './cli/search.ts'

const argv = process.argv.slice(2)
const isSource = import.meta.url.endsWith('.ts')
const output = {
  write: (text: string) => process.stdout.write(text),
  writeError: (text: string) => process.stderr.write(text),
  environment: process.env,
  // Both stand beside the bundle, or among the sources when they are run as they are.
  workerScript: new URL(isSource ? './pass/pass.worker.ts' : './dataset-worker.js', import.meta.url),
  vocabularies: fileURLToPath(new URL(isSource ? '../../../../out/vocabularies' : '../vocabularies', import.meta.url)),
}
process.exitCode = (await quickSearch(argv, output)) ?? (await (await import('./cli/commands.ts')).runCommand(argv, output))
