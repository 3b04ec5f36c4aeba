import { ipcMain, webContents, type IpcMainEvent, type IpcMainInvokeEvent } from 'electron'
import { z } from 'zod'
import { EVENT_CHANNEL, INVOKE_CHANNEL, SUBSCRIBE_CHANNEL } from '../../preload/contract/channels.ts'
import { events, type EventName } from '../../preload/contract/contract.ts'
import { AppError } from '../../preload/contract/errors.ts'
import type { EventHub, SendToWindow } from '../ipc/events.ts'
import { failure, type Dispatch } from '../ipc/router.ts'
import { isTrustedSender, type SenderFacts } from './sender-gate.ts'

const requestSchema = z.strictObject({ route: z.unknown(), input: z.unknown(), droppedPath: z.string().max(4096).optional() })
const subscriptionSchema = z.strictObject({ event: z.string(), isOn: z.boolean() })

function factsOf(event: IpcMainInvokeEvent | IpcMainEvent): SenderFacts {
  const frame = event.senderFrame
  return { frameUrl: frame?.url, isTopFrame: frame !== null && frame.parent === null, windowId: event.sender.id }
}

/** The only place that listens to the page: gate, unpack, dispatch. */
export function connectIpc(dependencies: { dispatch: Dispatch; hub: EventHub; knownWindows: ReadonlySet<number> }): void {
  const { dispatch, hub, knownWindows } = dependencies
  ipcMain.handle(INVOKE_CHANNEL, (event, message: unknown) => {
    if (!isTrustedSender(factsOf(event), knownWindows)) {
      return failure(new AppError('FORBIDDEN_SENDER', 'Only the app’s own window may ask for this.'))
    }
    const request = requestSchema.safeParse(message)
    if (!request.success) return failure(new AppError('INVALID_INPUT', 'The request is not well formed.'))
    const { route, input, droppedPath } = request.data
    return dispatch(route, input, {
      windowId: event.sender.id,
      droppedPath: droppedPath === undefined || droppedPath === '' ? null : droppedPath,
    })
  })
  ipcMain.on(SUBSCRIBE_CHANNEL, (event, message: unknown) => {
    const request = subscriptionSchema.safeParse(message)
    if (!request.success || !isTrustedSender(factsOf(event), knownWindows) || !Object.hasOwn(events, request.data.event)) return
    const name = request.data.event as EventName
    if (request.data.isOn) hub.subscribe(event.sender.id, name)
    else hub.unsubscribe(event.sender.id, name)
  })
}

/** Delivers events to a window that still exists. */
export const sendToWindow: SendToWindow = (windowId, event, payload) => {
  const target = webContents.fromId(windowId)
  if (target !== undefined && !target.isDestroyed()) target.send(EVENT_CHANNEL, event, payload)
}
