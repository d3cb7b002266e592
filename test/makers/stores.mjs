// Makes a folder of y-leveldb, or compares documents that were imported with the originals.
//
//   node stores.mjs make FOLDER ORIGINALS     writes a y-leveldb, and NAME.update into ORIGINALS
//   node stores.mjs compare FILE FILE         ends with status 1 if two updates are other documents
import fs from 'node:fs'
import path from 'node:path'
import * as Y from 'yjs'

const read = file => {
  const doc = new Y.Doc()
  Y.applyUpdate(doc, fs.readFileSync(file))
  return { text: doc.getText('text').toDelta(), map: doc.getMap('map').toJSON(), state: Y.snapshot(doc) }
}

const make = async (folder, originals) => {
  const { LeveldbPersistence } = await import('y-leveldb')
  const store = new LeveldbPersistence(folder)
  for (const [name, edits] of [['notes', 600], ['folder/ü', 3], ['one', 1]]) {
    const doc = new Y.Doc()
    let updates = []
    doc.on('update', update => updates.push(update))
    const edit = n => doc.transact(() => {
      const text = doc.getText('text')
      text.insert(text.length, `edit ${n} 😀; `, n % 2 === 0 ? { bold: true } : {})
      if (n % 3 === 2) text.delete(0, 4)
      doc.getMap('map').set(`key${n % 4}`, n)
    })
    const save = async () => {
      for (const update of updates) await store.storeUpdate(name, update)
      updates = []
    }
    for (let n = 0; n < edits; n++) edit(n)
    await save()
    await store.flushDocument(name) // joins the updates, and stores a state vector
    edit(edits)
    await save()
    await store.setMeta(name, 'key', 'value')
    const file = path.join(originals, `${name}.update`)
    fs.mkdirSync(path.dirname(file), { recursive: true })
    fs.writeFileSync(file, Y.encodeStateAsUpdate(doc))
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

const compare = (first, second) => {
  const [a, b] = [read(first), read(second)]
  const same = JSON.stringify([a.text, Object.entries(a.map).sort()]) === JSON.stringify([b.text, Object.entries(b.map).sort()])
  if (!same || !Y.equalSnapshots(a.state, b.state)) {
    console.error(JSON.stringify([a, b]))
    process.exit(1)
  }
}

const [command, ...args] = process.argv.slice(2)
await { make, compare }[command](...args)
