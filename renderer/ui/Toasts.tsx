import './toasts.css'
import { Toast } from '@base-ui/react/toast'
import type { ReactNode } from 'react'

/** Provides short messages at the edge of the window; `useToasts` shows one. */
export function Toasts({ children }: { readonly children: ReactNode }) {
  return (
    <Toast.Provider timeout={8000}>
      {children}
      <Toast.Portal>
        <Toast.Viewport className="toasts">
          <ToastList />
        </Toast.Viewport>
      </Toast.Portal>
    </Toast.Provider>
  )
}

/** Shows messages; an action (such as Undo) stays reachable until the message goes. */
export function useToasts(): { show(title: string, action?: { label: string; onSelect: () => void }): void } {
  const manager = Toast.useToastManager()
  return {
    show: (title, action) =>
      void manager.add({ title, ...(action === undefined ? {} : { actionProps: { children: action.label, onClick: action.onSelect } }) }),
  }
}

function ToastList() {
  const { toasts } = Toast.useToastManager()
  return toasts.map((toast) => (
    <Toast.Root key={toast.id} toast={toast} className="toast">
      <Toast.Title className="toast-title" />
      {toast.actionProps !== undefined && <Toast.Action className="button" data-size="small" />}
      <Toast.Close className="button" data-variant="ghost" data-size="small" aria-label="Close message">
        ×
      </Toast.Close>
    </Toast.Root>
  ))
}
