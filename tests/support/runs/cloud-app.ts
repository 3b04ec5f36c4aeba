import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Adapter } from '../../../preload/contract/adapters.ts'
import type { Run, RunConfig } from '../../../preload/contract/runs.ts'
import { migrate } from '../../../main/db/migrate.ts'
import { migrations } from '../../../main/db/migrations.ts'
import { openDatabase } from '../../../main/db/open.ts'
import { createAdapterRepository } from '../../../main/features/adapters/repository.ts'
import { createAdapterService } from '../../../main/features/adapters/service.ts'
import { createBillReader } from '../../../main/features/costs/bill-reader.ts'
import { createBillRepository } from '../../../main/features/costs/bill-repository.ts'
import { createCalendar, type Span } from '../../../main/features/costs/calendar.ts'
import { createCostRepository } from '../../../main/features/costs/repository.ts'
import { createCostService } from '../../../main/features/costs/service.ts'
import { createRunEstimator } from '../../../main/features/runs/estimate/estimator.ts'
import { createForecastRepository } from '../../../main/features/runs/estimate/repository.ts'
import { createProgressRepository } from '../../../main/features/runs/progress/repository.ts'
import { createQueueRepository } from '../../../main/features/runs/queue/repository.ts'
import { createRunLogRepository } from '../../../main/features/runs/log/repository.ts'
import { createRunRepository } from '../../../main/features/runs/repository.ts'
import { createRunService } from '../../../main/features/runs/service.ts'
import { createRunpod } from '../../../main/integrations/runpod/runpod.ts'
import { createUuidV7 } from '../../../main/lib/ids.ts'
import { createLog } from '../../../main/lib/log.ts'
import type { CloudAddresses } from '../runpod-cloud/cloud.ts'
import { sha256 } from '../adapters/packed-adapter.ts'
import { createHurriedClock } from './hurried-clock.ts'
import { datasetId, endpointId, isEnded, runConfig, seedTables, stats } from './run-world.ts'

interface CloudAppOptions {
  readonly addresses: CloudAddresses
  /** The endpoint's id in the cloud. */
  readonly remoteId: string
  readonly priceMicroUsdPerHour?: number | null
  /** Kept over restarts; a new one is made without it. */
  readonly folder?: string
  readonly rows?: number
  /** The network volume to reach through S3; without one, files travel as jobs. */
  readonly volumeId?: string
  /** How many times faster the app's time goes than ours; slower where a real worker takes its real time. */
  readonly speed?: number
}

