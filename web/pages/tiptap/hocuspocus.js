import { HocuspocusProvider, MessageType } from '@hocuspocus/provider'
import * as encoding from 'lib0/encoding'
import { Status } from '../../shared/status.js'
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
  const status = new Status({
    socket: () => socket.webSocket,
    question: encoding.encode(encoder => {
      encoding.writeVarString(encoder, room)
      encoding.writeVarUint(encoder, MessageType.QueryAwareness)
    }),
    heard: () => socket.lastMessageReceived,
    stop: () => socket.disconnect(),
    address: () => socket.url
  })

  let open = false // the socket, which is connected before the server has admitted the user to the room
  provider.on('open', () => { open = true })
  provider.on('authenticated', () => status.connected())
  provider.on('authenticationFailed', ({ reason }) => status.closed(403, reason))
  provider.on('close', ({ event }) => {
    const { status: now } = socket
    if (now === 'connected') status.closed(event.code, event.reason) // the room alone is closed to this page
    else if (open) status.lost(event.code, event.reason)
    else status.failed()
    if (now !== 'connected') open = false
  })
  return {
    provider,
    saved,
    status,
    connect: () => socket.connect(),
    retry: () => socket.shouldConnect && socket.connect(),
    onAccess: listener => provider.on('authenticated', ({ scope }) => listener(scope === 'readonly'))
  }
}
