import { createStore } from 'zustand/vanilla'
import type { FilePreview } from '../../../preload/contract/datasets.ts'
import { bridge } from '../../lib/bridge.ts'
import { describeError } from '../../lib/describe-error.ts'

/** The files that are being looked at before an import; on any page. */
export interface ImportState {
  /** In the order in which they become one dataset. */
  readonly files: readonly FilePreview[]
  /** What could not even be looked at. */
  readonly problems: readonly string[]
  readonly isLooking: boolean
  /** Opens the file dialog; what is chosen comes after the files that are there. */
  pick(): Promise<void>
  previewFiles(files: readonly File[]): Promise<void>
  readonly remove: (token: string) => void
  /** Moves a file one place up (-1) or down (1). */
  readonly move: (token: string, step: -1 | 1) => void
  readonly close: () => void
}

const empty = { files: [], problems: [], isLooking: false }

/** One import at a time, wherever it was started from. */
export const importStore = createStore<ImportState>((set, get) => {
  // Closing the dialog makes answers that are still on their way stale.
  let session = 0
  const add = (files: readonly FilePreview[]) => {
    const known = new Set(get().files.map(({ token }) => token))
    set({ files: [...get().files, ...files.filter(({ token }) => !known.has(token))] })
  }
  const look = async (asks: readonly (() => Promise<readonly FilePreview[]>)[]) => {
    const mine = session
    set({ isLooking: true, problems: [] })
    for (const ask of asks) {
      try {
        const files = await ask()
        if (mine === session) add(files)
      } catch (error) {
        if (mine === session) set({ problems: [...get().problems, describeError(error)] })
      }
    }
    if (mine === session) set({ isLooking: false })
  }
  return {
    ...empty,
    pick: () => look([() => bridge.invoke('datasets.pickFiles', {})]),
    previewFiles: (files) => look(files.map((file) => async () => [await bridge.previewDroppedFile(file)])),
    remove: (token) => set({ files: get().files.filter((file) => file.token !== token) }),
    move: (token, step) => {
      const files = [...get().files]
      const from = files.findIndex((file) => file.token === token)
      const moved = files[from]
      const other = files[from + step]
      if (moved === undefined || other === undefined) return
      files[from] = other
      files[from + step] = moved
      set({ files })
    },
    close: () => {
      session += 1
      set(empty)
    },
  }
})
