import { Plugin } from 'prosemirror-state'
import { Decoration, DecorationSet } from 'prosemirror-view'

// emptyHint shows text while the document is empty.
export function emptyHint (text) {
  return new Plugin({
    props: {
      decorations: ({ doc }) => {
        const empty = doc.childCount === 1 && doc.firstChild.isTextblock && doc.firstChild.content.size === 0
        if (!empty) return null
        return DecorationSet.create(doc, [Decoration.node(0, doc.firstChild.nodeSize, { 'data-hint': text })])
      }
    }
  })
}
