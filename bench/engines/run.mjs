// Runs a job with yjs or ywasm and prints its figures as JSON: node --expose-gc run.mjs ENGINE JOB FOLDER. Times are in nanoseconds,
// memory is in bytes.

import { readFileSync } from 'node:fs'
import { join } from 'node:path'

const [, , name, job, folder] = process.argv

const engines = {
  async yjs () {
    const Y = await import('../../test/node_modules/yjs/dist/yjs.mjs')
    return {
      ...Y,
      open: clientID => Object.assign(new Y.Doc(), clientID && { clientID }),
      close: () => {},
      memory: 0,
      onUpdate: (doc, listener) => doc.on('update', listener),
      transact: (doc, change) => doc.transact(change)
    }
  },

  async ywasm () {
    const { default: Y } = await import('../../test/node_modules/ywasm/ywasm.js')
    return {
      ...Y,
      open: clientID => new Y.YDoc({ clientID }),
      close: doc => doc.free(),
      mergeUpdates: undefined,
      onUpdate: (doc, listener) => doc.onUpdate(listener),
      transact (doc, change) {
        const txn = doc.beginTransaction()
        change(txn)
        txn.free()
      },
      get memory () { return Y.__wasm.memory.buffer.byteLength }
    }
  }
}

function read (name) {
  const file = readFileSync(join(folder, name))
  const list = []
  for (let at = 0; at < file.length;) {
    const size = file.readUInt32LE(at)
    list.push(new Uint8Array(file.buffer, file.byteOffset + at + 4, size))
    at += 4 + size
  }
  return list
}

function timed (work) {
  const start = process.hrtime.bigint()
  work()
  return Number(process.hrtime.bigint() - start)
}

// Returns the median duration of 3 to 200 calls, within 0.2 s.
function repeated (work) {
  const times = []
  let total = 0
  while (times.length < 3 || (times.length < 200 && total < 2e8)) {
    times.push(timed(work))
    total += times.at(-1)
  }
  return times.sort((a, b) => a - b)[times.length >> 1]
}

function memory () {
  globalThis.gc()
  globalThis.gc()
  const { heapUsed, external } = process.memoryUsage()
  return heapUsed + external
}

// Returns the number of elements of a document according to its state vector.
function elements (doc) {
  const bytes = Y.encodeStateVector(doc)
  let at = 0
  const uint = () => {
    let value = 0
    for (let unit = 1; ; unit *= 128) {
      value += (bytes[at] & 127) * unit
      if (bytes[at++] < 128) return value
    }
  }
  let sum = 0
  for (let n = uint(); n > 0; n--) {
    uint()
    sum += uint()
  }
  return sum
}

function diffs (doc, stale) {
  const current = Y.encodeStateVector(doc)
  return {
    diffCurrent: repeated(() => Y.encodeStateAsUpdate(doc, current)),
    diffStale: repeated(() => Y.encodeStateAsUpdate(doc, stale))
  }
}

function load (update, apply) {
  const doc = Y.open()
  const first = timed(() => apply(doc, update))
  return { doc, figures: { first, warm: loadAgain(update, apply), elements: elements(doc) } }
}

function loadAgain (update, apply) {
  const warm = []
  for (let i = 0; i < 10; i++) {
    const again = Y.open()
    warm.push(timed(() => apply(again, update)))
    Y.close(again)
  }
  return warm.sort((a, b) => a - b)[5]
}

// Measures applying updates one by one to an empty document.
function oneByOne (updates) {
  const before = memory() + Y.memory
  const doc = Y.open()
  const time = timed(() => { for (const update of updates) Y.applyUpdate(doc, update) })
  const heap = memory() + Y.memory - before
  return { time, update: time / updates.length, heap, heapOfEncoded: heap / Y.encodeStateAsUpdate(doc).length, elements: elements(doc) }
}

