import type { ConnectionReport, LocalState } from '../../../preload/contract/endpoints.ts'
import { delay, type Clock } from '../../lib/clock.ts'
import type { Log } from '../../lib/log.ts'
import { mergeRemote } from './describe-endpoint.ts'
import type { EndpointKeys } from './endpoint-keys.ts'
import { localReport } from './local-report.ts'
import type { Runpod } from './ports.ts'
import type { EndpointRepository, StoredEndpoint } from './repository.ts'

interface TesterDependencies {
  readonly repository: EndpointRepository
  localState(): Promise<LocalState>
  readonly runpod: Pick<Runpod, 'test' | 'describe'>
  readonly keys: Pick<EndpointKeys, 'findApiKey'>
  readonly clock: Clock
  readonly log: Log
  changed(id: string): void
}

/** Asks what an endpoint and its key are good for, and keeps the answers. Nothing in here is billed. */
export interface ConnectionTester {
  test(endpoint: StoredEndpoint): Promise<ConnectionReport>
  /** Tests again, unless that was done a moment ago, and waits for it only so long. */
  refresh(endpoint: StoredEndpoint): Promise<void>
}

/** What was read so short a time ago counts as known now. */
const freshMs = 30_000
/** A slow answer must not keep the page waiting; it is there for the next look. */
const longestWaitMs = 4_000

/** Builds the tester over the store of endpoints. */
export function createConnectionTester({
  repository,
  localState,
  runpod,
  keys,
  clock,
  log,
  changed,
}: TesterDependencies): ConnectionTester {
  const makeReport = async (endpoint: StoredEndpoint): Promise<ConnectionReport> => {
    if (endpoint.runpodEndpointId === null) return localReport(await localState(), clock.nowMs())
    const apiKey = await keys.findApiKey(endpoint.id)
    if (apiKey === undefined) return keyMissing(clock.nowMs())
    const target = { endpointId: endpoint.runpodEndpointId, apiKey }
    const report = await runpod.test(target)
    if (report.code !== 'KEY_REFUSED' && report.code !== 'ENDPOINT_NOT_FOUND') {
      repository.saveRemote(endpoint.id, mergeRemote(endpoint.remote, await runpod.describe(target)))
    }
    return report
  }
  const test = async (endpoint: StoredEndpoint): Promise<ConnectionReport> => {
    const report = await makeReport(endpoint)
    repository.saveReport(endpoint.id, report)
    changed(endpoint.id)
    return report
  }
  return {
    test,
    async refresh(endpoint) {
      const { lastReport } = endpoint
      if (lastReport === null || clock.nowMs() - lastReport.checkedAtMs < freshMs) return
      const reading = test(endpoint).catch((error: unknown) => log.warning('An endpoint could not be read anew', error))
      const waiting = new AbortController()
      await Promise.race([reading, delay(clock, longestWaitMs, waiting.signal)]).finally(() => waiting.abort())
    },
  }
}

function keyMissing(nowMs: number): ConnectionReport {
  return {
    isOk: false,
    code: 'KEY_MISSING',
    summary: 'There is no API key for this endpoint on this computer.',
    advice: 'Replace the key. Without a keychain, keys are forgotten when the app quits.',
    checks: [{ name: 'API key', isOk: false, text: 'Neither in the keychain nor in this session.' }],
    checkedAtMs: nowMs,
  }
}
