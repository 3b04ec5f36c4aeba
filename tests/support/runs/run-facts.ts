/** What a run on this computer was called when it was made. */
export const runFacts = {
  datasetName: 'd',
  datasetRows: 3,
  baseModelLabel: 'm',
  endpointName: 'e',
  endpointKind: 'local' as const,
  priceMicroUsdPerHour: null,
  monthShareMicroUsd: null,
  retryOf: null,
}
