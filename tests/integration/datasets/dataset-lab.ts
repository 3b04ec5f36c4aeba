import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import type { ChildProcess } from 'node:child_process'
import type { EventName } from '../../../preload/contract/contract.ts'
import type { Dataset } from '../../../preload/contract/datasets.ts'
import { migrate } from '../../../main/db/migrate.ts'
import { migrations } from '../../../main/db/migrations.ts'
import { openDatabase } from '../../../main/db/open.ts'
import type { EngineProcess } from '../../../main/features/datasets/engine/host/connect.ts'
import type { DatasetNotice } from '../../../main/features/datasets/preparation.ts'
import { createDatasetRepository, type DatasetRepository } from '../../../main/features/datasets/repository.ts'
import { createDatasetService, type DatasetService } from '../../../main/features/datasets/service.ts'
import type { TokenModels } from '../../../main/features/datasets/token-models.ts'
import { createUuidV7 } from '../../../main/lib/ids.ts'
import { silentLog } from '../../../main/lib/log.ts'
import { startTestEngine } from '../../support/datasets/engine-process.ts'

/** One app profile on disk that can be "restarted". */
export interface DatasetLab {
  readonly folder: string
  readonly datasetsFolder: string
  repository: DatasetRepository
  service: DatasetService
  readonly notices: DatasetNotice[]
  readonly events: LabEvent[]
  readonly usedByActiveRun: Set<string>
  readonly referencedByRun: Set<string>
  /** Processes of the engine that were started, the newest last. */
  readonly engines: ChildProcess[]
  /** What the file dialogs answer. */
  chosenFolder: string | null
  chosenFile: string | null
  write(name: string, content: string | Buffer): string
  /** Resolves with the next event that fits, or at once when it was already sent. */
  seen(fits: (event: LabEvent) => boolean): Promise<void>
  /** Imports a file and waits until it is checked. */
  import(name: string, content: string | Buffer): Promise<Dataset>
  /** Drops the service without a goodbye, as a crash does, and opens the same profile again. */
  restart(): Promise<void>
  close(): Promise<void>
}

type LabEvent = { name: EventName; payload: unknown }

interface LabOptions {
  /** Another way to start the engine. */
  startEngine?(): EngineProcess
  /** Models whose tokens can be counted; none without it. */
  tokenModels?: TokenModels
  wrapRepository?(repository: DatasetRepository): DatasetRepository
  samplesFolder?: string
}

const noTokenModels: TokenModels = {
  list: () => Promise.resolve([]),
  listVocabularies: () => Promise.resolve([]),
  find: () => Promise.resolve(null),
}

/** Opens a fresh profile with a real database, real files and the real worker thread. */
export function createDatasetLab(options: LabOptions = {}): DatasetLab {
  const folder = mkdtempSync(join(tmpdir(), 'datasets-'))
  const datasetsFolder = join(folder, 'datasets')
  const database = openDatabase({ path: join(folder, 'app.sqlite') })
  migrate(database, migrations, () => null)
  // Strictly increasing, so that "newest" never depends on the machine's speed.
  let nowMs = 1_700_000_000_000
  const clock = { nowMs: () => (nowMs += 1), after: () => () => undefined }

  const open = () => {
    const plain = createDatasetRepository(database)
    const repository = options.wrapRepository?.(plain) ?? plain
    const service = createDatasetService({
      repository,
      startEngine: options.startEngine ?? (() => startTestEngine((child) => void lab.engines.push(child))),
      tokenModels: options.tokenModels ?? noTokenModels,
      appVersion: '0.0.0-test',
      pickTargetFolder: () => Promise.resolve(lab.chosenFolder),
      pickTargetFile: () => Promise.resolve(lab.chosenFile),
      datasetsFolder,
      samplesFolder: options.samplesFolder ?? fileURLToPath(new URL('../../../resources/samples', import.meta.url)),
      clock,
      newId: () => createUuidV7(clock.nowMs()),
      events: {
        publish(name, payload) {
          lab.events.push({ name, payload })
          for (const waiting of waiters) waiting()
        },
      },
      notify: (notice) => void lab.notices.push(notice),
      log: silentLog,
      isUsedByActiveRun: (id) => lab.usedByActiveRun.has(id),
      isReferencedByRun: (id) => lab.referencedByRun.has(id),
    })
    return { repository, service }
  }
  const waiters = new Set<() => void>()
  const lab: DatasetLab = {
    folder,
    datasetsFolder,
    notices: [],
    events: [],
    usedByActiveRun: new Set(),
    referencedByRun: new Set(),
    engines: [],
    chosenFolder: null,
    chosenFile: null,
    ...open(),
    write(name, content) {
      const path = join(folder, name)
      writeFileSync(path, content)
      return path
    },
    seen: (fits) =>
      new Promise((resolve) => {
        const look = () => {
          if (!lab.events.some(fits)) return
          waiters.delete(look)
          resolve()
        }
        waiters.add(look)
        look()
      }),
    async import(name, content) {
      const { token } = await lab.service.preview(lab.write(name, content))
      const { id } = await lab.service.importChosen({ tokens: [token], name, mapping: null })
      await lab.service.whenSettled(id)
      return lab.service.get(id)
    },
    async restart() {
      await lab.service.dispose()
      Object.assign(lab, open())
      await lab.service.start()
    },
    async close() {
      await lab.service.dispose()
      database.close()
      rmSync(folder, { recursive: true, force: true })
    },
  }
  return lab
}

/** One good OpenAI chat row. */
export function goodRow(question: string, answer = 'Yes.'): string {
  return JSON.stringify({
    messages: [
      { role: 'user', content: question },
      { role: 'assistant', content: answer },
    ],
  })
}

/** A committed dataset fixture. */
export function readFixture(name: string): Buffer {
  return readFileSync(new URL(`../../fixtures/datasets/${name}`, import.meta.url))
}
