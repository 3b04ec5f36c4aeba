import { describe, expect, it } from 'vitest'
import { endpointSpec } from '../../../../main/integrations/runpod/endpoint-spec.ts'

const proposal = {
  poolIds: ['ADA_24', 'AMPERE_48'],
  excludedGpuTypeIds: ['NVIDIA L4'],
  dataCentreId: 'EU-RO-1',
  volumeGb: 60,
  volumeType: 'STANDARD',
} as const
const base = {
  proposal,
  name: 'tunesmith-1',
  image: { kind: 'own', ref: 'registry.example/worker@sha256:abc' },
  timeoutMs: 7_200_000.5,
  idleTimeoutMs: 5_000,
  containerDiskGb: 20,
  minCudaVersion: '12.8',
} as const

describe('what the app creates', () => {
  it('is exactly what RunPod is asked for: no idle worker, a time limit, one data centre', () => {
    const spec = endpointSpec({ ...base, env: { TOKENIZERS_PARALLELISM: 'false' } })
    const env = {
      TUNESMITH_VOLUME: '/runpod-volume',
      HF_HOME: '/runpod-volume/hf',
      RUNPOD_INIT_TIMEOUT: '1800',
      TOKENIZERS_PARALLELISM: 'false',
    }
    const container = { image: base.image.ref, disk: 20, env }
    expect(spec.volume).toEqual({ name: 'tunesmith-1', size: 60, dataCenter: 'EU-RO-1', type: 'STANDARD' })
    expect(spec.template).toEqual({ ...container, name: 'tunesmith-1', serverless: true, public: false })
    expect(spec.endpoint({ templateId: 't1', volumeId: 'v1' })).toEqual({
      ...container,
      name: 'tunesmith-1',
      type: 'QUEUE',
      templateId: 't1',
      gpu: { pools: ['ADA_24', 'AMPERE_48'], excludedTypes: ['NVIDIA L4'], count: 1, minCudaVersion: '12.8' },
      scaling: { type: 'QUEUE_DELAY', queueDelay: 4 },
      workers: { min: 0, max: 1, idleTimeout: 5 },
      timeout: 7_200_001,
      flashboot: 'OFF',
      networkVolumes: ['v1'],
      dataCenterIds: ['EU-RO-1'],
    })
  })

  it('a stock image gets the words that fetch the worker; no empty list of exclusions is sent', () => {
    const image = { kind: 'stock', ref: 'runpod/pytorch:2', args: 'python -c "…"' } as const
    const spec = endpointSpec({ ...base, image, proposal: { ...proposal, excludedGpuTypeIds: [] } })
    const endpoint = spec.endpoint({ templateId: 't1', volumeId: 'v1' })
    expect([spec.template.args, endpoint.args]).toEqual([image.args, image.args])
    expect(endpoint.gpu).not.toHaveProperty('excludedTypes')
  })

  it.each([
    [0, 5_000],
    [30 * 24 * 3_600_000, 604_800_000],
  ])('a time limit of %d ms is sent as one that RunPod takes', (timeoutMs, expected) => {
    expect(endpointSpec({ ...base, timeoutMs }).endpoint({ templateId: 't', volumeId: 'v' }).timeout).toBe(expected)
  })

  it.each([
    ['HF_TOKEN', 'anything'],
    ['MODEL', 'hf_PLANTEDPLANTED'],
    ['AWS_SECRET_ACCESS_KEY', 'x'],
  ])('refuses to send a secret under %s, and does not repeat it', (name, value) => {
    const attempt = () => endpointSpec({ ...base, env: { [name]: value } })
    expect(attempt).toThrow(expect.objectContaining({ code: 'INVALID_INPUT', message: expect.not.stringContaining('PLANTED') }))
  })

  it('a reference to a secret that RunPod keeps is no secret', () => {
    const reference = '{{ RUNPOD_SECRET_hf }}'
    expect(endpointSpec({ ...base, env: { HF_TOKEN: reference } }).template.env).toMatchObject({ HF_TOKEN: reference })
  })
})
