const { contextBridge, ipcRenderer, webUtils } = require('electron')

contextBridge.exposeInMainWorld('peer', {
  startDrag: (file, icon) => ipcRenderer.send('drag', { file, icon }),
  pathOf: (file) => webUtils.getPathForFile(file),
})
