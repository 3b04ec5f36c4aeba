import { useState } from 'react'
import { Copy, FolderDown, FolderOpen, Folder, Grip, PackageCheck, Archive } from 'lucide-react'
import type { Adapter } from '../../../preload/contract/adapters.ts'
import { describeError } from '../../lib/describe-error.ts'
import { formatBytes } from '../../lib/format.ts'
import { Button } from '../../ui/Button.tsx'
import { useCopyAdapterPath, useRevealAdapter, useSaveAdapter, useStartAdapterDrag, useVerifyAdapter } from './queries.ts'

/** Takes the adapter out of the app: a drag, and buttons that do the same without one. */
export function AdapterHandOver({ adapter }: { readonly adapter: Adapter }) {
  const [message, setMessage] = useState<string | null>(null)
  const drag = useStartAdapterDrag(adapter.id)
  const save = useSaveAdapter(adapter.id)
  const reveal = useRevealAdapter(adapter.id)
  const copyPath = useCopyAdapterPath(adapter.id)
  const verify = useVerifyAdapter(adapter.id)
  const isUsable = adapter.status === 'verified'
  const isBusy = save.isPending || verify.isPending
  const failed = (error: unknown) => setMessage(describeError(error))
  const saveAs = (format: 'zip' | 'folder') =>
    save.mutate(format, {
      onError: failed,
      onSuccess: (saved) => setMessage(saved === null ? null : `Saved to ${saved.path}, ${formatBytes(saved.bytes)}.`),
    })
  return (
    <section className="hand-over" aria-label="Take the adapter out">
      <div
        className="drag-card"
        data-testid="adapter-drag"
        data-usable={isUsable}
        draggable={isUsable}
        title={isUsable ? 'The same can be done with the buttons beside it' : undefined}
        onDragStart={(event) => {
          // The page's own drag gives way to the system's, which carries the real folder.
          event.preventDefault()
          drag.mutate(undefined, { onError: failed })
        }}
      >
        <Grip size={16} aria-hidden="true" className="drag-card-grip" />
        <Folder size={40} strokeWidth={1.25} aria-hidden="true" />
        <div>
          <b>Drag into another program</b>
          <span>
            {isUsable
              ? `A folder with ${adapter.files.length} files, ${formatBytes(adapter.sizeBytes)}`
              : 'Possible once every file is checked'}
          </span>
        </div>
      </div>
      <div className="hand-over-actions">
        <Button disabled={!isUsable || isBusy} onClick={() => saveAs('zip')}>
          <Archive size={14} aria-hidden="true" />
          Save as ZIP
        </Button>
        <Button disabled={!isUsable || isBusy} onClick={() => saveAs('folder')}>
          <FolderDown size={14} aria-hidden="true" />
          Save as folder
        </Button>
        <Button disabled={adapter.status === 'missing'} onClick={() => reveal.mutate(undefined, { onError: failed })}>
          <FolderOpen size={14} aria-hidden="true" />
          Reveal
        </Button>
        <Button
          disabled={adapter.status === 'missing'}
          onClick={() => copyPath.mutate(undefined, { onError: failed, onSuccess: ({ path }) => setMessage(`Copied ${path}`) })}
        >
          <Copy size={14} aria-hidden="true" />
          Copy path
        </Button>
        <Button
          disabled={isBusy || adapter.status === 'collecting'}
          onClick={() =>
            verify.mutate(undefined, {
              onError: failed,
              onSuccess: (checked) =>
                setMessage(checked.status === 'verified' ? `All ${checked.files.length} files are as the trainer recorded them.` : null),
            })
          }
        >
          <PackageCheck size={14} aria-hidden="true" />
          {verify.isPending ? 'Verifying' : 'Verify again'}
        </Button>
      </div>
      <output className="hand-over-message">{save.isPending ? 'Saving. Large adapters take a moment.' : message}</output>
    </section>
  )
}
