import { hyperparametersSchema } from '../../../../preload/contract/hyperparameters.ts'
import type { ModelFacts } from '../../../../preload/contract/models.ts'
import type { PreflightItem, RunConfig } from '../../../../preload/contract/runs.ts'
import { checkHyperparameters } from '../config-check.ts'
import type { DatasetFacts, EndpointFacts } from '../ports.ts'
import { heldOutRows } from '../presets.ts'
import { green, red, unknown, type Attempt } from './item.ts'

const choose = (choice: 'dataset' | 'model' | 'preset') => ({ kind: 'choose', choice }) as const

/** Whether the dataset can be trained on. */
export function datasetItem(dataset: Attempt<DatasetFacts>): PreflightItem {
  if ('error' in dataset) return red('dataset', dataset.error.message, 'Choose another dataset.', choose('dataset'))
  const { id, isTrainable, name, validRows } = dataset.value
  const look = { kind: 'open_dataset', datasetId: id, tab: 'issues' } as const
  if (isTrainable) return green('dataset', `${name}: ${validRows.toLocaleString('en-US')} rows are ready.`)
  if (validRows === 0) return red('dataset', `${name} has no usable rows.`, 'Open the dataset and look at its issues.', look)
  return red('dataset', `${name} is not ready.`, 'Open the dataset, look at its issues, and agree to train on the valid rows.', look)
}

/** Whether the rows teach the model anything; exact only where its own tokenizer has counted. */
export function maskItem(dataset: Attempt<DatasetFacts>, { baseModel, accepts }: RunConfig): PreflightItem | null {
  if ('error' in dataset) return null
  const { id, tokens } = dataset.value
  const isCounted =
    tokens !== null &&
    tokens !== undefined &&
    tokens.total > 0 &&
    baseModel.kind === 'huggingface' &&
    tokens.modelId.toLowerCase() === baseModel.id.toLowerCase()
  const look = { kind: 'open_dataset', datasetId: id, tab: 'tokens' } as const
  if (!isCounted) {
    const text = 'Tokens are not counted for this model. The trainer looks at every row first and refuses rows that teach nothing.'
    return unknown('mask', text, look)
  }
  const [trained, total] = [tokens.trained, tokens.total].map((count) => count.toLocaleString('en-US'))
  if (tokens.trained === 0) {
    const text = `None of the ${total} tokens would be trained: no row has an answer that this model's template marks.`
    return red('mask', text, 'Open the dataset and give its rows answers.', { ...look, tab: 'issues' })
  }
  const { untrainedRows } = tokens
  if (untrainedRows === undefined) {
    const text = `${trained} of ${total} tokens are trained. Whether every row has some is known once the tokens are counted again.`
    return unknown('mask', text, look)
  }
  if (untrainedRows === 0) return green('mask', `${trained} of ${total} tokens are trained, some in every row.`)
  const rows = untrainedRows === 1 ? '1 row has' : `${untrainedRows.toLocaleString('en-US')} rows have`
  if (accepts.rowsWithoutAnswer)
    return green('mask', `${trained} of ${total} tokens are trained. ${rows} none and are left out, as agreed.`)
  const fix = 'Leave them out, which can be undone, or give them answers.'
  return red('mask', `${rows} no token that is trained, and the trainer refuses them.`, fix, { kind: 'leave_rows_out', datasetId: id })
}

/** Whether the base model can be used at the endpoint. */
export function modelItem(model: Attempt<ModelFacts>, { baseModel }: RunConfig, endpoint: Attempt<EndpointFacts>): PreflightItem {
  if ('error' in model) return red('model', model.error.message, 'Choose another base model.', choose('model'))
  if (baseModel.kind === 'folder' && 'value' in endpoint && endpoint.value.kind === 'runpod') {
    const text = 'The base model lies in a folder on this computer, which a worker of RunPod cannot read.'
    return red('model', text, 'Choose a model of the catalogue or a Hugging Face id, or train on this computer.', choose('model'))
  }
  return green('model', `${model.value.label} can be used.`)
}

/** Whether all values are within their ranges and fit each other, with the nearest value that does. */
export function hyperparametersItem(
  config: RunConfig,
  dataset: Attempt<DatasetFacts>,
  model: Attempt<ModelFacts>,
  endpoint: Attempt<EndpointFacts>,
): PreflightItem {
  const validRows = 'value' in dataset ? dataset.value.validRows : 0
  const facts = 'value' in model ? model.value : null
  const [issue] = checkHyperparameters(config.hyperparameters, {
    model: facts,
    endpoint: 'value' in endpoint ? endpoint.value : null,
    validRows,
  })
  if (issue === undefined) return green('hyperparameters', 'All values are within their ranges.')
  const repair = repairOf(issue.field, config, { validRows, contextLength: facts?.contextLength ?? null })
  return red('hyperparameters', issue.message, `Change ${issue.field}, or choose a preset.`, repair ?? choose('preset'))
}

const largestAccumulation = hyperparametersSchema.shape.gradient_accumulation_steps.maxValue ?? 1

function repairOf(
  field: string,
  { hyperparameters: values }: RunConfig,
  { validRows, contextLength }: { validRows: number; contextLength: number | null },
): PreflightItem['action'] {
  if (field === 'max_length' && contextLength !== null) return { kind: 'set_hyperparameter', name: 'max_length', value: contextLength }
  if (field === 'load_in_4bit') return { kind: 'set_hyperparameter', name: 'load_in_4bit', value: false }
  const rowsTrain = validRows - heldOutRows(validRows, values.eval_fraction)
  const most = Math.min(largestAccumulation, Math.floor(rowsTrain / values.per_device_train_batch_size))
  if (field !== 'gradient_accumulation_steps' || most < 1) return undefined
  return { kind: 'set_hyperparameter', name: 'gradient_accumulation_steps', value: most }
}
