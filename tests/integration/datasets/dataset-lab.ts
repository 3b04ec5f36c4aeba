import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import type { EventName } from '../../../preload/contract/contract.ts'
import type { Dataset } from '../../../preload/contract/datasets.ts'
import { migrate } from '../../../main/db/migrate.ts'
import { migrations } from '../../../main/db/migrations.ts'
import { openDatabase } from '../../../main/db/open.ts'
import type { DatasetNotice } from '../../../main/features/datasets/preparation.ts'
import { createDatasetRepository, type DatasetRepository } from '../../../main/features/datasets/repository.ts'
import { createDatasetService, type DatasetService } from '../../../main/features/datasets/service.ts'
import { createThreadValidator, type DatasetValidator } from '../../../main/features/datasets/thread-validator.ts'
import { createUuidV7 } from '../../../main/lib/ids.ts'
import { silentLog } from '../../../main/lib/log.ts'

/** One app profile on disk that can be "restarted". */
export interface DatasetLab {
  readonly folder: string
  readonly datasetsFolder: string
  repository: DatasetRepository
  service: DatasetService
  readonly notices: DatasetNotice[]
  readonly events: { name: EventName; payload: unknown }[]
  readonly usedByActiveRun: Set<string>
  readonly referencedByRun: Set<string>
  write(name: string, content: string | Buffer): string
  /** Imports a file and waits until it is checked. */
  import(name: string, content: string | Buffer): Promise<Dataset>
  /** Drops the service without a goodbye, as a crash does, and opens the same profile again. */
  restart(): Promise<void>
  close(): Promise<void>
}

interface LabOptions {
  wrapValidator?(validator: DatasetValidator): DatasetValidator
  wrapRepository?(repository: DatasetRepository): DatasetRepository
  samplesFolder?: string
}

const workerScript = new URL('../../../main/features/datasets/validate.worker.ts', import.meta.url)

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
    const validator = createThreadValidator({ script: workerScript })
    const service = createDatasetService({
      repository,
      validator: options.wrapValidator?.(validator) ?? validator,
      datasetsFolder,
      samplesFolder: options.samplesFolder ?? fileURLToPath(new URL('../../../resources/samples', import.meta.url)),
      clock,
      newId: () => createUuidV7(clock.nowMs()),
      events: { publish: (name, payload) => void lab.events.push({ name, payload }) },
      notify: (notice) => void lab.notices.push(notice),
      log: silentLog,
      isUsedByActiveRun: (id) => lab.usedByActiveRun.has(id),
      isReferencedByRun: (id) => lab.referencedByRun.has(id),
    })
    return { repository, service }
  }
  const lab: DatasetLab = {
    folder,
    datasetsFolder,
    notices: [],
    events: [],
    usedByActiveRun: new Set(),
    referencedByRun: new Set(),
    ...open(),
    write(name, content) {
      const path = join(folder, name)
      writeFileSync(path, content)
      return path
    },
    async import(name, content) {
      const { token } = await lab.service.preview(lab.write(name, content))
      const { id } = await lab.service.importChosen({ token, name })
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
