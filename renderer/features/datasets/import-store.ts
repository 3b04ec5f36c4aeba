import { createStore } from 'zustand/vanilla'
import type { FilePreview } from '../../../preload/contract/datasets.ts'
import { bridge } from '../../lib/bridge.ts'
import { describeError } from '../../lib/describe-error.ts'

/** The file that is being looked at before an import; on any page. */
export interface ImportState {
  readonly preview: FilePreview | null
  readonly problem: string | null
  pick(): Promise<void>
  previewFile(file: File): Promise<void>
  /** Says why a drop was not even looked at. */
  readonly refuse: (problem: string) => void
  readonly close: () => void
}

/** One import at a time, wherever it was started from. */
export const importStore = createStore<ImportState>((set) => {
  const look = async (ask: () => Promise<FilePreview | null>) => {
    try {
      const preview = await ask()
      if (preview !== null) set({ preview, problem: null })
    } catch (error) {
      set({ preview: null, problem: describeError(error) })
    }
  }
  return {
    preview: null,
    problem: null,
    pick: () => look(() => bridge.invoke('datasets.pickFile', {})),
    previewFile: (file) => look(() => bridge.previewDroppedFile(file)),
    refuse: (problem) => set({ preview: null, problem }),
    close: () => set({ preview: null, problem: null }),
  }
})
