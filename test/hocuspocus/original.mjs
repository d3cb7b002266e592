// The original server, @hocuspocus/server: node original.mjs. Prints its port, and the number of the control port, which
// answers /stored?room=… with the document of a room. Its hooks have the same rules as those of hocuspocus_test.go.

import { createServer } from 'node:http'
import { Server } from '@hocuspocus/server'
import * as Y from 'yjs'

const documents = new Map() // that are stored, by name

const denied = reason => Object.assign(new Error(reason), { reason })

function scope (token, connectionConfig) {
  switch (token) {
    case 'writer': connectionConfig.readOnly = false; return
    case 'reader': connectionConfig.readOnly = true; return
    case '': throw denied('no token')
    default: throw denied('unknown token')
  }
}

const server = new Server({
  port: 0,
  address: '127.0.0.1',
  quiet: true,
  stopOnSignals: false,

  async onAuthenticate ({ token, connectionConfig }) {
    // The frames that follow the token arrive meanwhile. After a refusal they would be kept: see faults.mjs.
    await new Promise(resolve => setTimeout(resolve, 50))
    scope(token, connectionConfig)
  },

  async onLoadDocument ({ documentName, document }) {
    if (documents.has(documentName)) Y.applyUpdate(document, documents.get(documentName))
  },

  async onStoreDocument ({ documentName, document }) { documents.set(documentName, Y.encodeStateAsUpdate(document)) },

  async onTokenSync ({ token, connection }) { scope(token, connection) },

  async onStateless ({ payload, document, connection }) {
    const [command, text] = payload.split(':')
    if (command === 'echo') connection.sendStateless(text)
    if (command === 'all') document.broadcastStateless(text)
    if (command === 'token') connection.requestToken()
    if (command === 'close') server.hocuspocus.closeConnections(document.name)
  }
})
console.error = console.warn = () => {} // the stacks of refusals
await server.listen()

const control = createServer((request, response) => {
  const room = new URL(request.url, 'http://localhost').searchParams.get('room')
  const document = server.hocuspocus.documents.get(room)
  const update = document ? Y.encodeStateAsUpdate(document) : documents.get(room) ?? new Uint8Array([0, 0])
  response.end(Buffer.from(update))
})
control.keepAliveTimeout = 60_000
control.listen(0, '127.0.0.1', () => process.stdout.write(JSON.stringify({ port: server.address.port, control: control.address().port }) + '\n'))
process.stdin.resume().on('end', () => process.exit(0))