// Measures the time of an update in a document with n clients: of the updates after the first ones, up to 4000, in as many documents
// as necessary.
function clients (n) {
  const updates = read('clients' + n)
  const first = updates.slice(0, n + 1)
  const next = updates.slice(n + 1, n + 4001)
  let time = 0
  let count = 0
  for (; count < 4000; count += next.length) {
    const doc = Y.open()
    for (const update of first) Y.applyUpdate(doc, update)
    time += timed(() => { for (const update of next) Y.applyUpdate(doc, update) })
    Y.close(doc)
  }
  return { update: time / count }
}

// Loads an update and reads its text: first in the process, and warm.
function readText (update, apply) {
  let length
  const work = () => {
    const doc = Y.open()
    apply(doc, update)
    length = doc.getText('text').toString().length
    Y.close(doc)
  }
  return { first: timed(work), warm: repeated(work), length }
}

// Loads a history in V2 and in V1, encodes it, and compacts what is stored of it: loads and encodes that.
function history (name) {
  const [v2, v1, stale] = read(name)
  const { doc, figures } = load(v2, Y.applyUpdateV2)
  const compact = () => {
    const doc = Y.open()
    Y.applyUpdate(doc, v1)
    Y.encodeStateAsUpdate(doc)
    Y.close(doc)
  }
  return {
    ...figures,
    warmV1: loadAgain(v1, Y.applyUpdate),
    encode: repeated(() => Y.encodeStateAsUpdate(doc)),
    encodeV2: repeated(() => Y.encodeStateAsUpdateV2(doc)),
    ...diffs(doc, stale),
    compact: repeated(compact)
  }
}

const jobs = {
  b4 () {
    const [full, stale] = read('b4')
    const { doc, figures } = load(full, Y.applyUpdate)
    return { ...figures, encode: repeated(() => Y.encodeStateAsUpdate(doc)), ...diffs(doc, stale) }
  },
  v2: () => load(read('v2')[0], Y.applyUpdateV2).figures,
  x10 () {
    const [full, stale] = read('x10')
    const doc = Y.open()
    Y.applyUpdate(doc, full)
    return { elements: elements(doc), ...diffs(doc, stale) }
  },
  x100 () {
    const [full, stale] = read('x100')
    const before = memory() + Y.memory
    const doc = Y.open()
    const first = timed(() => Y.applyUpdate(doc, full))
    const heap = memory() + Y.memory - before
    return { first, heap, elements: elements(doc), ...diffs(doc, stale) }
  },
  ops: () => oneByOne(read('ops')),
  inTurn1000: () => oneByOne(read('inTurn1000')),
  clients10: () => clients(10),
  clients100: () => clients(100),
  clients1000: () => clients(1000),
  clients4000: () => clients(4000),
  map: () => oneByOne(read('map')),
  xml: () => oneByOne(read('xml')),
  friendsforever: () => oneByOne(read('friendsforever')),
  clownschool: () => oneByOne(read('clownschool')),
  sveltecomponent: () => oneByOne(read('sveltecomponent')),
  read: () => readText(read('b4')[0], Y.applyUpdate),
  edits () {
    const [full, edits] = read('edits')
    const list = JSON.parse(Buffer.from(edits).toString())
    const doc = Y.open(2)
    Y.applyUpdate(doc, full)
    let bytes = 0
    Y.onUpdate(doc, update => { bytes += update.length })
    const text = doc.getText('text')
    const time = timed(() => {
      for (const [at, deleted, inserted] of list) {
        Y.transact(doc, txn => {
          if (deleted > 0) text.delete(at, deleted, txn)
          if (inserted !== '') text.insert(at, inserted, undefined, txn)
        })
      }
    })
    return { time, bytes, length: text.toString().length }
  },
  merge () {
    const updates = read('merge')
    return Y.mergeUpdates ? { time: timed(() => Y.mergeUpdates(updates)) } : {}
  }
}

for (const name of ['S1', 'S2', 'S3', 'C1', 'C2', 'A1', 'A2']) {
  jobs['load' + name] = () => history(name)
  jobs['read' + name] = () => readText(read(name)[0], Y.applyUpdateV2)
}

const Y = await engines[name]()
console.log(JSON.stringify(jobs[job]()))
