/** Switches Node's inspection arguments on in a packaged app, so that tests can drive it. Runs under the project's Node. */
import { createRequire } from 'node:module'
import path from 'node:path'
import { pathToFileURL } from 'node:url'

const [root, executable] = process.argv.slice(2)
const require = createRequire(path.join(root, 'package.json'))
const { flipFuses, FuseV1Options, FuseVersion } = await import(pathToFileURL(require.resolve('@electron/fuses')).href)
await flipFuses(executable, { version: FuseVersion.V1, [FuseV1Options.EnableNodeCliInspectArguments]: true })
