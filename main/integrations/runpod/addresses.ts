/** Where RunPod's services answer, without closing slashes. */
export interface RunpodAddresses {
  /** The job API; an endpoint's id follows. */
  readonly jobs: string
  readonly rest: string
  readonly graphql: string
  /** Instead of the data centres' own S3 addresses; null outside tests. */
  readonly s3: string | null
}

const published: RunpodAddresses = {
  jobs: 'https://api.runpod.ai/v2',
  rest: 'https://api.runpod.io/v2',
  graphql: 'https://api.runpod.io/graphql',
  s3: null,
}

/**
 * RunPod's published addresses, or those of a stand-in on this computer: TUNESMITH_RUNPOD holds their JSON.
 * Nothing but a loopback address is taken from the environment, so that no key can be led astray.
 */
export function runpodAddresses(environment: NodeJS.ProcessEnv): RunpodAddresses {
  const text = environment['TUNESMITH_RUNPOD']
  if (text === undefined || text === '') return published
  const given = new Map(Object.entries(parseObject(text)))
  const read = (name: keyof RunpodAddresses): string => {
    const value = given.get(name)
    if (typeof value !== 'string' || !/^http:\/\/127\.0\.0\.1:\d+(?:\/|$)/.test(value)) {
      throw new Error(`TUNESMITH_RUNPOD must give a loopback address for ${name}`)
    }
    return value.replace(/\/$/, '')
  }
  return { jobs: read('jobs'), rest: read('rest'), graphql: read('graphql'), s3: given.has('s3') ? read('s3') : null }
}

function parseObject(text: string): object {
  const value: unknown = JSON.parse(text)
  if (typeof value !== 'object' || value === null) throw new Error('TUNESMITH_RUNPOD must be a JSON object')
  return value
}
