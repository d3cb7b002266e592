// Makes stores of other servers with the programs of these, and compares documents that were imported from them with
// the originals. Each store has the documents that are named here; NAME.update in the folder ORIGINALS is what their clients had.
//
//   node stores.mjs y-leveldb FOLDER ORIGINALS
//   node stores.mjs y-sweet FOLDER ORIGINALS PROGRAM
//   node stores.mjs hocuspocus FILE ORIGINALS MODULES   with the @hocuspocus/extension-sqlite that is installed in the folder MODULES
//   node stores.mjs compare FILE FILE                   ends with status 1 if two updates are other documents
import { spawn } from 'node:child_process'
import fs from 'node:fs'
import { createRequire } from 'node:module'
import { createServer } from 'node:net'
import path from 'node:path'
import { pathToFileURL } from 'node:url'
import { HocuspocusProvider } from '@hocuspocus/provider'
import WebSocket from 'ws'
import { WebsocketProvider } from 'y-websocket'
import * as Y from 'yjs'

globalThis.WebSocket = WebSocket

const edit = (doc, n, sign = '😀') => doc.transact(() => {
  const text = doc.getText('text')
  text.insert(text.length, `edit ${n} ${sign}; `, n % 2 === 0 ? { bold: true } : {})
  if (n % 3 === 2) text.delete(0, 4)
  doc.getMap('map').set(`key${n % 4}`, n)
})

const keep = (doc, originals, name) => {
  const file = path.join(originals, `${name}.update`)
  fs.mkdirSync(path.dirname(file), { recursive: true })
  fs.writeFileSync(file, Y.encodeStateAsUpdate(doc))
}

const until = async reached => {
  for (let tries = 0; !await reached(); tries++) {
    if (tries === 1000) throw new Error(`not within 10 s: ${reached}`)
    await new Promise(resolve => setTimeout(resolve, 10))
  }
}

const same = (a, b) => Y.equalSnapshots(Y.snapshot(a), Y.snapshot(b))

// Two clients edit each document, one after the other. connect returns the function that ends a client once it is synced.
const write = async (documents, sign, originals, connect) => {
  for (const [name, edits] of documents) {
    const docs = [new Y.Doc(), new Y.Doc()]
    const leave = []
    for (const doc of docs) leave.push(await connect(name, doc))
    for (let n = 0; n < edits; n++) {
      edit(docs[n % 2], n, sign)
      await until(() => same(...docs))
    }
    for (const left of leave) left()
    keep(docs[0], originals, name)
  }
}

const leveldb = async (folder, originals) => {
  const { LeveldbPersistence } = await import('y-leveldb')
  const store = new LeveldbPersistence(folder)
  for (const [name, edits] of [['notes', 600], ['folder/ü', 3], ['one', 1]]) {
    const doc = new Y.Doc()
    let updates = []
    doc.on('update', update => updates.push(update))
    const save = async () => {
      for (const update of updates) await store.storeUpdate(name, update)
      updates = []
    }
    for (let n = 0; n < edits; n++) edit(doc, n)
    await save()
    await store.flushDocument(name) // joins the updates, and stores a state vector
    edit(doc, edits)
    await save()
    await store.setMeta(name, 'key', 'value')
    keep(doc, originals, name)
  }
  // Of this document, the last update is lost.
  const doc = new Y.Doc()
  doc.getText('text').insert(0, 'a')
  await store.storeUpdate('lost', Y.encodeStateAsUpdate(doc))
  const first = Y.encodeStateAsUpdate(doc)
  const before = Y.encodeStateVector(doc)
  doc.getText('text').insert(1, 'b')
  await store.storeUpdate('lost', Y.encodeStateAsUpdate(doc, before))
  await store.flushDocument('lost') // under the number 2
  await store._transact(db => db.put(['v1', 'lost', 'update', 2], Buffer.from(first)))
  await store.destroy()
}

const freePort = () => new Promise(resolve => {
  const server = createServer().listen(0, '127.0.0.1', () => {
    const { port } = server.address()
    server.close(() => resolve(port))
  })
})

const ySweet = async (folder, originals, program) => {
  const port = await freePort()
  const env = { ...process.env, Y_SWEET_LOG: 'error' }
  const server = spawn(program, ['serve', folder, '--port', port, '--prod'], { stdio: ['ignore', 'ignore', 'inherit'], env })
  process.on('exit', () => server.kill('SIGKILL'))
  const ended = new Promise(resolve => server.on('exit', resolve))
  const at = `127.0.0.1:${port}`
  await until(() => fetch(`http://${at}/ready`).then(r => r.ok, () => false))
  // After a character of two UTF-16 units, y-sweet 0.9.1 deletes the wrong characters.
  await write([['notes', 60], ['with-dash_1', 3], ['one', 1]], 'é', originals, async (name, doc) => {
    const provider = new WebsocketProvider(`ws://${at}/d/${name}/ws`, name, doc, { disableBc: true })
    await until(() => provider.synced)
    return () => provider.destroy()
  })
  // No client writes to this document.
  await fetch(`http://${at}/doc/new`, { method: 'POST', headers: { 'Content-Type': 'application/json' }, body: '{"docId":"empty"}' })
  keep(new Y.Doc(), originals, 'empty')
  server.kill('SIGINT') // it stores what it has
  await ended
}

const hocuspocus = async (file, originals, modules) => {
  const { resolve } = createRequire(path.resolve(modules, 'from.js'))
  const load = name => import(pathToFileURL(resolve(name)))
  const [{ Server }, { SQLite }] = [await load('@hocuspocus/server'), await load('@hocuspocus/extension-sqlite')]
  const server = new Server({ port: 0, address: '127.0.0.1', quiet: true, debounce: 50, stopOnSignals: false, extensions: [new SQLite({ database: file })] })
  await server.listen()
  await write([['notes', 60], ['folder/ü', 3], ['one', 1]], '😀', originals, async (name, document) => {
    const provider = new HocuspocusProvider({ url: `ws://127.0.0.1:${server.address.port}`, name, document })
    await until(() => provider.synced)
    return () => provider.destroy()
  })
  await until(() => server.hocuspocus.documents.size === 0) // a document is stored when its last client has left
  await server.destroy()
}

const compare = (first, second) => {
  const [a, b] = [first, second].map(file => {
    const doc = new Y.Doc()
    Y.applyUpdate(doc, fs.readFileSync(file))
    return doc
  })
  const shown = doc => JSON.stringify([doc.getText('text').toDelta(), Object.entries(doc.getMap('map').toJSON()).sort()])
  if (shown(a) !== shown(b) || !same(a, b)) {
    console.error([a, b].map(doc => [shown(doc), Y.snapshot(doc)]))
    process.exit(1)
  }
}

const [command, ...args] = process.argv.slice(2)
await { 'y-leveldb': leveldb, 'y-sweet': ySweet, hocuspocus, compare }[command](...args)
process.exit()
