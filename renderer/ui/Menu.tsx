import './popup.css'
import type { ReactElement } from 'react'
import { Menu as BaseMenu } from '@base-ui/react/menu'

interface MenuItem {
  readonly id: string
  readonly label: string
  readonly isDestructive?: boolean
  readonly isDisabled?: boolean
  readonly onSelect: () => void
}

interface MenuProps {
  /** The button that opens it. */
  readonly trigger: ReactElement<Record<string, unknown>>
  readonly items: readonly MenuItem[]
}

/** A short list of actions behind a button. */
export function Menu({ trigger, items }: MenuProps) {
  return (
    <BaseMenu.Root>
      <BaseMenu.Trigger render={trigger} />
      <BaseMenu.Portal>
        <BaseMenu.Positioner sideOffset={4} align="end" className="popup-positioner">
          <BaseMenu.Popup className="popup menu">
            {items.map((item) => (
              <BaseMenu.Item
                key={item.id}
                className="menu-item"
                disabled={item.isDisabled ?? false}
                data-destructive={item.isDestructive}
                onClick={item.onSelect}
              >
                {item.label}
              </BaseMenu.Item>
            ))}
          </BaseMenu.Popup>
        </BaseMenu.Positioner>
      </BaseMenu.Portal>
    </BaseMenu.Root>
  )
}
