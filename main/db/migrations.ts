import initial from './migrations/0001-initial.sql?raw'
import datasetEngine from './migrations/0002-dataset-engine.sql?raw'
import trainerReports from './migrations/0003-trainer-reports.sql?raw'
import runForecast from './migrations/0004-run-forecast.sql?raw'
import remoteEndpoints from './migrations/0005-remote-endpoints.sql?raw'
import costLedger from './migrations/0006-cost-ledger.sql?raw'
import runQueue from './migrations/0007-run-queue.sql?raw'
import runLog from './migrations/0008-run-log.sql?raw'
import endpointSetup from './migrations/0009-endpoint-setup.sql?raw'
import type { Migration } from './migrate.ts'

/** Every shipped migration in order; a shipped one is never edited. */
export const migrations: readonly Migration[] = [
  { version: 1, name: '0001-initial', sql: initial },
  { version: 2, name: '0002-dataset-engine', sql: datasetEngine },
  { version: 3, name: '0003-trainer-reports', sql: trainerReports },
  { version: 4, name: '0004-run-forecast', sql: runForecast },
  { version: 5, name: '0005-remote-endpoints', sql: remoteEndpoints },
  { version: 6, name: '0006-cost-ledger', sql: costLedger },
  { version: 7, name: '0007-run-queue', sql: runQueue },
  { version: 8, name: '0008-run-log', sql: runLog },
  { version: 9, name: '0009-endpoint-setup', sql: endpointSetup },
]
