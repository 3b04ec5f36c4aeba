import { readFileSync } from 'node:fs'
import { registerHooks } from 'node:module'
import { fileURLToPath } from 'node:url'

// The build takes migrations in as text and JSON as values; Node has to be told to do the same.
registerHooks({
  load(url, context, nextLoad) {
    const isText = url.endsWith('.sql?raw')
    if (!isText && !url.endsWith('.json')) return nextLoad(url, context)
    const text = readFileSync(fileURLToPath(url.replace(/\?raw$/, '')), 'utf8')
    return { format: 'module', source: `export default ${isText ? JSON.stringify(text) : text}`, shortCircuit: true }
  },
})
