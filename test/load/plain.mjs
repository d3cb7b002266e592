// The server of y-websocket 2: node plain.mjs. Prints its port.

import { createServer } from 'node:http'
import { createRequire } from 'node:module'
import { WebSocketServer } from 'ws'

const { setupWSConnection } = createRequire(import.meta.url)('y-websocket-2/bin/utils')

const server = createServer()
const sockets = new WebSocketServer({ server })
sockets.on('connection', setupWSConnection)
server.listen(0, '127.0.0.1', () => process.stdout.write(JSON.stringify({ port: server.address().port }) + '\n'))
process.stdin.resume().on('end', () => process.exit(0))
