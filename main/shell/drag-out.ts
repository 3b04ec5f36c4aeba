import { nativeImage, webContents } from 'electron'

/** Starts a real OS drag of a file or folder out of a window; the icon must not be empty or nothing starts. */
export function startDragOut(windowId: number, path: string, iconPath: string): void {
  const icon = nativeImage.createFromPath(iconPath).resize({ width: 64, height: 64 })
  if (icon.isEmpty()) throw new Error('The drag icon is missing')
  webContents.fromId(windowId)?.startDrag({ file: path, icon })
}
