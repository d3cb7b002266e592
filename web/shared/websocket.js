import { WebsocketProvider } from 'y-websocket'
import { Saved } from './saved.js'

// websocket returns the connection of doc to a room by the y-websocket protocol.
export function websocket (room, doc, query) {
  const provider = new WebsocketProvider(location.origin.replace(/^http/, 'ws') + '/ws', encodeURIComponent(room), doc, {
    connect: false,
    disableBc: true, // another tab may have edits that the server has not stored
    params: query
  })
  const saved = new Saved(provider)
  return {
    provider,
    saved,
    connect: () => provider.connect(),
    retry: () => provider.shouldConnect && provider.connect(),
    onAccess: () => {},
    onStatus: listener => {
      provider.on('status', ({ status }) => {
        // Without a network the provider reports "connecting" at each attempt.
        const first = !saved.loaded && provider.wsUnsuccessfulReconnects === 0
        listener(status === 'connected' ? 'connected' : first ? 'connecting' : 'offline')
      })
      provider.on('connection-close', () => listener('offline'))
      provider.on('closed', ({ reason }) => listener('closed', reason))
    }
  }
}
