import { BrowserWindow, dialog, webContents, type OpenDialogOptions, type SaveDialogOptions } from 'electron'

function parentOf(windowId: number): BrowserWindow | undefined {
  const contents = webContents.fromId(windowId)
  return contents === undefined ? undefined : (BrowserWindow.fromWebContents(contents) ?? undefined)
}

async function openSeveral(windowId: number, options: OpenDialogOptions): Promise<string[]> {
  const parent = parentOf(windowId)
  const answer = parent === undefined ? await dialog.showOpenDialog(options) : await dialog.showOpenDialog(parent, options)
  return answer.canceled ? [] : answer.filePaths
}

async function open(windowId: number, options: OpenDialogOptions): Promise<string | null> {
  return (await openSeveral(windowId, options))[0] ?? null
}

async function save(windowId: number, options: SaveDialogOptions): Promise<string | null> {
  const parent = parentOf(windowId)
  const answer = parent === undefined ? await dialog.showSaveDialog(options) : await dialog.showSaveDialog(parent, options)
  return answer.canceled || answer.filePath === '' ? null : answer.filePath
}

/** The system's file dialogs, each answering with paths or nothing. */
export const systemDialogs = {
  pickDatasetFiles: (windowId: number) =>
    openSeveral(windowId, {
      title: 'Import dataset',
      properties: ['openFile', 'multiSelections'],
      filters: [
        { name: 'Datasets', extensions: ['jsonl', 'json', 'ndjson', 'csv', 'tsv', 'parquet', 'gz', 'zst'] },
        { name: 'All files', extensions: ['*'] },
      ],
    }),
  pickModelFolder: (windowId: number) => open(windowId, { title: 'Choose a model folder', properties: ['openDirectory'] }),
  pickTargetFolder: (windowId: number, title: string) => open(windowId, { title, properties: ['openDirectory', 'createDirectory'] }),
  pickTargetFile: (windowId: number, title: string, defaultName: string, extension: string) =>
    save(windowId, { title, defaultPath: defaultName, filters: [{ name: extension.toUpperCase(), extensions: [extension] }] }),
}
