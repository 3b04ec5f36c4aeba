import type { BillSource, Runpod } from './ports.ts'
import type { StoredEndpoint } from './repository.ts'

interface BillDependencies {
  readonly runpod: Pick<Runpod, 'endpointBill' | 'volumeBill'>
  readonly keyOf: (id: string) => Promise<string>
}

/** What the user's endpoints are billed for: each endpoint and each network volume once. */
export function billSourcesOf(endpoints: readonly StoredEndpoint[], { runpod, keyOf }: BillDependencies): readonly BillSource[] {
  const sources = new Map<string, BillSource>()
  for (const { id, name, runpodEndpointId, storage, remote } of endpoints) {
    if (runpodEndpointId === null) continue
    const volumeId = storage?.volumeId ?? remote?.volumeId ?? null
    const add = (source: BillSource) => {
      const key = `${source.subject}/${source.remoteId}`
      if (!sources.has(key)) sources.set(key, source)
    }
    add({
      subject: 'endpoint',
      remoteId: runpodEndpointId,
      name,
      read: async (span) => runpod.endpointBill({ endpointId: runpodEndpointId, apiKey: await keyOf(id) }, span),
    })
    if (volumeId === null) continue
    add({
      subject: 'volume',
      remoteId: volumeId,
      name,
      read: async (span) => runpod.volumeBill({ volumeId, apiKey: await keyOf(id) }, span),
    })
  }
  return [...sources.values()]
}
