import type { ModelFacts } from '../../../../preload/contract/models.ts'
import type { PreflightItem } from '../../../../preload/contract/runs.ts'
import type { EndpointFacts } from '../ports.ts'
import { green, red, unknown, type Attempt } from './item.ts'

const openEndpoints = { kind: 'open_page', page: 'endpoints' } as const

/** Whether the endpoint can train; of a key that is refused, `keyItem` speaks. */
export function endpointItem(endpoint: Attempt<EndpointFacts>): PreflightItem {
  if ('error' in endpoint)
    return red('endpoint', endpoint.error.message, 'Choose another endpoint.', { kind: 'choose', choice: 'endpoint' })
  const { id, canTrain, name, reason, remote } = endpoint.value
  const test = { kind: 'test_connection', endpointId: id } as const
  if (canTrain && hasNoAnswer(remote)) return unknown('endpoint', `${name} could not be asked just now: RunPod gave no answer.`, test)
  if (canTrain) return green('endpoint', `${name} can train.`)
  return red('endpoint', reason ?? `${name} cannot train now.`, 'Open Endpoints and set it up.', openEndpoints)
}

/** What only endpoints at RunPod are asked: the key, the worker's version and the stock. */
export function remoteItems(endpoint: Attempt<EndpointFacts>): PreflightItem[] {
  if ('error' in endpoint || endpoint.value.kind === 'local' || !endpoint.value.canTrain) return []
  return [keyItem(endpoint.value), workerItem(endpoint.value), stockItem(endpoint.value)]
}

function hasNoAnswer(remote: EndpointFacts['remote']): boolean {
  return remote?.lastCheck === 'UNREACHABLE' || remote?.lastCheck === 'RATE_LIMITED' || remote?.lastCheck === 'UNEXPECTED_REPLY'
}

/** A key that RunPod refuses makes the endpoint's line red; whether it may start jobs, no free request tells. */
function keyItem({ id, remote, worker }: EndpointFacts): PreflightItem {
  const test = { kind: 'test_connection', endpointId: id } as const
  if (hasNoAnswer(remote)) return unknown('key', 'RunPod gave no answer, so it is not known whether the API key is still accepted.', test)
  const reading = remote?.maySeeSettings === true ? '' : ' It may not read the endpoint’s settings, so some lines below are not known.'
  const hasWorked = worker !== null && worker !== undefined && worker.state !== 'unknown'
  if (hasWorked) return green('key', `RunPod accepts the API key, and this endpoint has done a job for the app.${reading}`)
  return unknown('key', `RunPod accepts the API key. Whether it may start jobs shows when the first one is sent.${reading}`)
}

function workerItem({ worker }: EndpointFacts): PreflightItem {
  if (worker === null || worker === undefined) return unknown('worker', 'The worker has not been asked for its version.')
  if (worker.state === 'unknown') return unknown('worker', worker.text, openEndpoints)
  if (worker.state === 'unusable') return red('worker', worker.text, worker.advice ?? 'Update the worker.', openEndpoints)
  return green('worker', worker.text)
}

function stockItem({ id, remote, gpu }: EndpointFacts): PreflightItem {
  const named = gpu === null ? 'its GPUs' : gpu.name
  switch (remote?.stock ?? null) {
    case 'none': {
      const text = `RunPod has no ${named} free now where this endpoint may run.`
      const fix = 'Add the run to the queue, which starts it when one is free, or allow further GPUs in the RunPod console.'
      return red('stock', text, fix, { kind: 'test_connection', endpointId: id })
    }
    case 'low':
      return green('stock', `RunPod has few ${named} free now; the run may wait.`)
    case 'medium':
    case 'high':
      return green('stock', `RunPod has ${named} free now.`)
    case 'unknown':
    case null:
      return unknown('stock', `RunPod does not tell whether ${named} is free now.`)
  }
}

/** Whether a model that asks for its licence first can be fetched by the endpoint; null where that is no question. */
export function gatedItem(model: Attempt<ModelFacts>, endpoint: Attempt<EndpointFacts>, isCached: boolean | null): PreflightItem | null {
  if ('error' in model || 'error' in endpoint) return null
  if (endpoint.value.kind === 'local' || model.value.isGated !== true) return null
  const { label } = model.value
  if (isCached === true) return green('gated', `${label} is on the network volume already, so no Hugging Face token is needed.`)
  switch (endpoint.value.remote?.hasHfToken ?? null) {
    case true:
      return green('gated', `${label} asks for its licence first; the endpoint has a Hugging Face token.`)
    case false: {
      const text = `${label} is only given to accounts that have accepted its licence, and the endpoint has no Hugging Face token.`
      const fix = 'In the RunPod console keep a token under Secrets and set HF_TOKEN of the endpoint to it; then look again.'
      return red('gated', text, fix, { kind: 'test_connection', endpointId: endpoint.value.id })
    }
    case null:
      return unknown('gated', `${label} asks for its licence first. Whether the endpoint has a Hugging Face token is not known here.`)
  }
}
