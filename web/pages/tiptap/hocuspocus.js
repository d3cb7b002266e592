import { HocuspocusProvider } from '@hocuspocus/provider'
import { Acknowledged } from './acknowledged.js'

// hocuspocus returns the connection of doc to a room by the Hocuspocus protocol.
export function hocuspocus (room, doc, { token, ...query }) {
  const provider = new HocuspocusProvider({
    url: location.origin.replace(/^http/, 'ws') + '/hocuspocus?' + new URLSearchParams(query),
    name: room,
    document: doc,
    token,
    autoConnect: false,
    delay: 250,
    minDelay: 250,
    maxDelay: 2500
  })
  const saved = new Acknowledged(provider)
  const socket = provider.configuration.websocketProvider
  return {
    provider,
    saved,
    connect: () => socket.connect(),
    retry: () => socket.shouldConnect && socket.connect(),
    onAccess: listener => provider.on('authenticated', ({ scope }) => listener(scope === 'readonly')),
    onStatus: listener => {
      let ended = false // the room is closed to this page, though the socket may be open
      provider.on('open', () => { ended = false })
      // The socket is connected before the server has said whether this user may enter the room.
      provider.on('authenticated', () => listener('connected'))
      provider.on('authenticationFailed', ({ reason }) => {
        ended = true
        listener('closed', reason)
      })
      provider.on('close', ({ event }) => {
        if (socket.status === 'connected') {
          ended = true
          listener('closed', event.reason)
        } else if (!ended) {
          listener('offline')
        }
      })
    }
  }
}
