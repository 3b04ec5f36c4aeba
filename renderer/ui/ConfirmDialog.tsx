import { Button } from './Button.tsx'
import { Dialog } from './Dialog.tsx'

interface ConfirmDialogProps {
  readonly isOpen: boolean
  readonly title: string
  /** What happens, and what is lost. */
  readonly body: string
  readonly confirmLabel: string
  readonly isDestructive?: boolean
  readonly onConfirm: () => void
  readonly onCancel: () => void
}

/** Asks before something that cannot be undone. */
export function ConfirmDialog({ isOpen, title, body, confirmLabel, isDestructive = false, onConfirm, onCancel }: ConfirmDialogProps) {
  return (
    <Dialog isOpen={isOpen} title={title} description={body} onClose={onCancel}>
      <div className="dialog-actions">
        <Button onClick={onCancel}>Cancel</Button>
        <Button variant={isDestructive ? 'danger' : 'primary'} onClick={onConfirm}>
          {confirmLabel}
        </Button>
      </div>
    </Dialog>
  )
}
