// Serves documents in memory with @hocuspocus/server on the port that PORT names: node hocuspocus.mjs

import { Server } from '../../test/node_modules/@hocuspocus/server/dist/hocuspocus-server.esm.js'

await new Server({ address: process.env.HOST, port: Number(process.env.PORT), quiet: true }).listen()
