// Writes documents with makers (bindings of editors and of stores, and implementations of Yjs), and says what they show.
// It reads requests from standard input, a JSON object a line, and prints an answer for each:
//   {op: "write", maker, host, room, hocuspocus}  three authors connect, edit, and agree: {view, types, versions}
//   {op: "live", maker, host, room, hocuspocus}   what a client sees that connects now: {view}
//   {op: "make", maker}              a document that was made without a server: {v1, v2, view, versions}
//   {op: "read", maker, update, v2}  what the document of an update shows: {view}
// Updates are in base64.
import { register } from 'node:module'
import { createInterface } from 'node:readline'
import { readFileSync } from 'node:fs'
import { isDeepStrictEqual } from 'node:util'
import * as Y from 'yjs'
import { Awareness } from 'y-protocols/awareness'
import { HocuspocusProvider } from '@hocuspocus/provider'
import { WebsocketProvider } from 'y-websocket'
import WebSocket from 'ws'

register('./no-css.mjs', import.meta.url)

const authors = 3
const soon = () => new Promise(resolve => setTimeout(resolve, 5)) // bindings and editors defer some of their work

const until = async (what, holds) => {
  const deadline = Date.now() + 20_000
  while (!holds()) {
    if (Date.now() > deadline) throw new Error(`after 20 seconds: ${what()}`)
    await soon()
  }
}

globalThis.WebSocket = WebSocket // which the provider of Hocuspocus uses

// connect binds a new document, and connects it with y-websocket, or with the provider of Hocuspocus, which can be in rooms with V2, too.
const connect = async (bind, host, room, hocuspocus) => {
  const doc = new Y.Doc()
  const provider = hocuspocus
    ? new HocuspocusProvider({ url: `ws://${host}/hocuspocus`, name: room, document: doc })
    : new WebsocketProvider(`ws://${host}/ws`, room, doc, { WebSocketPolyfill: WebSocket, disableBc: true })
  const binding = bind(doc, provider.awareness)
  await until(() => 'not synced', () => provider.synced)
  await soon()
  return { doc, provider, binding }
}

// plain returns what is left of a value in JSON.
const plain = (value) => JSON.parse(JSON.stringify(value, (_, v) => typeof v === 'bigint' ? `${v}n` : v))

const view = async (binding) => {
  await soon()
  await soon()
  return plain(binding.view())
}

const version = (folder) => {
  const { name, version } = JSON.parse(readFileSync(new URL(`./node_modules/${folder}/package.json`, import.meta.url)))
  return `${name} ${version}`
}

// What the document has: how many items of each kind of content.
const types = (doc) => {
  const found = {}
  for (const structs of doc.store.clients.values()) {
    for (const struct of structs) {
      const name = struct.content?.constructor.name ?? struct.constructor.name
      found[name] = (found[name] ?? 0) + 1
    }
  }
  return found
}

const ops = {
  async write ({ maker, host, room, hocuspocus }) {
    const { bind, packages } = await import(`./${maker}.mjs`)
    const people = []
    for (let i = 0; i < authors; i++) {
      people.push(await connect(bind, host, room, hocuspocus))
    }
    const agreed = (a, b) => Y.equalSnapshots(Y.snapshot(a.doc), Y.snapshot(b.doc))
    const agree = () => until(() => 'the documents differ', () => people.every(p => agreed(p, people[0])))
    for (let round = 0; round < people[0].binding.rounds; round++) {
      for (const [i, p] of people.entries()) {
        p.binding.act(i + 1, round)
        await soon()
        if (p.binding.turns) await agree()
      }
      await agree()
      await soon()
      await agree() // what bindings have corrected, too
    }
    const views = []
    for (const p of people) views.push(await view(p.binding))
    for (const other of views) {
      if (!isDeepStrictEqual(other, views[0])) throw new Error(`two authors see ${JSON.stringify(views[0])} and ${JSON.stringify(other)}`)
    }
    const found = types(people[0].doc)
    for (const { binding, provider, doc } of people) {
      binding.close()
      provider.destroy()
      doc.destroy()
    }
    return { view: views[0], types: found, versions: packages.map(version) }
  },

  async make ({ maker }) {
    const { write, packages } = await import(`./${maker}.mjs`)
    const { v1, v2, view } = write()
    const base64 = (update) => Buffer.from(update).toString('base64')
    return { v1: base64(v1), v2: base64(v2), view: plain(view), versions: packages.map(version) }
  },

  async live ({ maker, host, room, hocuspocus }) {
    const { bind } = await import(`./${maker}.mjs`)
    const { doc, provider, binding } = await connect(bind, host, room, hocuspocus)
    const seen = await view(binding)
    binding.close()
    provider.destroy()
    doc.destroy()
    return { view: seen }
  },

  async read ({ maker, update, v2 }) {
    const { bind, read } = await import(`./${maker}.mjs`)
    if (read) return { view: plain(read(Buffer.from(update, 'base64'), v2)) }
    const doc = new Y.Doc()
    const apply = v2 ? Y.applyUpdateV2 : Y.applyUpdate
    const binding = bind(doc, new Awareness(doc))
    await soon()
    apply(doc, Buffer.from(update, 'base64'))
    const seen = await view(binding)
    binding.close()
    doc.destroy()
    return { view: seen }
  }
}

for await (const line of createInterface({ input: process.stdin })) {
  const request = JSON.parse(line)
  let answer
  try {
    answer = await ops[request.op](request)
  } catch (error) {
    answer = { error: error.stack }
  }
  process.stdout.write(JSON.stringify(answer) + '\n')
}
process.exit()
