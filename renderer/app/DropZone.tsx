import { useNavigate } from '@tanstack/react-router'
import { FileInput } from 'lucide-react'
import { useEffect, useState } from 'react'
import { useStore } from 'zustand'
import { importStore } from '../features/datasets/import-store.ts'
import { ImportDialog } from '../features/datasets/ImportDialog.tsx'

/** The whole window takes a dropped file, shows what it is, and imports it only then. */
export function DropZone() {
  const [isOver, setOver] = useState(false)
  const navigate = useNavigate()
  const { preview, problem, close } = useStore(importStore)
  useEffect(() => listenForDrops(setOver), [])
  return (
    <>
      {isOver && (
        <div className="drop-veil" role="status">
          <FileInput size={28} aria-hidden="true" />
          Drop the file to look at it
        </div>
      )}
      <ImportDialog
        preview={preview}
        problem={problem}
        onClose={close}
        onOpen={(id) => void navigate({ to: '/datasets/$datasetId', params: { datasetId: id } })}
      />
    </>
  )
}

function listenForDrops(setOver: (isOver: boolean) => void): () => void {
  const holdsFiles = (event: DragEvent) => event.dataTransfer?.types.includes('Files') === true
  const onOver = (event: DragEvent) => {
    event.preventDefault()
    if (holdsFiles(event)) setOver(true)
  }
  const onLeave = (event: DragEvent) => {
    if (event.relatedTarget === null) setOver(false)
  }
  const onDrop = (event: DragEvent) => {
    event.preventDefault()
    setOver(false)
    const files = event.dataTransfer?.files
    const file = files?.[0]
    if (files === undefined || file === undefined) return
    if (files.length > 1) importStore.getState().refuse('Drop one file at a time. Each file becomes a dataset of its own.')
    else void importStore.getState().previewFile(file)
  }
  document.addEventListener('dragover', onOver)
  document.addEventListener('dragleave', onLeave)
  document.addEventListener('drop', onDrop)
  return () => {
    document.removeEventListener('dragover', onOver)
    document.removeEventListener('dragleave', onLeave)
    document.removeEventListener('drop', onDrop)
  }
}
