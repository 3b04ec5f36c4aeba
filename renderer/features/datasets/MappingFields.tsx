import type { ColumnMapping } from '../../../preload/contract/datasets.ts'
import { SegmentedControl } from '../../ui/SegmentedControl.tsx'

interface MappingProps {
  readonly mapping: ColumnMapping
  readonly onChange: (mapping: ColumnMapping) => void
}

/** True when every part that a mapping needs has a column. */
export function isWholeMapping(mapping: ColumnMapping): boolean {
  return mapping.kind === 'text' ? mapping.text !== '' : mapping.user !== '' && mapping.assistant !== ''
}

/** Conversations or running text. */
export function MappingKind({ mapping, onChange }: MappingProps) {
  return (
    <SegmentedControl
      label="What a row is"
      options={[
        { value: 'chat', title: 'Prompt and answer' },
        { value: 'text', title: 'Plain text' },
      ]}
      value={mapping.kind}
      onChange={(kind) => onChange(kind === 'text' ? { kind, text: '' } : { kind, system: null, user: '', assistant: '' })}
    />
  )
}

/** Says which column is which part of a conversation. */
export function MappingFields({ mapping, columns, onChange }: MappingProps & { readonly columns: readonly string[] }) {
  return (
    <div className="mapping-fields" role="group" aria-label="Columns">
      <MappingKind mapping={mapping} onChange={onChange} />
      {mapping.kind === 'text' ? (
        <ColumnSelect label="Text" value={mapping.text} columns={columns} onChange={(text) => onChange({ ...mapping, text })} />
      ) : (
        <>
          <ColumnSelect
            label="System prompt"
            value={mapping.system ?? ''}
            columns={columns}
            emptyText="None"
            onChange={(system) => onChange({ ...mapping, system: system === '' ? null : system })}
          />
          <ColumnSelect label="User" value={mapping.user} columns={columns} onChange={(user) => onChange({ ...mapping, user })} />
          <ColumnSelect
            label="Assistant"
            value={mapping.assistant}
            columns={columns}
            onChange={(assistant) => onChange({ ...mapping, assistant })}
          />
        </>
      )}
    </div>
  )
}

interface ColumnSelectProps {
  readonly label: string
  readonly value: string
  readonly columns: readonly string[]
  readonly emptyText?: string
  readonly onChange: (column: string) => void
}

function ColumnSelect({ label, value, columns, emptyText = 'Choose a column', onChange }: ColumnSelectProps) {
  return (
    <label>
      <span>{label}</span>
      <select value={value} onChange={(event) => onChange(event.target.value)}>
        <option value="">{emptyText}</option>
        {columns.map((column) => (
          <option key={column} value={column}>
            {column}
          </option>
        ))}
      </select>
    </label>
  )
}
