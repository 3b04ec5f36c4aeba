import { AppError } from '../../../preload/contract/errors.ts'
import type { ModelFacts } from '../../../preload/contract/models.ts'
import type { PreflightItem, RunConfig } from '../../../preload/contract/runs.ts'
import { checkHyperparameters } from './config-check.ts'
import { monthProblem } from './month-check.ts'
import type { DatasetFacts, EndpointFacts, RunPorts } from './ports.ts'
import { bytesText } from './stage-words.ts'

type PreflightPorts = Pick<RunPorts, 'datasets' | 'endpoints' | 'models'> & { readonly costs?: Pick<RunPorts['costs'], 'month'> }

/** Starting a worker and loading a model take a few minutes. */
const shortestMinutes = 5
/** Room for checkpoints, the adapter and the dataset beside the model. */
const reserveBytes = 2_000_000_000
const bytesPerParameter = 2

/** Everything a run needs, checked before it starts; each red line has a fix. */
export async function runPreflight(ports: PreflightPorts, config: RunConfig): Promise<PreflightItem[]> {
  const dataset = await attempt(() => ports.datasets.describe(config.datasetId))
  const model = await attempt(() => ports.models.describe(config.baseModel))
  const endpoint = await attempt(() => ports.endpoints.describe(config.endpointId))
  return [
    datasetItem(dataset),
    modelItem(model, config, endpoint),
    endpointItem(endpoint),
    hyperparametersItem(config, {
      model: 'value' in model ? model.value : null,
      endpoint: 'value' in endpoint ? endpoint.value : null,
      validRows: 'value' in dataset ? dataset.value.validRows : 0,
    }),
    await diskItem(ports, config, endpoint, model),
    ...withMonth(moneyItems(config, endpoint), ports, config, endpoint),
  ]
}

type Attempt<T> = { readonly value: T } | { readonly error: AppError }

async function attempt<T>(read: () => T | Promise<T>): Promise<Attempt<T>> {
  try {
    return { value: await read() }
  } catch (error) {
    if (error instanceof AppError) return { error }
    throw error
  }
}

function green(id: PreflightItem['id'], text: string): PreflightItem {
  return { id, isOk: true, text, fix: null }
}

function red(id: PreflightItem['id'], text: string, fix: string): PreflightItem {
  return { id, isOk: false, text, fix }
}

function datasetItem(dataset: Attempt<DatasetFacts>): PreflightItem {
  if ('error' in dataset) return red('dataset', dataset.error.message, 'Choose another dataset.')
  const { isTrainable, name, validRows } = dataset.value
  if (isTrainable) return green('dataset', `${name}: ${validRows.toLocaleString('en-US')} rows are ready.`)
  if (validRows === 0) return red('dataset', `${name} has no usable rows.`, 'Open the dataset and look at its issues.')
  return red('dataset', `${name} is not ready.`, 'Open the dataset, look at its issues, and agree to train on the valid rows.')
}

function modelItem(model: Attempt<ModelFacts>, { baseModel }: RunConfig, endpoint: Attempt<EndpointFacts>): PreflightItem {
  if ('error' in model) return red('model', model.error.message, 'Choose another base model.')
  if (baseModel.kind === 'folder' && 'value' in endpoint && endpoint.value.kind === 'runpod') {
    const text = 'The base model lies in a folder on this computer, which a worker of RunPod cannot read.'
    return red('model', text, 'Choose a model of the catalogue or a Hugging Face id, or train on this computer.')
  }
  return green('model', `${model.value.label} can be used.`)
}

function endpointItem(endpoint: Attempt<EndpointFacts>): PreflightItem {
  if ('error' in endpoint) return red('endpoint', endpoint.error.message, 'Choose another endpoint.')
  const { canTrain, name, reason } = endpoint.value
  if (canTrain) return green('endpoint', `${name} can train.`)
  return red('endpoint', reason ?? `${name} cannot train now.`, 'Open Endpoints and set it up.')
}

/** The month's budget is looked at once the run's own is in order, so that one line says one thing to do. */
function withMonth(items: PreflightItem[], ports: PreflightPorts, config: RunConfig, endpoint: Attempt<EndpointFacts>): PreflightItem[] {
  if ('error' in endpoint || items.some(({ isOk }) => !isOk)) return items
  const problem = monthProblem(ports.costs?.month?.() ?? null, config, endpoint.value)
  return problem === null ? items : [problem]
}

