// The stock clients, a client of V2 updates, and how each of the two yjs lines edits and shows a document.

import { WebSocket } from 'ws'

// The rows: a name and how to load what its people have installed.
export const kits = {
  'y-websocket 1': async () => ({ ...await yjs13(), ...await import('y-websocket-1') }),
  'y-websocket 2': async () => ({ ...await yjs13(), ...await import('y-websocket-2'), subprotocols: true }),
  'y-websocket 3': async () => ({ ...await yjs13(), ...await import('y-websocket-3'), subprotocols: true }),
  'V2 updates': async () => ({ ...await yjs13(), ...await import('./v2.mjs'), subprotocols: true }),
  '@y/websocket 4': async () => ({ ...await yjs14(), ...await import('@y/websocket'), subprotocols: true })
}

export { WebSocket }

globalThis.WebSocket ??= WebSocket // of a browser: the providers compare with its constants when they resync

async function yjs13 () {
  const Y = await import('yjs')
  const text = doc => doc.getText('text')
  return {
    Y,
    text,
    subdocuments: doc => ({ get: key => doc.getMap('subs').get(key), set: (key, sub) => doc.getMap('subs').set(key, sub) }),
    edits: {
      text: (doc, author) => text(doc).insert(text(doc).length >> 1, author + '😀'),
      'rich text': (doc, author) => {
        const rich = doc.getText('rich')
        rich.insert(rich.length >> 1, author, { bold: true })
        rich.insertEmbed(rich.length >> 1, { image: author }, { width: 3 })
        rich.applyDelta([{ retain: rich.length }, { insert: 'end', attributes: { italic: true } }])
        rich.format(0, 2, { colour: author })
      },
      maps: (doc, author) => {
        const map = doc.getMap('map')
        map.set('both', author)
        map.set(author, new Y.Map([['', author], ['n', [1.5, null, -0]]]))
        if (map.has('gone')) map.delete('gone')
        else map.set('gone', new Uint8Array([1, 2, 3]))
      },
      arrays: (doc, author) => {
        const array = doc.getArray('array')
        array.insert(array.length >> 1, [author, 1, { nested: [author] }, Y.Array.from([author])])
        if (array.length > 6) array.delete(1, 2)
      },
      XML: (doc, author) => {
        const xml = doc.getXmlFragment('xml')
        const paragraph = new Y.XmlElement('p')
        paragraph.setAttribute('by', author)
        const words = new Y.XmlText(author)
        words.insert(0, 'bold', { strong: {} })
        paragraph.insert(0, [words])
        xml.insert(xml.length >> 1, [paragraph])
        if (xml.length > 3) xml.delete(0, 1)
      }
    },
    show: doc => sorted({
      text: text(doc).toString(),
      'rich text': doc.getText('rich').toDelta(),
      maps: doc.getMap('map').toJSON(),
      arrays: doc.getArray('array').toJSON(),
      XML: doc.getXmlFragment('xml').toString()
    })
  }
}

async function yjs14 () {
  const Y = await import('@y/y')
  const text = doc => doc.get('text')
  return {
    Y,
    text,
    subdocuments: doc => ({ get: key => doc.get('subs').getAttr(key), set: (key, sub) => doc.get('subs').setAttr(key, sub) }),
    edits: {
      text: (doc, author) => text(doc).insert(text(doc).length >> 1, author + '😀'),
      'rich text': (doc, author) => {
        const rich = doc.get('rich')
        rich.insert(rich.length >> 1, author, { bold: true })
        rich.insert(rich.length >> 1, [{ image: author }], { width: 3 })
        rich.insert(rich.length, 'end', { italic: true })
        rich.format(0, 2, { colour: author })
      },
      maps: (doc, author) => {
        const map = doc.get('map')
        const nested = new Y.Type()
        nested.setAttr('', author)
        nested.setAttr('n', [1.5, null, -0])
        map.setAttr('both', author)
        map.setAttr(author, nested)
        if (map.hasAttr('gone')) map.deleteAttr('gone')
        else map.setAttr('gone', new Uint8Array([1, 2, 3]))
      },
      arrays: (doc, author) => {
        const array = doc.get('array')
        const nested = new Y.Type()
        nested.insert(0, [author])
        array.insert(array.length >> 1, [author, 1, { nested: [author] }, nested])
        if (array.length > 6) array.delete(1, 2)
      },
      XML: (doc, author) => {
        const xml = doc.get('xml')
        const paragraph = new Y.Type('p')
        paragraph.setAttr('by', author)
        paragraph.insert(0, author)
        paragraph.insert(0, 'bold', { strong: {} })
        xml.insert(xml.length >> 1, [paragraph])
        if (xml.length > 3) xml.delete(0, 1)
      }
    },
    show: doc => sorted({
      text: text(doc).toString(),
      'rich text': doc.get('rich').toDelta(),
      maps: doc.get('map').toJSON(),
      arrays: doc.get('array').toJSON(),
      XML: doc.get('xml').toDeltaDeep()
    })
  }
}

// JSON with the keys of every object in order.
function sorted (value) {
  return JSON.stringify(value, (_, member) =>
    member !== null && typeof member === 'object' && !Array.isArray(member)
      ? Object.fromEntries(Object.entries(member.toJSON?.() ?? member).sort(([a], [b]) => a < b ? -1 : 1))
      : member)
}
