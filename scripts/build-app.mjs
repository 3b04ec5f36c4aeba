import { existsSync } from 'node:fs'
import { mkdir, readFile, readdir, stat, writeFile } from 'node:fs/promises'
import path from 'node:path'
import { withLock } from './dev-cache.mjs'
import { hashText } from './integrity.mjs'
import { runCommand } from './run-command.mjs'
import { stepError } from './step-error.mjs'

const SOURCES = ['main', 'preload', 'renderer', 'package.json', 'package-lock.json', 'tsconfig.json', 'resources/fonts']

async function listFiles(place) {
  const info = await stat(place).catch(() => undefined)
  if (info === undefined) return []
  if (!info.isDirectory()) return [`${place} ${info.size} ${info.mtimeMs}`]
  const nested = await Promise.all((await readdir(place)).sort().map((name) => listFiles(path.join(place, name))))
  return nested.flat()
}

const withoutStack = (lines) => lines.filter((text) => !/^\s+at /.test(text)).slice(-14)

/** Changes whenever a file that goes into the build does. */
export async function sourceStamp(root, sources = SOURCES) {
  const files = await Promise.all(sources.map((source) => listFiles(path.join(root, source))))
  return hashText(...files.flat())
}

/** Builds the app when its sources changed since the last time. */
export async function buildApp({ root, lines, env }) {
  await lines.step('Build', async (report) => {
    const stampFile = path.join(root, 'out', '.build-stamp')
    const outputs = ['main/index.js', 'preload/index.cjs', 'renderer/index.html'].map((name) => path.join(root, 'out', name))
    const stamp = await sourceStamp(root)
    const isCurrent = async () =>
      outputs.every((file) => existsSync(file)) && existsSync(stampFile) && (await readFile(stampFile, 'utf8')) === stamp
    if (await isCurrent()) return { summary: 'ready' }
    return withLock(
      path.join(root, 'out', 'build.lock'),
      async () => {
        if (await isCurrent()) return { summary: 'ready' }
        await mkdir(path.join(root, 'out'), { recursive: true })
        const logFile = path.join(root, 'out', 'build.log')
        const { code, tail } = await runCommand('electron-vite', ['build', '-c', 'main/build.config.ts'], { cwd: root, env, logFile })
        const missing = outputs.filter((file) => !existsSync(file)).map((file) => path.relative(root, file))
        if (code !== 0) throw stepError(`The build failed; the reason is in out/build.log:\n${withoutStack(tail).join('\n')}`)
        if (missing.length > 0) throw stepError(`The build left out ${missing.join(', ')}; see out/build.log and main/build.config.ts.`)
        await writeFile(stampFile, stamp)
        return { summary: 'built' }
      },
      () => report('waiting for another build'),
    )
  })
}
