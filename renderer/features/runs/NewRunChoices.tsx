import type { ReactNode } from 'react'
import { useMutation } from '@tanstack/react-query'
import { Link } from '@tanstack/react-router'
import { useStore } from 'zustand'
import { bridge } from '../../lib/bridge.ts'
import { describeError } from '../../lib/describe-error.ts'
import { presetLabels } from '../../lib/hyperparameter-text.ts'
import { AdvancedSettings } from './AdvancedSettings.tsx'
import { nameModel } from './base-model.ts'
import { BudgetSection } from './BudgetSection.tsx'
import { ChoiceSection } from './ChoiceSection.tsx'
import { DatasetChoice, describeDataset } from './DatasetChoice.tsx'
import { runDraftStore, type DraftChoice } from './draft-store.ts'
import { describeEndpoint, EndpointChoice } from './EndpointChoice.tsx'
import { ModelChoice } from './ModelChoice.tsx'
import { PresetChoice, presetLines } from './PresetChoice.tsx'
import { SamplePrompts } from './SamplePrompts.tsx'
import type { NewRun } from './use-new-run.ts'

/** The four decisions in order, then the settings behind the preset. */
export function NewRunChoices({ newRun }: { readonly newRun: NewRun }) {
  const draft = useStore(runDraftStore)
  const section = (choice: DraftChoice) => ({
    isReopened: draft.reopened === choice,
    onReopen: (isOpen: boolean) => draft.reopen(isOpen ? choice : null),
  })
  const { datasets, dataset, endpoints, endpoint, preset, presetNotes, form, blocked, promptError, budgetError } = newRun
  return (
    <>
      <ChoiceSection
        number={1}
        title="Dataset"
        summary={dataset === undefined ? null : <Summary name={dataset.name} detail={describeDataset(dataset)} />}
        {...section('dataset')}
      >
        {datasets === undefined ? (
          <p className="choice-empty">Reading the datasets.</p>
        ) : datasets.length === 0 ? (
          <NoDataset />
        ) : (
          <DatasetChoice datasets={datasets} chosenId={dataset?.id ?? null} onChoose={draft.chooseDataset} />
        )}
      </ChoiceSection>
      <ModelSection newRun={newRun} {...section('model')} />
      <ChoiceSection
        number={3}
        title="Endpoint"
        summary={endpoint === undefined ? null : <Summary name={endpoint.name} detail={describeEndpoint(endpoint)} />}
        {...section('endpoint')}
      >
        {endpoints === undefined ? (
          <p className="choice-empty">Reading the endpoints.</p>
        ) : (
          <EndpointChoice endpoints={endpoints} chosenId={endpoint?.id ?? null} onChoose={draft.chooseEndpoint} />
        )}
      </ChoiceSection>
      {endpoint?.kind === 'runpod' && (
        <BudgetSection
          text={draft.budgetText}
          error={budgetError}
          hasPrice={(endpoint.remote?.pricePerHourMicroUsd ?? null) !== null}
          onChange={draft.writeBudget}
        />
      )}
      <ChoiceSection
        number={4}
        title="Preset"
        summary={<Summary name={presetLabels[preset]} detail={presetLines[preset]} />}
        {...section('preset')}
      >
        <PresetChoice chosen={preset} onChoose={draft.choosePreset} />
      </ChoiceSection>
      {form !== null && (
        <AdvancedSettings
          edits={draft.edits}
          form={form.read}
          base={form.base}
          blocked={blocked}
          notes={presetNotes}
          isOpen={draft.isAdvancedOpen}
          onToggle={draft.setAdvancedOpen}
          onEdit={draft.edit}
          onReset={draft.resetEdits}
        >
          <SamplePrompts text={draft.promptText} error={promptError} onChange={draft.writePrompts} />
        </AdvancedSettings>
      )}
    </>
  )
}

interface ModelSectionProps {
  readonly newRun: NewRun
  readonly isReopened: boolean
  readonly onReopen: (isOpen: boolean) => void
}

function ModelSection({ newRun: { catalogue }, isReopened, onReopen }: ModelSectionProps) {
  const { baseModel, chooseModel } = useStore(runDraftStore)
  const pickFolder = useMutation({
    mutationFn: () => bridge.invoke('models.pickFolder', {}),
    onSuccess: (model) => {
      if (model !== null) chooseModel(model)
    },
  })
  const detail = baseModel === null ? '' : baseModel.kind === 'folder' ? baseModel.path : baseModel.id
  return (
    <ChoiceSection
      number={2}
      title="Base model"
      summary={baseModel === null ? null : <Summary name={nameModel(baseModel, catalogue ?? [])} detail={detail} />}
      isReopened={isReopened}
      onReopen={onReopen}
    >
      {catalogue === undefined ? (
        <p className="choice-empty">Reading the catalogue.</p>
      ) : (
        <ModelChoice
          catalogue={catalogue}
          chosen={baseModel}
          onChoose={chooseModel}
          onPickFolder={() => pickFolder.mutate()}
          folderError={pickFolder.error === null ? null : describeError(pickFolder.error)}
        />
      )}
    </ChoiceSection>
  )
}

function Summary({ name, detail }: { readonly name: string; readonly detail: ReactNode }) {
  return (
    <>
      <b title={name}>{name}</b>
      <span>{detail}</span>
    </>
  )
}

function NoDataset() {
  return (
    <p className="choice-empty">
      There is no dataset yet. <Link to="/datasets">Import one</Link>, then come back; the other choices are kept.
    </p>
  )
}
