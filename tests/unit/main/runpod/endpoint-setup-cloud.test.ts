import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, it } from 'vitest'
import { createControlPlane } from '../../../../main/integrations/runpod/control-plane.ts'
import { proposeEndpoints } from '../../../../main/integrations/runpod/endpoint-plan.ts'
import { endpointSpec } from '../../../../main/integrations/runpod/endpoint-spec.ts'
import { systemClock } from '../../../../main/lib/clock.ts'
import { silentLog } from '../../../../main/lib/log.ts'
import { startRunpodCloud } from '../../../support/runpod-cloud/cloud.ts'

const gb = 1_000_000_000

it('what is proposed can be created as it is, by a server that refuses every unknown field, and deleted again', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'tunesmith-setup-'))
  const cloud = await startRunpodCloud({ stateFolder: folder, clock: { kind: 'standing' }, startMs: 1_800_000_000_000 })
  try {
    const { apiKey, rest } = cloud.addresses
    const plane = createControlPlane({
      baseUrl: rest,
      apiKey: () => apiKey,
      clock: systemClock,
      log: silentLog,
      userAgent: 'Tunesmith-test',
    })
    const [catalogue, dataCentres] = await Promise.all([plane.listGpus({ gpuCount: 1, minCudaVersion: '12.8' }), plane.listDataCentres()])
    const need = { gpuMemoryBytes: 22 * gb, volumeBytes: 60 * gb, minCudaVersion: '12.8' }
    const [proposal] = proposeEndpoints({ need, catalogue, dataCentres })
    if (proposal === undefined) throw new Error('Nothing was proposed')
    expect(proposal).toMatchObject({ poolIds: ['AMPERE_24'], gpuLabel: 'L4', pricePerHourMicroUsd: 680_000, stock: 'high' })

    const spec = endpointSpec({
      proposal,
      name: 'tunesmith-1',
      image: { kind: 'stock', ref: 'runpod/pytorch:2', args: 'python -c "pass"' },
      timeoutMs: 7_200_000,
      idleTimeoutMs: 5_000,
      containerDiskGb: 20,
      minCudaVersion: '12.8',
    })
    const volume = await plane.createVolume(spec.volume)
    const template = await plane.createTemplate(spec.template)
    const made = await plane.createEndpoint(spec.endpoint({ templateId: template.id, volumeId: volume.id }))
    expect(await plane.getEndpoint(made.id)).toMatchObject({
      type: 'QUEUE',
      workersMin: 0,
      workersMax: 1,
      idleTimeoutMs: 5_000,
      timeoutMs: 7_200_000,
      flashboot: 'OFF',
      image: 'runpod/pytorch:2',
      gpu: { poolIds: proposal.poolIds, count: 1 },
      networkVolumeIds: [volume.id],
      dataCenterIds: [proposal.dataCentreId],
    })

    await expect(plane.deleteVolume(volume.id)).rejects.toMatchObject({ code: 'ENDPOINT_IN_USE' })
    await plane.deleteEndpoint(made.id)
    await plane.deleteTemplate(template.id)
    await plane.deleteVolume(volume.id)
    await plane.deleteVolume(volume.id)
    expect([await plane.listTemplates(), (await plane.listVolumes()).map(({ id }) => id)]).toEqual([
      [],
      expect.not.arrayContaining([volume.id]),
    ])
  } finally {
    await cloud.stop()
    await rm(folder, { recursive: true, force: true, maxRetries: 5 })
  }
})
