// Writes the inputs of all engines into a folder: node inputs.mjs FOLDER TRACES, or only those of B4: node inputs.mjs FOLDER TRACES b4. A file
// is a list of byte strings, each preceded by its length in four bytes.

import { writeFileSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { gunzipSync } from 'node:zlib'
import { Random } from '../../test/differential/random.mjs'
import * as encoding from '../../test/node_modules/lib0/encoding.js'
import * as Y from '../../test/node_modules/yjs/dist/yjs.mjs'

const [, , folder, traces, only] = process.argv

const trace = name => JSON.parse(gunzipSync(readFileSync(join(traces, name + '.json.gz'))))

function write (name, list) {
  const out = Buffer.allocUnsafe(list.reduce((size, bytes) => size + 4 + bytes.length, 0))
  let at = 0
  for (const bytes of list) {
    out.writeUInt32LE(bytes.length, at)
    out.set(bytes, at + 4)
    at += 4 + bytes.length
  }
  writeFileSync(join(folder, name), out)
}

// Returns a document and the list of all updates that it makes.
function author (clientID) {
  const doc = new Y.Doc()
  doc.clientID = clientID
  const updates = []
  doc.on('update', update => updates.push(update))
  return { doc, updates }
}

function edit (doc, [position, deleted, inserted]) {
  const text = doc.getText('text')
  doc.transact(() => {
    if (deleted > 0) text.delete(position, deleted)
    if (inserted !== '') text.insert(position, inserted)
  })
}

// ---- B4: one author writes a paper, with an update for each character that is typed or deleted.

const lacking = 100 // the number of updates that a reconnecting client lacks

function writeB4 () {
  const { txns } = trace('automerge-paper')
  const patches = txns.flatMap(txn => txn.patches)
  const { doc, updates } = author(1)
  let stale
  for (const [i, patch] of patches.entries()) {
    if (i === patches.length - lacking) stale = Y.encodeStateVector(doc)
    edit(doc, patch)
  }
  const full = Y.encodeStateAsUpdate(doc)
  write('ops', updates)
  write('merge', updates.slice(0, 10000))
  write('b4', [full, stale])
  writeEdits(full)
  write('v2', [Y.encodeStateAsUpdateV2(doc)])
  for (const n of [10, 100]) writeCopies(n, full, Y.decodeStateVector(stale).get(1))
}

// B4 n times, each by another author and in another text. The reconnecting client lacks edits of one of the authors.
function writeCopies (n, full, seen) {
  const { structs, ds } = Y.decodeUpdate(full)
  const last = structs.at(-1)
  const deletions = ds.clients.get(1)
  const authors = Array.from({ length: n }, (_, i) => 1000 + n - i)
  const out = new Y.UpdateEncoderV1()
  const uints = (...values) => values.forEach(value => encoding.writeVarUint(out.restEncoder, value))
  uints(n)
  for (const author of authors) {
    const rename = id => id && Y.createID(author, id.clock)
    uints(structs.length, author, 0)
    for (const struct of structs) {
      const copy = Object.assign(Object.create(Object.getPrototypeOf(struct)), struct)
      if (copy instanceof Y.Item) {
        copy.origin = rename(copy.origin)
        copy.rightOrigin = rename(copy.rightOrigin)
        copy.parent = copy.parent && 'text' + author
      }
      copy.write(out, 0)
    }
  }
  uints(n)
  for (const author of authors) {
    uints(author, deletions.length, ...deletions.flatMap(({ clock, len }) => [clock, len]))
  }
  const stale = encoding.createEncoder()
  encoding.writeVarUint(stale, n)
  for (const author of authors) {
    encoding.writeVarUint(stale, author)
    encoding.writeVarUint(stale, author === authors[0] ? seen : last.id.clock + last.length)
  }
  write('x' + n, [out.toUint8Array(), encoding.toUint8Array(stale)])
}

// ---- Many clients that type 20 characters each, at different positions in the same text, one client after another or all
// concurrently.

function writeClients (n, atOnce) {
  const random = new Random(n)
  const first = author(1)
  first.doc.getText('text').insert(0, '.'.repeat(n))
  const [text] = first.updates
  const typed = Array.from({ length: n }, (_, place) => {
    const { doc, updates } = author(2 + random.below(2 ** 32 - 2))
    Y.applyUpdate(doc, text)
    for (let i = 1; i <= 20; i++) doc.getText('text').insert(place + i, 'x')
    return updates.slice(1)
  })
  const rounds = Array.from({ length: 20 }, (_, i) => typed.map(updates => updates[i]))
  write((atOnce ? 'clients' : 'inTurn') + n, [text, ...(atOnce ? rounds : typed).flat()])
}

// ---- A map key that is set many times.

function writeMap () {
  const { doc, updates } = author(1)
  for (let i = 0; i < 100000; i++) doc.getMap('map').set('key', i)
  write('map', updates)
}

// ---- Three clients that take turns editing a tree as the ProseMirror binding does: paragraphs and headings of formatted text.

function writeXML () {
  const random = new Random(1)
  const { doc, updates } = author(1)
  const root = doc.get('prosemirror', Y.XmlFragment)
  const block = (at, name, text) => {
    const element = new Y.XmlElement(name)
    if (name === 'heading') element.setAttribute('level', random.between(1, 3))
    root.insert(at, [element])
    element.insert(0, [new Y.XmlText(text)])
  }
  block(0, 'heading', 'Title')
  const carets = [1, 2, 3].map(() => ({ block: 0, at: 0 }))
  while (updates.length < 23000) {
    const client = random.below(3)
    doc.clientID = client + 1
    const caret = carets[client]
    if (caret.block >= root.length || random.chance(0.01)) {
      caret.block = random.below(root.length)
      caret.at = root.get(caret.block).get(0).length
    }
    const element = root.get(caret.block)
    const text = element.get(0)
    caret.at = Math.min(caret.at, text.length)
    const choice = random.next()
    doc.transact(() => {
      if (choice < 0.8) {
        text.insert(caret.at++, random.pick('etaoin shrdlu'))
      } else if (choice < 0.9) {
        if (caret.at > 0) text.delete(--caret.at, 1)
      } else if (choice < 0.95 && text.length > 0) {
        const from = random.below(text.length)
        text.format(from, random.between(1, text.length - from), random.pick([{ strong: {} }, { em: {} }, { strong: null }]))
      } else if (choice < 0.98) { // a new line
        const rest = text.toString().replace(/<[^>]*>/g, '').slice(caret.at)
        if (text.length > caret.at) text.delete(caret.at, text.length - caret.at)
        block(++caret.block, random.pick(['paragraph', 'paragraph', 'heading']), rest)
        caret.at = 0
      } else if (root.length > 5) {
        root.delete(random.below(root.length), 1)
      } else {
        element.setAttribute('align', random.pick(['left', 'right', 'center']))
      }
    })
  }
  write('xml', updates)
}

// ---- Random edits of the text of B4, as a program on the server might make them: [position, number of deleted units, inserted text].

function writeEdits (full) {
  const random = new Random(4)
  const doc = new Y.Doc()
  Y.applyUpdate(doc, full)
  let length = doc.getText('text').length
  const edits = Array.from({ length: 10000 }, () => {
    const at = random.below(length - 10)
    const deleted = random.chance(0.4) ? random.between(1, 10) : 0
    const inserted = deleted === 0 ? random.pick(['x', 'word ', 'a few words ']) : ''
    length += inserted.length - deleted
    return [at, deleted, inserted]
  })
  write('edits', [full, Buffer.from(JSON.stringify(edits))])
}

// ---- Recorded sessions of one to three authors, who type at the same time, with an update for each edit. A transaction of the recording
// names those that its author had seen last. Each author is a client of its own and receives the updates of the others when its
// transactions say so. The updates are written in the order of the recording, in which each follows all that it depends on.

function writeSession (name) {
  const all = []
  const authors = []
  const versions = [] // of each transaction: how many transactions of each author are before it, or are it
  for (const [i, { agent = 0, parents = i > 0 ? [i - 1] : [], patches }] of trace(name).txns.entries()) {
    const me = authors[agent] ??= { ...author(agent + 1), transactions: [], version: [] }
    const version = []
    for (const parent of parents) versions[parent].forEach((n, other) => { version[other] = Math.max(version[other] ?? 0, n) })
    me.version.forEach((n, other) => { if (n > (version[other] ?? 0)) throw new Error(`${name}: transaction ${i} doesn't follow all that its author has seen`) })
    version.forEach((n, other) => {
      for (const updates of authors[other].transactions.slice(me.version[other] ?? 0, n)) {
        for (const update of updates) Y.applyUpdate(me.doc, update)
      }
    })
    me.updates.length = 0
    for (const patch of patches) edit(me.doc, patch)
    me.transactions.push([...me.updates])
    all.push(...me.updates)
    version[agent] = me.transactions.length
    me.version = versions[i] = version
  }
  write(name, all)
}

// ---- Histories of many authors, as whole documents: in V2 and in V1, and the state vector of a client that lacks edits of the author who
// has written most.

function writeHistory (name) {
  const v2 = readFileSync(join(traces, 'egwalker', name + '.yjs'))
  const doc = new Y.Doc()
  Y.applyUpdateV2(doc, v2)
  const vector = Y.decodeStateVector(Y.encodeStateVector(doc))
  const [busiest, elements] = [...vector].reduce((a, b) => b[1] > a[1] ? b : a)
  vector.set(busiest, elements - lacking)
  write(name, [v2, Y.convertUpdateFormatV2ToV1(v2), Y.encodeStateVector(vector)])
}

writeB4()
if (only !== 'b4') {
  for (const name of ['friendsforever', 'clownschool', 'sveltecomponent']) writeSession(name)
  for (const name of ['S1', 'S2', 'S3', 'C1', 'C2', 'A1', 'A2']) writeHistory(name)
  writeClients(1000, false)
  for (const n of [10, 100, 1000, 4000]) writeClients(n, true)
  writeMap()
  writeXML()
}
