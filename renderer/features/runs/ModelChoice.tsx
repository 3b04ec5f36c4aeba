import { useState } from 'react'
import { FolderOpen, Laptop, Lock } from 'lucide-react'
import type { BaseModel, BaseModelRef } from '../../../preload/contract/models.ts'
import { Button } from '../../ui/Button.tsx'
import { describeSize, groupModels, isSameModel, readModelId, searchModels } from './base-model.ts'
import { ChoiceOption } from './ChoiceSection.tsx'

interface ModelChoiceProps {
  readonly catalogue: readonly BaseModel[]
  readonly chosen: BaseModelRef | null
  readonly onChoose: (model: BaseModelRef) => void
  readonly onPickFolder: () => void
  readonly folderError: string | null
}

/** The catalogue by family, any Hugging Face id, or a folder on this computer. */
export function ModelChoice({ catalogue, chosen, onChoose, onPickFolder, folderError }: ModelChoiceProps) {
  const [search, setSearch] = useState('')
  const groups = groupModels(searchModels(catalogue, search))
  return (
    <div className="model-choice">
      <input
        type="search"
        className="model-choice-search"
        aria-label="Search base models"
        placeholder="Search base models"
        value={search}
        onChange={(event) => setSearch(event.target.value)}
      />
      {groups.length === 0 && <p className="choice-empty">No model in the catalogue matches. A Hugging Face id can be written below.</p>}
      <div className="model-choice-groups">
        {groups.map((group) => (
          <section key={group.family} aria-label={group.title}>
            <h3>{group.title}</h3>
            <ul className="choice-options">
              {group.models.map((model) => (
                <CatalogueOption
                  key={model.id}
                  model={model}
                  isChosen={isSameModel(chosen, refOf(model))}
                  onChoose={() => onChoose(refOf(model))}
                />
              ))}
            </ul>
          </section>
        ))}
      </div>
      <div className="model-choice-other">
        <ModelIdForm chosen={chosen} onChoose={onChoose} />
        <div>
          <span className="field-label">Folder on this computer</span>
          <Button onClick={onPickFolder}>
            <FolderOpen size={14} aria-hidden="true" />
            Choose folder
          </Button>
          {folderError !== null && (
            <p role="alert" className="field-error">
              {folderError}
            </p>
          )}
        </div>
      </div>
    </div>
  )
}

function CatalogueOption({
  model,
  isChosen,
  onChoose,
}: {
  readonly model: BaseModel
  readonly isChosen: boolean
  readonly onChoose: () => void
}) {
  return (
    <ChoiceOption
      title={model.title}
      aside={
        <>
          {model.fitsThisComputer && (
            <span className="fits-mark">
              <Laptop size={12} aria-hidden="true" />
              Fits this computer
            </span>
          )}
          {model.isGated && (
            <span className="gated-mark">
              <Lock size={12} aria-hidden="true" />
              Needs access
            </span>
          )}
        </>
      }
      detail={`${describeSize(model)} · ${model.licence} · ${model.note}`}
      isChosen={isChosen}
      onChoose={onChoose}
    />
  )
}

function ModelIdForm({ chosen, onChoose }: Pick<ModelChoiceProps, 'chosen' | 'onChoose'>) {
  const [text, setText] = useState(chosen?.kind === 'huggingface' ? chosen.id : '')
  const [error, setError] = useState<string | null>(null)
  const submit = (event: React.SyntheticEvent) => {
    event.preventDefault()
    const read = readModelId(text)
    setError(read.error)
    if (read.model !== null) onChoose(read.model)
  }
  return (
    <form onSubmit={submit} noValidate>
      <label className="field-label" htmlFor="model-id">
        Hugging Face id
      </label>
      <div className="model-choice-id">
        <input
          id="model-id"
          type="text"
          spellCheck={false}
          placeholder="organisation/name"
          value={text}
          aria-invalid={error !== null}
          aria-describedby={error === null ? undefined : 'model-id-error'}
          onChange={(event) => setText(event.target.value)}
        />
        <Button type="submit">Use this id</Button>
      </div>
      {error !== null && (
        <p id="model-id-error" role="alert" className="field-error">
          {error}
        </p>
      )}
    </form>
  )
}

function refOf(model: BaseModel): BaseModelRef {
  return { kind: 'huggingface', id: model.id, revision: null }
}
