// Updates that the test makes itself.

import * as Y from 'yjs'

// The update of a client that types a text at the start of a document, as its first edits.
export function typed (id, clock, text) {
  const doc = new Y.Doc()
  doc.clientID = id
  for (let i = 0; i < clock; i++) doc.getText('text').insert(0, '.')
  const before = Y.encodeStateVector(doc)
  doc.getText('text').insert(0, text)
  return Y.encodeStateAsUpdate(doc, before)
}