/** The parts of the app that carry a run on RunPod, over files in a folder of their own; opening it again is a restart. */
export function openCloudApp({
  addresses,
  remoteId,
  priceMicroUsdPerHour = 4_180_000,
  folder,
  rows = 40,
  volumeId,
  speed,
}: CloudAppOptions) {
  const home = folder ?? mkdtempSync(join(tmpdir(), 'tunesmith-app-'))
  const clock = createHurriedClock(originOf(home), speed)
  const problems: unknown[] = []
  const notices: string[] = []
  const lines: string[] = []
  const log = createLog((line) => {
    lines.push(JSON.stringify(line))
    if (line.level === 'error') problems.push(line.details ?? line.message)
  })
  const database = openDatabase({ path: join(home, 'tunesmith.sqlite') })
  migrate(database, migrations, () => null)
  seedTables(database, 'runpod', clock.nowMs(), remoteId)
  const dataset = writeDataset(home, rows)
  const newId = () => createUuidV7(clock.nowMs())
  const events = { publish: () => undefined }
  const base = { clock, newId, events, log }

  const runpod = createRunpod({
    addresses,
    transfersFolder: join(home, 'transfers'),
    userAgent: 'Tunesmith-test',
    clock,
    log,
    onJobBilled: (id, { action, ...job }) =>
      costs.recordJob({
        ...job,
        type: action === 'hello' ? 'hello' : 'transfer',
        endpointId: id,
        endpointName: 'Cloud',
        priceMicroUsdPerHour,
        endedAtMs: clock.nowMs(),
      }),
  })
  const connect = async () =>
    runpod.connect({ id: endpointId, endpointId: remoteId, apiKey: async () => addresses.apiKey, storage: storageOf(addresses, volumeId) })
  const billRepository = createBillRepository(database)
  const target = { endpointId: remoteId, apiKey: addresses.apiKey }
  const bills = createBillReader({
    ...base,
    repository: billRepository,
    sources: async () => [
      { subject: 'endpoint', remoteId, name: 'Cloud', read: (span) => runpod.endpointBill(target, span) },
      ...(volumeId === undefined
        ? []
        : [
            {
              subject: 'volume' as const,
              remoteId: volumeId,
              name: 'Cloud',
              read: (span: Span) => runpod.volumeBill({ ...target, volumeId }, span),
            },
          ]),
    ],
    onRead: () => undefined,
  })
  const month = { budgetMicroUsd: null as number | null }
  const costs = createCostService({
    ...base,
    repository: createCostRepository(database),
    bills: billRepository,
    monthBudget: () => month.budgetMicroUsd,
    activeRuns: () => runs.activeCosts(),
    pickCsvPath: async () => null,
    calendar: createCalendar('UTC'),
  })
  const adapters = createAdapterService({
    ...base,
    repository: createAdapterRepository(database),
    adaptersFolder: join(home, 'adapters'),
    quarantineFolder: join(home, 'quarantine'),
    notify: () => undefined,
    describeRun: (id) => runs.get(id),
    listTrainLosses: (id) => runs.listMetrics(id, -1).points.filter((point) => point.kind === 'train'),
    openVolume: async () => (await connect()).volume,
    shell: {
      startDrag: () => undefined,
      reveal: () => undefined,
      copyText: () => undefined,
      trash: async () => undefined,
      pickTargetFile: async () => null,
      pickTargetFolder: async () => null,
    },
  })
  const runs = createRunService({
    ...base,
    repository: createRunRepository(database),
    progress: createProgressRepository(database),
    runLog: createRunLogRepository(database),
    queue: createQueueRepository(database),
    estimator: createRunEstimator(createForecastRepository(database)),
    ports: {
      datasets: {
        describe: () => ({
          id: datasetId,
          name: 'notes',
          sha256: dataset.sha256,
          stats: stats(),
          isTrainable: true,
          validRows: rows,
          tokens: null,
        }),
        freeze: async () => dataset,
      },
      endpoints: {
        describe: () => ({
          id: endpointId,
          name: 'Cloud',
          kind: 'runpod',
          canTrain: true,
          reason: null,
          hasCuda: true,
          gpu: { name: 'NVIDIA H100 80GB HBM3', count: 1 },
          priceMicroUsdPerHour,
          balanceMicroUsd: null,
        }),
        connect,
      },
      adapters,
      costs: {
        ...costs,
        recordPackaging: (job) => costs.recordJob({ ...job, type: 'transfer', endedAtMs: clock.nowMs() }),
      },
      notify: ({ title }) => void notices.push(title),
      models: {
        describe: () => ({
          label: 'acme/tiny-1B',
          family: 'other',
          parameters: 1e9,
          hiddenSize: 2048,
          contextLength: 4096,
          isGated: false,
        }),
      },
    },
    pickCsvPath: async () => null,
    pickLogPath: async () => null,
    copyText: () => undefined,
  })

  return {
    home,
    runs,
    connect,
    costs,
    /** RunPod's bill, read when a test asks. */
    bills,
    /** Titles of the notices of runs. */
    notices,
    /** The month's budget, as the settings would have it. */
    month,
    /** Everything logged, as it is stored. */
    lines,
    /** What was logged as an error. */
    problems,
    clock,
    start: (changes: Partial<RunConfig> = {}, hyperparameters: Partial<RunConfig['hyperparameters']> = {}) =>
      runs.start({ ...runConfig({ max_steps: 20, save_every_steps: 5, ...hyperparameters }), ...changes }, ''),
    enqueue: (changes: Partial<RunConfig> = {}, hyperparameters: Partial<RunConfig['hyperparameters']> = {}) =>
      runs.enqueue({ ...runConfig({ max_steps: 20, save_every_steps: 5, ...hyperparameters }), ...changes }, ''),
    /** What has to be true before a test goes on, looked at as often as the app itself does. */
    until: (isTrue: () => boolean) => until(clock, isTrue),
    ended: async (id: string): Promise<Run> => {
      await until(clock, () => isEnded(runs.get(id)))
      return runs.get(id)
    },
    adapters: (): readonly Adapter[] => adapters.list({ search: '', sort: 'newest' }),
    eventTypes: (id: string) => runs.listEvents(id).map(({ type }) => type),
    /** Quits as the app does; the folder stays. */
    async quit() {
      await runs.dispose()
      await adapters.dispose()
      database.close()
    },
    remove: () => rmSync(home, { recursive: true, force: true, maxRetries: 5 }),
  }
}

export type CloudApp = ReturnType<typeof openCloudApp>

function storageOf({ s3AccessKeyId, s3SecretAccessKey }: CloudAddresses, volumeId: string | undefined) {
  if (volumeId === undefined) return null
  const keys = { accessKeyId: s3AccessKeyId, secretAccessKey: s3SecretAccessKey }
  return { volumeId, dataCentreId: 'EU-RO-1', keys: async () => keys }
}

/** When the app of this folder was first opened. */
function originOf(home: string): number {
  const path = join(home, 'first-opened')
  if (!existsSync(path)) writeFileSync(path, String(Date.now()))
  return Number(readFileSync(path, 'utf8'))
}

const lookAgainMs = 500
const mostLooks = 100_000

async function until(clock: ReturnType<typeof createHurriedClock>, isTrue: () => boolean): Promise<void> {
  for (let look = 0; !isTrue(); look += 1) {
    if (look > mostLooks) throw new Error('It did not come about')
    await new Promise<void>((resolve) => void clock.after(lookAgainMs, resolve))
  }
}

function writeDataset(home: string, rows: number) {
  const row = (number: number) => ({
    messages: [
      { role: 'user', content: `How many legs have ${number} spiders?` },
      { role: 'assistant', content: `They have ${number * 8} legs.` },
    ],
  })
  const text = Array.from({ length: rows }, (_, number) => `${JSON.stringify(row(number))}\n`).join('')
  mkdirSync(join(home, 'frozen'), { recursive: true })
  const path = join(home, 'frozen', 'notes.jsonl')
  writeFileSync(path, text)
  return { path, sha256: sha256(text), bytes: statSync(path).size, rows }
}
