// yjs 14: its one type with children, attributes and text, by three clients that edit concurrently.
import * as Y from '../node_modules/@y/y/src/index.js'

export const packages = ['../../node_modules/@y/y']

export const write = () => {
  const docs = [1, 2, 3].map(id => Object.assign(new Y.Doc(), { clientID: 2 ** 33 + id })) // ids have up to 53 bits
  const sync = () => {
    for (const to of docs) for (const from of docs) Y.applyUpdate(to, Y.encodeStateAsUpdate(from, Y.encodeStateVector(to)))
  }
  const each = (change) => { docs.forEach((doc, i) => doc.transact(() => change(doc, i + 1))); sync() }
  each((doc, author) => {
    doc.get('text').insert(0, `Typed by ${author} 🌍\n`, { bold: true })
    const list = doc.get('list')
    list.push([author, null, true, 1.5, { deep: [{ a: 1 }] }, new Uint8Array([author])])
    list.setAttr('last', author)
    const paragraph = new Y.Type('paragraph')
    paragraph.setAttr('align', 'right')
    paragraph.insert(0, `plain by ${author}`)
    doc.get('page').push([paragraph])
  })
  each((doc, author) => {
    doc.get('text').format(author, 6, { italic: true, bold: null })
    doc.get('text').delete(author * 3, 4)
    doc.get('page').get(0).insert(2, ` with ${author}`, { strong: {} })
    doc.get('page').get(0).setAttr(`by${author}`, author)
    doc.get('list').delete(author, 2)
  })
  each((doc, author) => {
    if (author === 2) doc.get('page').delete(1, 1)
    if (author === 3) doc.get('list').deleteAttr('last')
    doc.get('text').insert(0, `${author}`)
  })
  return { v1: Y.encodeStateAsUpdate(docs[0]), v2: Y.encodeStateAsUpdateV2(docs[1]), view: view(docs[2]) }
}

export const read = (update, v2) => {
  const doc = new Y.Doc()
  const apply = v2 ? Y.applyUpdateV2 : Y.applyUpdate
  apply(doc, update)
  return view(doc)
}

const view = (doc) => Object.fromEntries(['text', 'list', 'page'].map(name => [name, doc.get(name).toDeltaDeep()]))
