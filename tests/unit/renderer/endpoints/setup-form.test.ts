import { expect, it } from 'vitest'
import { createSetupInputSchema } from '../../../../preload/contract/endpoint-setups.ts'
import {
  emptySetupForm,
  offersKey,
  setupFormSchema,
  toCreateInput,
  type SetupForm,
} from '../../../../renderer/features/endpoints/setup/setup-form.ts'

const filled: SetupForm = {
  ...emptySetupForm,
  name: 'Studio',
  apiKey: 'rpa_123456789',
  accessKeyId: 'user_12345',
  secret: 'rps_12345678',
  modelId: 'Qwen/Qwen3-8B',
}
const problemsOf = (form: SetupForm) => [...new Set(setupFormSchema.safeParse(form).error?.issues.map(({ path }) => path.join('.')))]

it('every field that is missing is named at once', () => {
  expect(problemsOf(emptySetupForm).toSorted()).toEqual(['accessKeyId', 'apiKey', 'modelId', 'name', 'secret'])
  expect(problemsOf(filled)).toEqual([])
})

it('with an image of their own the user needs no S3 keys, but half a pair is a mistake', () => {
  const own: SetupForm = { ...filled, worker: 'own', imageRef: 'docker.io/me/tunesmith-trainer:0.1.0', accessKeyId: '', secret: '' }
  expect(problemsOf(own)).toEqual([])
  expect(problemsOf({ ...own, imageRef: 'https://registry/x y' })).toEqual(['imageRef'])
  expect(problemsOf({ ...own, accessKeyId: 'user_12345' })).toEqual(['secret'])
})

it.each(['9', '4097', '20.5', 'many'])('a volume of %s GB is not asked for', (volumeGb) => {
  expect(problemsOf({ ...filled, volumeGb })).toEqual(['volumeGb'])
})

it('a token in the place of the name of its secret is caught before it leaves', () => {
  expect(problemsOf({ ...filled, hfTokenSecret: `hf_${'aB3'.repeat(11)}` })).toEqual(['hfTokenSecret'])
  expect(problemsOf({ ...filled, hfTokenSecret: 'hf_token' })).toEqual([])
})

it('what the form gives is what main takes', () => {
  const proposal = {
    poolIds: ['AMPERE_24'],
    excludedGpuTypeIds: [],
    gpuLabel: 'L4',
    dataCentreId: 'EU-RO-1',
    dataCentreName: 'EU-RO-1',
    compliance: [],
    pricePerHourMicroUsd: 680_000,
    highestPricePerHourMicroUsd: 680_000,
    pricedAtMs: 1,
    stock: 'high',
    volumeGb: 40,
    volumeType: 'STANDARD',
    volumePerMonthMicroUsd: 2_800_000,
    why: '',
  } as const
  expect(createSetupInputSchema.safeParse({ ...toCreateInput(filled), proposal }).success).toBe(true)
})

it('offers of another model or size are not taken for those of the present one', () => {
  expect(offersKey({ ...filled, volumeGb: '100' })).not.toBe(offersKey(filled))
  expect(offersKey({ ...filled, name: 'Other' })).toBe(offersKey(filled))
})
