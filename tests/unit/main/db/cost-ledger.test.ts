import { expect, it } from 'vitest'
import { createCostRepository } from '../../../../main/features/costs/repository.ts'
import { migrate } from '../../../../main/db/migrate.ts'
import { migrations } from '../../../../main/db/migrations.ts'
import { openDatabase } from '../../../../main/db/open.ts'
import { createUuidV7 } from '../../../../main/lib/ids.ts'
import { insertRun } from '../../../support/memory-database.ts'

const isLedger = ({ name }: { readonly name: string }) => name.includes('cost-ledger')

it('an update of the app would lose what earlier runs cost, or charge one of them again', () => {
  const database = openDatabase({ path: ':memory:' })
  const before = migrations.slice(0, migrations.findIndex(isLedger))
  migrate(database, before, () => null)
  const kept = createUuidV7(1_000)
  insertRun(database, kept)
  const insert = database.prepare(
    `INSERT INTO cost_record (id, run_id, run_name, type, endpoint_kind, amount_micro_usd, duration_ms, detail, recorded_at_ms)
     VALUES (?, ?, 'A run', 'training_compute', 'runpod', ?, 60000, 'One minute.', ?)`,
  )
  insert.run(createUuidV7(3_000), kept, 250_000, 5_000)
  insert.run(createUuidV7(4_000), null, 70_000, 4_000)
  migrate(database, migrations, () => null)

  const repository = createCostRepository(database)
  const [first, second] = repository.list(null, null)
  expect(first).toMatchObject({
    sourceKey: `run:${kept}`,
    remoteId: 'abc',
    record: { runId: kept, amountMicroUsd: 250_000, endpointName: 'e' },
  })
  expect(second?.record).toMatchObject({ runId: null, amountMicroUsd: 70_000, span: null, parts: null })
  if (first === undefined) throw new Error('The record is gone')
  const again = { ...first.record, id: createUuidV7(6_000), sourceKey: `run:${kept}`, endpointId: createUuidV7(5_000) }
  expect(repository.insertOnce(again)).toBe(false)
})
