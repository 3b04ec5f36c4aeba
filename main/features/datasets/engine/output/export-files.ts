import { rename } from 'node:fs/promises'
import type { ExportLayout, SplitName } from '../../../../../preload/contract/datasets.ts'
import { createDataFile, type DataFile } from './data-file.ts'
import { dataFileName, datasetEntryName, type DataFilePlace } from './file-names.ts'
import { datasetInfo } from './layouts/llama-factory.ts'
import type { LayoutPart } from './layouts/layout-row.ts'
import type { TargetFolder } from './target-folder.ts'

/** A finished file of an export. */
export interface ExportedFile {
  readonly name: string
  readonly split: SplitName | null
  readonly rows: number
  readonly bytes: number
  readonly sha256: string
}

/** The data files of one export, made as rows for them turn up. */
export interface ExportFiles {
  open(split: number, part: LayoutPart): Promise<OpenFile>
  find(split: number, part: LayoutPart): OpenFile | null
  /** Finishes all files and gives them their names. */
  finish(): Promise<ExportedFile[]>
  abandon(): Promise<void>
}

/** A data file with its place in the export. */
export interface OpenFile {
  readonly data: DataFile
  readonly place: DataFilePlace
  hasTools: boolean
}

const splitNames: readonly (SplitName | null)[] = [null, 'train', 'validation', 'test']
const partOrder: readonly LayoutPart[] = ['conversations', 'preference', 'text']

/** Keeps the files of an export in a folder that is not published yet. */
export function createExportFiles(target: TargetFolder, layout: ExportLayout, baseName: string): ExportFiles {
  const files = new Map<number, OpenFile>()
  const keyOf = (split: number, part: LayoutPart) => split * partOrder.length + partOrder.indexOf(part)
  const passingName = (key: number) => `${key}.partial`
  return {
    find: (split, part) => files.get(keyOf(split, part)) ?? null,
    async open(split, part) {
      const key = keyOf(split, part)
      const known = files.get(key)
      if (known !== undefined) return known
      const data = await createDataFile(target.pathOf(passingName(key)))
      const file = { data, place: { split: splitNames[split] ?? null, part }, hasTools: false }
      files.set(key, file)
      return file
    },
    async finish() {
      const ordered = [...files].toSorted(([left], [right]) => left - right)
      const hasSeveralParts = new Set(ordered.map(([, file]) => file.place.part)).size > 1
      const exported: ExportedFile[] = []
      for (const [key, { data, place }] of ordered) {
        const name = dataFileName(layout, baseName, place, hasSeveralParts)
        const written = await data.finish()
        await rename(target.pathOf(passingName(key)), target.pathOf(name))
        exported.push({ name, split: place.split, ...written })
      }
      if (layout === 'llama_factory') {
        const described = ordered.map(([, { place, hasTools }]) => ({
          entry: datasetEntryName(baseName, place, hasSeveralParts),
          fileName: dataFileName(layout, baseName, place, hasSeveralParts),
          part: place.part,
          hasTools,
        }))
        await target.writeText('dataset_info.json', datasetInfo(described))
      }
      return exported
    },
    async abandon() {
      for (const { data } of files.values()) await data.abandon()
    },
  }
}
