import './tabs.css'
import type { ReactNode } from 'react'
import { Tabs as BaseTabs } from '@base-ui/react/tabs'

interface TabsProps {
  readonly label: string
  readonly tabs: readonly { readonly id: string; readonly title: ReactNode; readonly content: ReactNode }[]
  /** The chosen tab when the caller keeps it, e.g. in the address. */
  readonly value?: string
  readonly onChange?: (id: string) => void
}

/** Sections of a page, one at a time. */
export function Tabs({ label, tabs, value, onChange }: TabsProps) {
  return (
    <BaseTabs.Root
      className="tabs"
      {...(value === undefined ? { defaultValue: tabs[0]?.id } : { value })}
      onValueChange={(next: unknown) => onChange?.(String(next))}
    >
      <BaseTabs.List className="tabs-list" aria-label={label}>
        {tabs.map((tab) => (
          <BaseTabs.Tab key={tab.id} value={tab.id} className="tabs-tab">
            {tab.title}
          </BaseTabs.Tab>
        ))}
      </BaseTabs.List>
      {tabs.map((tab) => (
        <BaseTabs.Panel key={tab.id} value={tab.id} className="tabs-panel">
          {tab.content}
        </BaseTabs.Panel>
      ))}
    </BaseTabs.Root>
  )
}
