// A second program for drag tests: shows one window, accepts drops, and drags a file out of itself.
const { app, BrowserWindow, ipcMain, nativeImage } = require('electron')
const { join } = require('node:path')

app.once('ready', () => {
  const window = new BrowserWindow({
    x: 960,
    y: 40,
    width: 420,
    height: 420,
    title: 'Drag peer',
    webPreferences: { preload: join(__dirname, 'preload.cjs'), sandbox: true, contextIsolation: true },
  })
  ipcMain.on('drag', (event, { file, icon }) => event.sender.startDrag({ file, icon: nativeImage.createFromPath(icon) }))
  void window.loadFile(join(__dirname, 'peer.html'))
})
app.on('window-all-closed', () => app.quit())