/** What keeps a run on a charged endpoint within its budget; nothing where nothing is charged. */
function moneyItems({ budgetMicroUsd }: RunConfig, endpoint: Attempt<EndpointFacts>): PreflightItem[] {
  if ('error' in endpoint || endpoint.value.kind === 'local') return []
  const { priceMicroUsdPerHour, balanceMicroUsd, name } = endpoint.value
  const least = budgetMicroUsd ?? Math.ceil(((priceMicroUsdPerHour ?? 0) * shortestMinutes) / 60)
  if (balanceMicroUsd !== null && balanceMicroUsd < least) {
    const text = `Your RunPod balance was ${dollars(balanceMicroUsd)} when the connection was last tested; this run may cost ${dollars(least)}.`
    return [red('money', text, 'Add credit in the RunPod console and test the connection again, or lower the budget.')]
  }
  if (priceMicroUsdPerHour === null) {
    const text = `The price of ${name} is not known, so a budget cannot be kept.`
    return budgetMicroUsd === null
      ? [green('money', `The price of ${name} is not known. The run ends after twelve hours at the latest.`)]
      : [red('money', text, 'Test the connection under Endpoints, or leave the budget empty.')]
  }
  const price = `${dollars(priceMicroUsdPerHour)} an hour`
  if (budgetMicroUsd === null)
    return [green('money', `${name} costs ${price}. Without a budget the run ends after twelve hours at the latest.`)]
  const minutes = Math.floor((budgetMicroUsd * 60) / priceMicroUsdPerHour)
  const budget = dollars(budgetMicroUsd)
  if (minutes < shortestMinutes) {
    const text = `${budget} is used up after ${minutes} min at ${price}, before a worker has loaded the model.`
    return [
      red(
        'money',
        text,
        `Raise the budget to at least ${dollars(Math.ceil((priceMicroUsdPerHour * shortestMinutes) / 60 / 10_000) * 10_000)}.`,
      ),
    ]
  }
  return [green('money', `${budget} buys ${minutes} min at ${price}; the run ends before that.`)]
}

function dollars(microUsd: number): string {
  return `$${(microUsd / 1_000_000).toFixed(2)}`
}

function hyperparametersItem(config: RunConfig, surroundings: Parameters<typeof checkHyperparameters>[1]): PreflightItem {
  const issue = checkHyperparameters(config.hyperparameters, surroundings)[0]
  if (issue === undefined) return green('hyperparameters', 'All values are within their ranges.')
  return red('hyperparameters', issue.message, `Change ${issue.field}, or choose a preset.`)
}

async function diskItem(
  ports: PreflightPorts,
  config: RunConfig,
  endpoint: Attempt<EndpointFacts>,
  model: Attempt<ModelFacts>,
): Promise<PreflightItem> {
  if ('error' in endpoint) return red('disk', 'Free space is not known without an endpoint.', 'Choose another endpoint.')
  const read = await attempt(async () => {
    const { volume } = await ports.endpoints.connect(config.endpointId)
    const key = config.baseModel.kind === 'huggingface' ? `models/${config.baseModel.id.replace('/', '--')}/tunesmith-model.json` : null
    const isCached = key === null || (await volume.findText(key, 1_000_000)) !== undefined
    return { isCached, freeBytes: await volume.freeBytes() }
  })
  if ('error' in read) return red('disk', `Free space could not be read: ${read.error.message}`, 'Open Endpoints and test the connection.')
  const { isCached, freeBytes } = read.value
  const parameters = 'value' in model ? model.value.parameters : null
  const modelBytes = isCached ? 0 : (parameters ?? 0) * bytesPerParameter
  const neededBytes = modelBytes + reserveBytes
  const isSizeKnown = isCached || parameters !== null
  const needed = isSizeKnown
    ? `about ${bytesText(neededBytes)} needed`
    : `${bytesText(neededBytes)} needed beside the model, whose size is not known`
  if (freeBytes === null) return green('disk', `RunPod does not tell how much of a network volume is free; ${needed}.`)
  if (freeBytes >= neededBytes) return green('disk', `${bytesText(freeBytes)} free, ${needed}.`)
  return red('disk', `${bytesText(freeBytes)} free, ${needed}.`, `Free ${bytesText(neededBytes - freeBytes)} on the volume.`)
}
