import './popup.css'
import type { ReactNode, RefObject } from 'react'
import { Dialog as BaseDialog } from '@base-ui/react/dialog'

interface DialogProps {
  readonly isOpen: boolean
  readonly title: string
  readonly description?: ReactNode
  readonly onClose: () => void
  readonly children: ReactNode
  readonly width?: 'normal' | 'wide' | 'full'
  /** Where the keyboard starts; the first control otherwise. */
  readonly initialFocus?: RefObject<HTMLElement | null>
}

/** A modal dialog; Escape and the backdrop close it. */
export function Dialog({ isOpen, title, description, onClose, children, width = 'normal', initialFocus }: DialogProps) {
  return (
    <BaseDialog.Root
      open={isOpen}
      onOpenChange={(next) => {
        if (!next) onClose()
      }}
    >
      <BaseDialog.Portal>
        <BaseDialog.Backdrop className="dialog-backdrop" />
        <BaseDialog.Popup className="popup dialog" data-width={width} {...(initialFocus === undefined ? {} : { initialFocus })}>
          <BaseDialog.Title className="dialog-title">{title}</BaseDialog.Title>
          {description !== undefined && <BaseDialog.Description className="dialog-description">{description}</BaseDialog.Description>}
          {children}
        </BaseDialog.Popup>
      </BaseDialog.Portal>
    </BaseDialog.Root>
  )
}
