// yjs 13: everything that its types can hold, by three clients that edit concurrently.
import * as Y from 'yjs'

export const packages = ['yjs']

export const write = () => {
  const docs = [1, 2, 3].map(clientID => Object.assign(new Y.Doc(), { clientID: clientID * 1000003 }))
  const sync = () => {
    for (const to of docs) for (const from of docs) Y.applyUpdate(to, Y.encodeStateAsUpdate(from, Y.encodeStateVector(to)))
  }
  const each = (change) => { docs.forEach((doc, i) => doc.transact(() => change(doc, i + 1))); sync() }

  each((doc, author) => {
    const text = doc.getText('text')
    text.insert(0, `Typed by ${author} 🌍\n`, { bold: true })
    text.insertEmbed(5, { image: `${author}.png` }, { width: author })
    const map = doc.getMap('map')
    map.set('last', author)
    map.set(`of${author}`, new Y.Map([['nested', new Y.Array()], ['text', new Y.Text('inner')], ['bytes', new Uint8Array([1, 2, author])]]))
    doc.getArray('array').push([author, 'text', null, true, 1.5, -0.25, { deep: [{ a: 1, none: undefined, big: 2n ** 60n }] }, [], new Uint8Array([author])])
    const element = new Y.XmlElement('paragraph')
    element.setAttribute('align', 'right')
    element.insert(0, [new Y.XmlText(`by ${author}`), new Y.XmlElement('image')])
    doc.getXmlFragment('page').push([element])
    doc.getMap('docs').set(`${author}`, new Y.Doc({ guid: `sub-${author}`, meta: { author } }))
  })
  each((doc, author) => {
    const text = doc.getText('text')
    text.format(author, 6, { italic: true, bold: null })
    text.delete(author * 3, 4)
    doc.getMap('map').get(`of${author}`).get('nested').push([author, new Y.Map([['k', 'v']])])
    doc.getArray('array').delete(author, 3)
    doc.getArray('array').insert(1, ['between', new Y.Text(`t${author}`)])
    doc.getXmlFragment('page').get(0).get(0).format(0, 2, { em: {} })
  })
  each((doc, author) => { // what was nested in what is deleted becomes GC blocks
    if (author === 1) doc.getMap('map').delete('of1')
    if (author === 2) doc.getXmlFragment('page').delete(0, 1)
    if (author === 3) doc.getMap('map').set('of2', 'replaced')
    doc.getMap('docs').delete('3')
    doc.getText('text').insert(0, `${author}`)
  })
  return { v1: Y.encodeStateAsUpdate(docs[0]), v2: Y.encodeStateAsUpdateV2(docs[1]), view: view(docs[2]) }
}

export const read = (update, v2) => {
  const doc = new Y.Doc()
  const apply = v2 ? Y.applyUpdateV2 : Y.applyUpdate
  apply(doc, update)
  return view(doc)
}

const view = (doc) => ({
  text: doc.getText('text').toDelta(),
  map: doc.getMap('map').toJSON(),
  array: doc.getArray('array').toJSON(),
  page: doc.getXmlFragment('page').toString(),
  docs: Object.fromEntries([...doc.getMap('docs').entries()].map(([key, sub]) => [key, [sub.guid, sub.meta]])),
  pending: doc.store.pendingStructs !== null || doc.store.pendingDs !== null
})
