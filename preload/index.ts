import { contextBridge, ipcRenderer, webUtils } from 'electron'
import { EVENT_CHANNEL, INVOKE_CHANNEL, SUBSCRIBE_CHANNEL, type Bridge } from './contract/channels.ts'

const listeners = new Map<string, Set<(payload: unknown) => void>>()

ipcRenderer.on(EVENT_CHANNEL, (_event, name: string, payload: unknown) => {
  for (const listener of listeners.get(name) ?? []) listener(payload)
})

const bridge: Bridge = {
  invoke: (route, input) => ipcRenderer.invoke(INVOKE_CHANNEL, { route, input }),
  // Only here can a page's File become a path: an object that is not from the OS yields an empty one.
  invokeWithFile: (route, file) =>
    ipcRenderer.invoke(INVOKE_CHANNEL, { route, input: {}, droppedPath: file instanceof File ? webUtils.getPathForFile(file) : '' }),
  on(event, listener) {
    const known = listeners.get(event) ?? new Set()
    listeners.set(event, known.add(listener))
    if (known.size === 1) ipcRenderer.send(SUBSCRIBE_CHANNEL, { event, isOn: true })
    return () => {
      if (known.delete(listener) && known.size === 0) ipcRenderer.send(SUBSCRIBE_CHANNEL, { event, isOn: false })
    }
  },
}

contextBridge.exposeInMainWorld('tunesmith', Object.freeze(bridge))
