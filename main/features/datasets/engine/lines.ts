import { readPlaces } from './sources/places.ts'
import type { RowColumns } from './columns.ts'

/** Tells where a row stands in the files that the user gave. */
export interface SourceLines {
  lineOf(row: number): number
  fileNameOf(row: number): string
  close(): void
}

/** Opens the places of a working file; without them the working file is the user's own. */
export async function openSourceLines(columns: RowColumns, placesPath: string | null, fileNames: readonly string[]): Promise<SourceLines> {
  const workingLine = (row: number) => columns.line[row] ?? row + 1
  if (placesPath === null) return { lineOf: workingLine, fileNameOf: () => fileNames[0] ?? '', close: () => undefined }
  const places = readPlaces(placesPath)
  return {
    lineOf: (row) => places.sourceOf(workingLine(row)).line,
    fileNameOf: (row) => fileNames[places.sourceOf(workingLine(row)).source] ?? '',
    close: () => places.close(),
  }
}
