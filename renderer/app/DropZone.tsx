import { useNavigate } from '@tanstack/react-router'
import { FileInput } from 'lucide-react'
import { useEffect, useState } from 'react'
import { importStore } from '../features/datasets/import-store.ts'
import { ImportDialog } from '../features/datasets/ImportDialog.tsx'

/** The whole window takes dropped files, shows what they are, and imports them only then. */
export function DropZone() {
  const [isOver, setOver] = useState(false)
  const navigate = useNavigate()
  useEffect(() => listenForDrops(setOver), [])
  return (
    <>
      {isOver && (
        <div className="drop-veil" role="status">
          <FileInput size={28} aria-hidden="true" />
          Drop the file to look at it
        </div>
      )}
      <ImportDialog onOpen={(id) => void navigate({ to: '/datasets/$datasetId', params: { datasetId: id } })} />
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
    const files = [...(event.dataTransfer?.files ?? [])]
    if (files.length > 0) void importStore.getState().previewFiles(files)
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
