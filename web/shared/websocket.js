import { messageQueryAwareness, WebsocketProvider } from 'y-websocket'
import { isFinal } from './reasons.js'
import { Saved } from './saved.js'
import { Status } from './status.js'

// websocket returns the connection of doc to a room by the y-websocket protocol.
export function websocket (room, doc, query) {
  const provider = new WebsocketProvider(location.origin.replace(/^http/, 'ws') + '/ws', encodeURIComponent(room), doc, {
    connect: false,
    disableBc: true, // another tab may have edits that the server has not stored
    params: query,
    shouldReconnect: ({ code }) => !isFinal(code)
  })
  const saved = new Saved(provider)
  const status = new Status({
    socket: () => provider.ws,
    question: Uint8Array.of(messageQueryAwareness),
    heard: () => provider.wsLastMessageReceived,
    stop: () => provider.disconnect(),
    address: () => provider.url
  })
  provider.on('status', ({ status: now }) => now === 'connected' && status.connected())
  provider.on('connection-close', event => {
    if (provider.wsconnected) status.lost(event?.code, event?.reason)
    else status.failed()
  })
  return {
    provider,
    saved,
    status,
    connect: () => provider.connect(),
    retry: () => provider.shouldConnect && provider.connect(),
    onAccess: () => {}
  }
}
