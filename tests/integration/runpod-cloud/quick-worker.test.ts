import { readdirSync, readFileSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { z } from 'zod'
import { workerEventSchema } from '../../../preload/contract/worker-events.ts'
import { helloReplySchema, listReplySchema, putReplySchema, readEventsReplySchema } from '../../../preload/contract/worker-actions.ts'
import { jobReturnSchema, manifestSchema } from '../../../preload/contract/worker.ts'
import { createDirectoryVolume } from '../../../main/integrations/volume/directory-volume.ts'
import { sha256 } from '../../support/adapters/packed-adapter.ts'
import { createAdapterLab } from '../adapters/adapter-lab.ts'
import { openCloudLab, type CloudLab } from './cloud-lab.ts'

let lab: CloudLab
beforeEach(async () => void (lab = await openCloudLab()))
afterEach(() => lab.close())

const runFiles = (runId: string, ...path: string[]) => join(lab.volumeFolder, 'runs', runId, ...path)

describe('the scripted worker', () => {
  it('leaves on the volume what the trainer leaves, in the contract’s words', async () => {
    const input = lab.trainInput()
    const { status } = await lab.train(input)
    expect(status.status).toBe('COMPLETED')
    const answer = jobReturnSchema.parse(status.output)
    const result = lab.result(input.run_id)
    expect(result).toMatchObject({ status: 'completed', attempt: 1, steps_done: 20, steps_total: 20, error: null, ended_by: null })
    const manifestText = readFileSync(runFiles(input.run_id, 'manifest.json'), 'utf8')
    expect(sha256(manifestText)).toBe(result?.manifest_sha256)
    expect(answer.manifest_sha256).toBe(result?.manifest_sha256)
    const manifest = manifestSchema.parse(JSON.parse(manifestText))
    for (const part of manifest.parts) expect(sha256(readFileSync(runFiles(input.run_id, part.key)))).toBe(part.sha256)
    const lines = await createDirectoryVolume(lab.volumeFolder).readEventLines(input.run_id, 0, 10_000)
    const events = lines.map((line) => workerEventSchema.parse(JSON.parse(line)))
    expect(events.map((event) => event.seq)).toEqual(events.map((_, index) => index + 1))
    expect(events.filter((event) => event.kind === 'step')).toHaveLength(20)
    expect(events.at(-1)).toMatchObject({ kind: 'finished', status: 'completed', seq: result?.last_seq })
    expect(readdirSync(runFiles(input.run_id, 'checkpoints')).toSorted()).toEqual(['LATEST', 'step-18', 'step-20'])
    expect(z.object({ released: z.boolean() }).parse(JSON.parse(readFileSync(runFiles(input.run_id, 'lease.json'), 'utf8'))).released).toBe(
      true,
    )
  })

  it('its adapter passes every check of the app, also in parts of a larger one', async () => {
    const adapters = createAdapterLab()
    await lab.close()
    lab = await openCloudLab({ quick: { adapterBytes: 130_000_000 } })
    const input = { ...lab.trainInput({ max_steps: 2, save_every_steps: 50, eval_fraction: 0 }), run_id: adapters.runId }
    await lab.train(input)
    const result = lab.result(adapters.runId)
    if (result === null) throw new Error('There is no result')
    const run = { ...adapters.run, id: adapters.runId }
    await adapters.service.collect(run, result, createDirectoryVolume(lab.volumeFolder), () => undefined)
    expect(adapters.adapter()).toMatchObject({ status: 'verified', baseModelId: 'acme/tiny-1B' })
    const parts = readdirSync(runFiles(adapters.runId, 'adapter'))
    expect(parts.length).toBeGreaterThan(8)
    for (const part of parts) expect(statSync(runFiles(adapters.runId, 'adapter', part)).size).toBeLessThanOrEqual(64_000_000)
    await adapters.close()
  })

  it('a second job of a finished run returns its result without training', async () => {
    const input = lab.trainInput()
    const first = await lab.train(input)
    const second = await lab.train(input)
    expect(second.status.output).toEqual(first.status.output)
    const truth = await lab.truthOf(input.run_id)
    expect(truth.jobIds).toEqual([first.jobId, second.jobId])
    expect(truth.steps).toMatchObject({ executed: 20, distinct: 20, completions: 1, mostWorkersAtOnce: 1 })
  })

  it('a run killed at a step goes on from its last checkpoint, and the job shows one retry', async () => {
    const input = lab.trainInput()
    await lab.control.addFault({ operation: 'job.train', effect: { kind: 'kill', at: 13 } })
    const { status } = await lab.train(input)
    expect(status).toMatchObject({ status: 'COMPLETED', retries: 1 })
    expect(lab.result(input.run_id)).toMatchObject({ status: 'completed', attempt: 2, steps_done: 20 })
    const truth = await lab.truthOf(input.run_id)
    expect(truth.steps).toMatchObject({ executed: 23, distinct: 20, completions: 1, mostWorkersAtOnce: 1 })
    expect(truth.adapters).toEqual([expect.objectContaining({ status: 'completed', isIntact: true })])
  })

  it('an adapter that was written before the worker died is packed again, and the result comes once', async () => {
    const input = lab.trainInput()
    await lab.control.addFault({ operation: 'job.train', effect: { kind: 'kill', at: 'adapter' } })
    await lab.train(input)
    expect(lab.result(input.run_id)).toMatchObject({ attempt: 2, steps_done: 20 })
    expect((await lab.truthOf(input.run_id)).steps).toMatchObject({ executed: 20, completions: 1 })
  })

  it('a worker that dies after result.json is asked again and answers from the volume', async () => {
    const input = lab.trainInput()
    await lab.control.addFault({ operation: 'job.train', effect: { kind: 'kill', at: 'result' } })
    const { status } = await lab.train(input)
    expect(status).toMatchObject({ status: 'COMPLETED', retries: 1, output: { status: 'completed' } })
    expect(lab.result(input.run_id)?.attempt).toBe(1)
  })

  it('a cancelled run stops, keeps its adapter, and no later job trains on', async () => {
    const input = lab.trainInput()
    await lab.control.hold({ runId: input.run_id, at: 7 })
    const jobId = await lab.post(input)
    await lab.control.whenHeld({ runId: input.run_id })
    await lab.jobs.cancel(jobId)
    await lab.control.quiet({})
    expect(await lab.jobs.status(jobId)).toMatchObject({ status: 'CANCELLED' })
    expect(lab.result(input.run_id)).toMatchObject({ status: 'stopped', ended_by: 'user', steps_done: 7 })
    const again = await lab.train(input)
    expect(again.status.output).toMatchObject({ status: 'stopped' })
    expect((await lab.truthOf(input.run_id)).steps.executed).toBe(7)
  })

  it('a job that raises a contract error fails with its words, and changed settings are refused', async () => {
    const broken = await lab.train({ ...lab.trainInput(), v: 2 } as never)
    expect(broken.status).toMatchObject({ status: 'FAILED' })
    expect(broken.status.error).toContain('INVALID_INPUT: input.v')
    const input = lab.trainInput()
    await lab.train(input)
    const changed = await lab.train({ ...input, hyperparameters: { ...input.hyperparameters, seed: 7 } })
    expect(changed.status.error).toContain('CONFIG_MISMATCH')
  })

  it('a training file that is not on the volume is a failed result inside a completed job', async () => {
    const input = lab.trainInput()
    const dataset = { ...input.dataset, sha256: 'a'.repeat(64), key: `datasets/${'a'.repeat(64)}.jsonl` }
    const { status } = await lab.train({ ...input, dataset })
    expect(status).toMatchObject({ status: 'COMPLETED', output: { status: 'failed', failure: { code: 'DATASET_MISMATCH' } } })
  })

  it('the worker’s own guards end a run before its limits of time and money are passed by more than a step', async () => {
    const timed = lab.trainInput({ max_steps: 200, num_train_epochs: 20 }, { max_seconds: 60 })
    await lab.train(timed)
    const result = lab.result(timed.run_id)
    expect(result).toMatchObject({ status: 'stopped', ended_by: 'time_limit', error: { code: 'TIME_LIMIT' } })
    expect(result?.train_seconds).toBeLessThanOrEqual(61)
    const costly = lab.trainInput(
      { max_steps: 200, num_train_epochs: 20 },
      { max_cost_micro_usd: 20_000, price_micro_usd_per_hour: 1_120_000 },
    )
    await lab.train(costly)
    expect(lab.result(costly.run_id)).toMatchObject({ status: 'stopped', ended_by: 'cost_limit' })
    expect((await lab.truthOf(costly.run_id)).billedMicroUsd).toBeLessThan(30_000)
  })

  it('small actions answer as the contract says, pieces may be sent again', async () => {
    const call = async (input: unknown) => {
      const jobId = await lab.post(input)
      await lab.control.quiet({})
      return lab.jobs.status(jobId)
    }
    expect(helloReplySchema.parse((await call({ v: 1, action: 'hello' })).output).device.kind).toBe('cuda')
    const text = 'one line\nanother line\n'
    const key = `datasets/${sha256(text)}.jsonl`
    const piece = (from: number, to: number) => ({
      v: 1,
      action: 'put',
      key,
      total_bytes: text.length,
      sha256: sha256(text),
      offset: from,
      encoding: 'identity',
      data: Buffer.from(text.slice(from, to)).toString('base64'),
    })
    expect(putReplySchema.parse((await call(piece(0, 9))).output)).toMatchObject({ received_bytes: 9, is_complete: false })
    expect(putReplySchema.parse((await call(piece(0, 9))).output)).toMatchObject({ received_bytes: 9, is_complete: false })
    expect(putReplySchema.parse((await call(piece(12, text.length))).output)).toMatchObject({ received_bytes: 9, is_complete: false })
    expect(putReplySchema.parse((await call(piece(9, text.length))).output)).toMatchObject({
      received_bytes: text.length,
      is_complete: true,
    })
    const got = await call({ v: 1, action: 'get', key, offset: 9, max_bytes: 100 })
    expect(got.output).toMatchObject({ bytes: text.length - 9, sha256: sha256(text.slice(9)) })
    const input = lab.trainInput()
    await lab.train(input)
    const events = readEventsReplySchema.parse(
      (await call({ v: 1, action: 'read_events', run_id: input.run_id, after_seq: 3, max_events: 5 })).output,
    )
    expect(events.events.map((event) => event.seq)).toEqual([4, 5, 6, 7, 8])
    expect(events.has_more).toBe(true)
    const listed = listReplySchema.parse((await call({ v: 1, action: 'list', prefix: `runs/${input.run_id}` })).output)
    expect(listed.files.map((file) => file.key)).toContain(`runs/${input.run_id}/result.json`)
    expect((await call({ v: 1, action: 'get', key: 'datasets/none.jsonl', offset: 0, max_bytes: 1 })).error).toContain('NOT_FOUND')
  })
})
