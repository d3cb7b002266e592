// ywasm, which is yrs in WebAssembly: by three clients that edit concurrently.
import Y from '../node_modules/ywasm/ywasm.js'

export const packages = ['../../node_modules/ywasm']

export const write = () => {
  const docs = [1, 2, 3].map(id => new Y.YDoc({ clientID: id * 1000003 }))
  const sync = () => {
    for (const to of docs) for (const from of docs) if (to !== from) Y.applyUpdate(to, Y.encodeStateAsUpdate(from, Y.encodeStateVector(to)), null)
  }
  const each = (change) => {
    docs.forEach((doc, i) => {
      const roots = rootsOf(doc) // while no transaction is open
      const txn = doc.beginTransaction(null)
      change(roots, i + 1, txn)
      txn.commit()
      txn.free()
    })
    sync()
  }
  each(({ text, map, array, page }, author, txn) => {
    text.insert(0, `Typed by ${author} 🌍\n`, { bold: true }, txn)
    text.insertEmbed(5, { image: `${author}.png` }, { width: author }, txn)
    map.set('last', author, txn)
    map.set(`of${author}`, new Y.YMap({ nested: new Y.YArray([author]), text: new Y.YText('inner') }), txn)
    array.push([author, 'text', null, true, 1.5, -0.25, { deep: [{ a: 1 }] }, []], txn)
    page.push(new Y.YXmlElement('paragraph', { align: 'right' }, [new Y.YXmlText(`by ${author}`, {}), new Y.YXmlElement('image', {}, [])]), txn)
  })
  each(({ text, map, array, page }, author, txn) => {
    text.format(author, 6, { italic: true, bold: null }, txn)
    text.delete(author * 2, 3, txn) // no half of the surrogate pair: what ywasm writes then, yjs can't read
    map.get(`of${author}`, txn).get('nested', txn).push([author, new Y.YMap({ k: 'v' })], txn)
    array.delete(author, 3, txn)
    array.insert(1, ['between', new Y.YText(`t${author}`)], txn)
  })
  each(({ text, map, array, page }, author, txn) => {
    if (author === 1) map.delete('of1', txn)
    if (author === 2) page.delete(0, 1, txn)
    if (author === 3) map.set('of2', 'replaced', txn)
    text.insert(0, `${author}`, undefined, txn)
  })
  const made = { v1: Y.encodeStateAsUpdate(docs[0]), v2: Y.encodeStateAsUpdateV2(docs[0]), view: view(docs[2]) }
  docs.forEach(doc => doc.free())
  return made
}

export const read = (update, v2) => {
  const doc = new Y.YDoc({ clientID: 9 })
  const apply = v2 ? Y.applyUpdateV2 : Y.applyUpdate
  apply(doc, update, null)
  const seen = view(doc)
  doc.free()
  return seen
}

const rootsOf = (doc) => ({ text: doc.getText('text'), map: doc.getMap('map'), array: doc.getArray('array'), page: doc.getXmlFragment('page') })

const view = (doc) => {
  const { text, map, array, page } = rootsOf(doc)
  return { text: text.toDelta(), map: map.toJson(), array: array.toJson(), page: page.toString() }
}
