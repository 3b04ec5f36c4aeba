import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import type { RouteInput } from '../../../preload/contract/contract.ts'
import type { Setup } from '../../../preload/contract/endpoint-setups.ts'
import { migrate } from '../../../main/db/migrate.ts'
import { migrations } from '../../../main/db/migrations.ts'
import { openDatabase } from '../../../main/db/open.ts'
import { createEndpointKeys } from '../../../main/features/endpoints/endpoint-keys.ts'
import type { KeyStore } from '../../../main/features/endpoints/ports.ts'
import { createEndpointRepository } from '../../../main/features/endpoints/repository.ts'
import { createEndpointService } from '../../../main/features/endpoints/service.ts'
import { createSetupRepository } from '../../../main/features/endpoints/setup/repository.ts'
import { createSetupService } from '../../../main/features/endpoints/setup/service.ts'
import { createRunpod } from '../../../main/integrations/runpod/runpod.ts'
import { readWorkerPackage } from '../../../main/integrations/worker-package/worker-package.ts'
import { createUuidV7 } from '../../../main/lib/ids.ts'
import { createLog } from '../../../main/lib/log.ts'
import { sha256 } from '../adapters/packed-adapter.ts'
import type { CloudAddresses } from '../runpod-cloud/cloud.ts'
import { createHurriedClock } from '../runs/hurried-clock.ts'

/** What outlives a restart of the app: its folder and the system's keychain. */
export interface SetupHome {
  readonly folder: string
  readonly secrets: Map<string, string>
  readonly originMs: number
  /** Code of the worker that the app brings; another text is another version. */
  code: string
  remove(): void
}

/** A fresh computer. */
export function createSetupHome(): SetupHome {
  const folder = mkdtempSync(join(tmpdir(), 'tunesmith-setups-'))
  return {
    folder,
    secrets: new Map(),
    originMs: Date.now(),
    code: 'the worker, first version',
    remove: () => rmSync(folder, { recursive: true, force: true, maxRetries: 5 }),
  }
}

/** The parts of the app that make endpoints, over a home of their own; opening it again is a restart. */
export function openSetupApp(home: SetupHome, addresses: CloudAddresses) {
  const clock = createHurriedClock(home.originMs)
  const problems: unknown[] = []
  const lines: string[] = []
  const log = createLog((line) => {
    lines.push(JSON.stringify(line))
    if (line.level === 'error') problems.push(line.details ?? line.message)
  })
  const database = openDatabase({ path: join(home.folder, 'tunesmith.sqlite') })
  migrate(database, migrations, () => null)
  const listeners = new Set<() => void>()
  const base = {
    clock,
    log,
    newId: () => createUuidV7(clock.nowMs()),
    events: { publish: () => listeners.forEach((listener) => listener()) },
  }
  const keys = createEndpointKeys(keychainOf(home.secrets))
  const inUse = new Set<string>()
  const runpod = createRunpod({ addresses, transfersFolder: join(home.folder, 'transfers'), userAgent: 'Tunesmith-test', clock, log })
  const endpoints = createEndpointService({
    ...base,
    repository: createEndpointRepository(database),
    local: noComputer,
    keys,
    runpod,
    isInUse: (id) => inUse.has(id),
    isOurs: (id) => setups.has(id),
  })
  const setups = createSetupService({
    ...base,
    repository: createSetupRepository(database),
    runpod,
    endpoints,
    models: {
      describe: () => ({
        label: 'SmolLM2 135M',
        family: 'smollm',
        parameters: 134_515_008,
        hiddenSize: 576,
        contextLength: 8192,
        isGated: false,
      }),
    },
    keys,
    workerFiles: () => readWorkerPackage(packWorker(home)),
    isInUse: (id) => inUse.has(id),
    newErrorId: () => 'ab12',
  })
  const whenSetup = (isWanted: (found: Setup | undefined) => boolean): Promise<Setup | undefined> =>
    new Promise((resolve) => {
      const look = () => {
        const [found] = setups.list()
        if (!isWanted(found)) return
        listeners.delete(look)
        resolve(found)
      }
      listeners.add(look)
      look()
    })
  endpoints.start()
  return {
    setups,
    endpoints,
    database,
    inUse,
    problems,
    lines,
    whenSetup,
    /** Resolves when nothing is being done about the set-up: it is through, it failed, or nothing is left of it. */
    whenStill: () => whenSetup((found) => found === undefined || !found.isWorking),
    async close() {
      endpoints.dispose()
      await setups.dispose()
      database.close()
    },
  }
}
export type SetupApp = ReturnType<typeof openSetupApp>

/** The least a user says: a name, keys, a model, and the first of what is proposed. */
export async function agreedInput(
  app: SetupApp,
  addresses: CloudAddresses,
): Promise<RouteInput<'endpointSetups.create'> & { s3Keys: { accessKeyId: string; secret: string } }> {
  const need = {
    baseModel: { kind: 'huggingface', id: 'HuggingFaceTB/SmolLM2-135M-Instruct', revision: null },
    loadIn4bit: false,
    volumeGb: null,
  } as const
  const { proposals } = await app.setups.propose({ apiKey: addresses.apiKey, need })
  const [proposal] = proposals
  if (proposal === undefined) throw new Error('Nothing was proposed')
  return {
    name: 'Studio',
    apiKey: addresses.apiKey,
    s3Keys: { accessKeyId: addresses.s3AccessKeyId, secret: addresses.s3SecretAccessKey },
    image: { kind: 'stock' },
    need,
    hfTokenSecret: null,
    proposal,
  }
}

function keychainOf(secrets: Map<string, string>): KeyStore {
  return {
    find: async (account) => {
      const secret = secrets.get(account)
      return secret === undefined ? undefined : { secret, stored: 'keychain' }
    },
    set: async (account, secret) => {
      secrets.set(account, secret)
      return 'keychain'
    },
    delete: async (account) => void secrets.delete(account),
    status: async () => ({ isAvailable: true, message: 'Keys are kept in the keychain.' }),
  }
}

/** A worker as the build packs it, with other code in it. */
function packWorker({ folder, code }: SetupHome): string {
  const target = join(folder, 'worker')
  const archive = Buffer.from(code)
  const bootstrap = Buffer.from('print("start")')
  const files = [
    { key: `tunesmith/code/${sha256(archive)}/trainer.tar.gz`, data: archive },
    { key: `tunesmith/bootstrap/${sha256(bootstrap)}.py`, data: bootstrap },
  ]
  for (const { key, data } of files) {
    mkdirSync(dirname(join(target, key)), { recursive: true })
    writeFileSync(join(target, key), data)
  }
  const description = {
    image: 'runpod/pytorch:test',
    startCommand: 'python3 -c "start"',
    env: { TUNESMITH_CODE_SHA256: sha256(archive), TUNESMITH_BOOTSTRAP_SHA256: sha256(bootstrap) },
    files: files.map(({ key, data }) => ({ key, sha256: sha256(data) })),
  }
  writeFileSync(join(target, 'worker.json'), JSON.stringify(description))
  return target
}

const noComputer = {
  python: () => ({ status: 'missing', version: null, message: 'No Python.', progress: null }) as const,
  device: () => null,
  workerState: () => 'stopped' as const,
  freeBytes: async () => 0,
  setUp: async () => undefined,
  connect: () => Promise.reject(new Error('not in this test')),
}
