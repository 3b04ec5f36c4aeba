import { spawn } from 'node:child_process'
import { request } from 'node:http'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { z } from 'zod'
import { createJobClient } from '../../../main/integrations/runpod/job-client.ts'
import { systemClock } from '../../../main/lib/clock.ts'
import { silentLog } from '../../../main/lib/log.ts'
import {
  generousPolicy,
  isAlive,
  isClosed,
  makeRoot,
  markIn,
  removeRoot,
  startTestPlatform,
  untilStatus,
  type TestPlatform,
} from '../../support/local-platform.ts'

describe('this computer, with the real runpod SDK', { timeout: 120_000 }, () => {
  let root = ''
  const started: TestPlatform[] = []
  const start = async (options: Omit<Parameters<typeof startTestPlatform>[0], 'root'> = {}) => {
    const test = await startTestPlatform({ root, ...options })
    started.push(test)
    return test
  }
  beforeEach(async () => {
    root = await makeRoot()
  })
  afterEach(async () => {
    await Promise.all(started.splice(0).map((test) => test.platform.stop()))
    await removeRoot(root)
  })

  it('runs a job and shows its progress while it runs, its result after, and both error shapes', async () => {
    const test = await start()
    const progress = await test.jobs.run({ kind: 'progress', step: 7 }, generousPolicy)
    const during = await untilStatus(test.jobs, progress.jobId, (status) => status.status === 'IN_PROGRESS' && status.output !== undefined)
    expect(during.output).toEqual({ step: 7 })
    expect(await test.jobs.health()).toMatchObject({ jobs: { inProgress: 1, inQueue: 0 }, workers: { running: 1, idle: 0 } })
    await test.tell('progress-seen')
    const after = await untilStatus(test.jobs, progress.jobId, isClosed)
    expect(after).toMatchObject({ status: 'COMPLETED', output: { echo: { kind: 'progress', step: 7 } } })
    expect(after.executionTimeMs).toBeGreaterThanOrEqual(0)

    const raised = await test.jobs.run({ kind: 'raise' }, generousPolicy)
    expect(await untilStatus(test.jobs, raised.jobId, isClosed)).toMatchObject({ status: 'FAILED', error: 'the handler gave up' })
    const refused = await test.jobs.run({ kind: 'error' }, generousPolicy)
    expect(await untilStatus(test.jobs, refused.jobId, isClosed)).toMatchObject({
      status: 'FAILED',
      error: 'no such thing',
      output: { detail: 7 },
    })
    expect(await test.jobs.health()).toMatchObject({ jobs: { completed: 1, failed: 2, retried: 0 } })

    await test.jobs.retry(refused.jobId)
    expect(await untilStatus(test.jobs, refused.jobId, isClosed)).toMatchObject({ status: 'FAILED', error: 'no such thing' })
    await expect(test.jobs.retry(progress.jobId)).rejects.toMatchObject({ code: 'INVALID_INPUT' })
    expect(test.states.slice(0, 3)).toEqual(['starting', 'ready', 'busy'])
  })

  it('hands out the chunks of a streaming handler once each', async () => {
    const test = await start({ environment: { TUNESMITH_DTYPE: 'stream' } })
    const { jobId } = await test.jobs.run({ parts: ['a', 'b', 'c'] }, generousPolicy)
    await untilStatus(test.jobs, jobId, isClosed)
    const first = await test.jobs.stream(jobId)
    expect(first).toEqual({ status: 'COMPLETED', chunks: [{ part: 'a' }, { part: 'b' }, { part: 'c' }] })
    expect((await test.jobs.stream(jobId)).chunks).toEqual([])
    expect(await test.jobs.status(jobId)).toMatchObject({ output: [{ part: 'a' }, { part: 'b' }, { part: 'c' }] })
  })

  it('a cancel reaches the running handler as CancelledError and the worker stays for the next job', async () => {
    const test = await start()
    const { jobId } = await test.jobs.run({ kind: 'wait' }, generousPolicy)
    const pid = await test.mark('waiting')
    await test.jobs.cancel(jobId)
    expect(await test.mark('cancelled')).toBe(jobId)
    expect((await test.jobs.status(jobId)).status).toBe('CANCELLED')
    await test.tell('go-on')
    const next = await test.jobs.run({ kind: 'wait' }, generousPolicy)
    expect((await untilStatus(test.jobs, next.jobId, isClosed)).output).toEqual({ pid: Number(pid) })
  })

  it('a worker that dies in mid-job is replaced and its job is finished by the next one', async () => {
    const test = await start()
    const { jobId } = await test.jobs.run({ kind: 'crash_once' }, generousPolicy)
    const died = Number(await test.mark('crashed'))
    const done = await untilStatus(test.jobs, jobId, isClosed)
    expect(done).toMatchObject({ status: 'COMPLETED', retries: 1, output: { retries: 1 } })
    expect(done.output).not.toMatchObject({ pid: died })
    expect(test.states).toContain('restarting')
    expect((await test.jobs.health()).jobs.retried).toBe(1)
  })

  it('closing the app asks the worker to leave by stdin, and the job goes on after the next start', async () => {
    const first = await start({ timings: { stopGraceMs: 1_000 } })
    const { jobId } = await first.jobs.run({ kind: 'wait' }, generousPolicy)
    const pid = Number(await first.mark('waiting'))
    await started.pop()?.platform.stop()
    await first.mark('stdin-closed')
    expect(isAlive(pid)).toBe(false)

    const second = await start()
    await second.tell('go-on')
    const done = await untilStatus(second.jobs, jobId, isClosed)
    expect(done.status).toBe('COMPLETED')
    expect(done.retries ?? 0).toBe(0)
    expect(done.output).not.toEqual({ pid })
  })

  it('closing the app while the worker is only being started leaves no process and keeps the job', async () => {
    const first = await start()
    const { jobId } = await first.jobs.run({ kind: 'echo' }, generousPolicy)
    await started.pop()?.platform.stop()
    const second = await start()
    expect((await untilStatus(second.jobs, jobId, isClosed)).status).toBe('COMPLETED')
  })

  it('after a crash of the app the worker it left is ended and its job is run again', async () => {
    const crashed = spawn(process.execPath, [fileURLToPath(new URL('../../support/platform-process.ts', import.meta.url)), root], {
      stdio: ['ignore', 'pipe', 'inherit'],
    })
    const address = z.object({ baseUrl: z.string(), token: z.string() })
    const line = await new Promise<string>((resolve) => crashed.stdout.once('data', (chunk: Buffer) => resolve(chunk.toString())))
    const { baseUrl, token } = address.parse(JSON.parse(line))
    const jobs = createJobClient({ baseUrl, apiKey: () => token, clock: systemClock, log: silentLog, userAgent: 'Tunesmith-test' })
    const { jobId } = await jobs.run({ kind: 'wait' }, generousPolicy)
    const left = Number(await markIn(join(root, 'volume'), 'waiting'))
    crashed.kill('SIGKILL')
    await markIn(join(root, 'volume'), 'stdin-closed')
    expect(isAlive(left)).toBe(true)

    const test = await start({ timings: { stopGraceMs: 300 } })
    await test.tell('go-on')
    const done = await untilStatus(test.jobs, jobId, isClosed)
    expect(done.status).toBe('COMPLETED')
    expect(done.output).not.toEqual({ pid: left })
    expect(isAlive(left)).toBe(false)
  })

  it('an idle worker leaves at once when the app closes, because its long polls are answered', async () => {
    const test = await start({ timings: { stopGraceMs: 60_000 } })
    const { jobId } = await test.jobs.run({ kind: 'echo' }, generousPolicy)
    await untilStatus(test.jobs, jobId, isClosed)
    await started.pop()?.platform.stop()
    expect(test.log.some((line) => line.message === 'The worker process ended (exit code 0).')).toBe(true)
  })

  it('ends a trainer that lives in its own session and ignores SIGTERM when the app closes', async () => {
    const test = await start({ timings: { stopGraceMs: 300 } })
    await test.jobs.run({ kind: 'with_child' }, generousPolicy)
    const child = Number(await test.mark('child'))
    expect(isAlive(child)).toBe(true)
    await started.pop()?.platform.stop()
    expect(isAlive(child)).toBe(false)
  })

  it('an idle worker is closed after a while, and started again for the next job', async () => {
    const test = await start({ timings: { idleMs: 1 } })
    for (const round of [1, 2]) {
      const { jobId } = await test.jobs.run({ kind: 'echo', round }, generousPolicy)
      expect((await untilStatus(test.jobs, jobId, isClosed)).output).toEqual({ echo: { kind: 'echo', round } })
    }
    expect(test.log.filter((line) => line.message.startsWith('The worker process ended')).length).toBeGreaterThanOrEqual(1)
  })

  it('a worker that asks to be refreshed is replaced after its job', async () => {
    const test = await start()
    const first = await test.jobs.run({ kind: 'refresh' }, generousPolicy)
    const { output } = await untilStatus(test.jobs, first.jobId, isClosed)
    const second = await test.jobs.run({ kind: 'refresh' }, generousPolicy)
    const done = await untilStatus(test.jobs, second.jobId, isClosed)
    expect(done.status).toBe('COMPLETED')
    expect(done.output).not.toEqual(output)
  })

  it('a worker that cannot start fails the job with the reason instead of leaving it in the queue', async () => {
    const test = await start({ worker: 'broken-worker' })
    const { jobId } = await test.jobs.run({ kind: 'echo' }, generousPolicy)
    const done = await untilStatus(test.jobs, jobId, isClosed)
    expect(done.status).toBe('FAILED')
    expect(done.error).toBe("The training worker could not start on this computer: ModuleNotFoundError: No module named 'torch'")
    await expect.poll(() => test.platform.workerState()).toBe('stopped')
  })

  it('keys in the environment stay out of the worker, and secrets it prints stay out of the log', async () => {
    const test = await start({
      environment: { HF_TOKEN: 'hf_abcdefghijkl', RUNPOD_API_KEY: 'rpa_abcdefghijkl', AWS_SECRET_ACCESS_KEY: 'x', TUNESMITH_PYTHON_X: '1' },
    })
    const { jobId } = await test.jobs.run({ kind: 'environment' }, generousPolicy)
    const { output } = await untilStatus(test.jobs, jobId, isClosed)
    expect(output).toMatchObject({
      names: expect.arrayContaining(['PATH', 'TUNESMITH_VOLUME', 'RUNPOD_WEBHOOK_GET_JOB', 'TUNESMITH_EXIT_WITH_STDIN']),
    })
    expect(JSON.stringify(output)).not.toMatch(/HF_TOKEN|RUNPOD_API_KEY"|AWS_SECRET|TUNESMITH_PYTHON_X/)

    const printed = await test.jobs.run({ kind: 'print' }, generousPolicy)
    await untilStatus(test.jobs, printed.jobId, isClosed)
    expect(test.log.map((line) => line.message)).toContain('a key: [redacted] and [redacted]')
    expect(test.log.find((line) => line.message === 'Started.')).toMatchObject({ level: 'info', jobId })
  })

  it('ends a job that exceeds its execution time and stops its handler', async () => {
    const test = await start()
    const { jobId } = await test.jobs.run({ kind: 'wait' }, { executionTimeoutMs: 5_000, ttlMs: 600_000 })
    const done = await untilStatus(test.jobs, jobId, isClosed)
    expect(done).toMatchObject({ status: 'FAILED', error: 'executionTimeout exceeded' })
    expect(await test.mark('cancelled')).toBe(jobId)
  })

  it('refuses callers without the token, from another host name, and bodies over 10 MiB', async () => {
    const test = await start()
    const ask = (path: string, headers: Record<string, string>, body?: string) =>
      new Promise<{ status: number; text: string }>((resolve, reject) => {
        const sent = request(`${test.baseUrl}${path}`, { method: body === undefined ? 'GET' : 'POST', headers }, (response) => {
          let text = ''
          response.setEncoding('utf8').on('data', (chunk: string) => (text += chunk))
          response.on('end', () => resolve({ status: response.statusCode ?? 0, text }))
        })
        sent.on('error', reject)
        sent.end(body)
      })
    const bearer = { authorization: `Bearer ${test.token}` }
    expect((await ask('/health', {})).status).toBe(401)
    expect((await ask('/health', { authorization: `Bearer ${test.token.slice(1)}0` })).status).toBe(401)
    expect((await ask('/job-take/someone?token=', bearer)).status).toBe(401)
    expect((await ask('/health', { ...bearer, host: 'evil.example' })).status).toBe(421)
    expect((await ask('/health', bearer)).status).toBe(200)
    const large = await ask('/run', bearer, JSON.stringify({ input: { data: 'x'.repeat(10 * 1024 * 1024) } }))
    expect(large).toMatchObject({ status: 400 })
    expect(large.text).toContain('exceeded max body size of 10MiB')
    expect((await ask('/run', bearer, '{"input":{}}')).status).toBe(400)
    expect((await ask('/status/none', bearer)).status).toBe(404)
    expect((await test.jobs.health()).jobs.inQueue).toBe(0)
  })
})
