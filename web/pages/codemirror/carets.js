import { Annotation } from '@codemirror/state'
import { Decoration, ViewPlugin, WidgetType } from '@codemirror/view'
import * as Y from 'yjs'
import { caret, selectionStyle, userOf } from '../../shared/caret.js'

const redraw = Annotation.define()

// carets shows the cursors and selections of other users in text, and publishes
// the user's own, in the awareness field that Yjs editors share. Those of the
// binding have style attributes, which the page's policy forbids.
export function carets (text, awareness) {
  return ViewPlugin.define(view => {
    const listener = ({ added, updated, removed }) => {
      if ([...added, ...updated, ...removed].some(id => id !== awareness.clientID)) {
        view.dispatch({ annotations: redraw.of(true) })
      }
    }
    awareness.on('change', listener)
    const plugin = {
      decorations: Decoration.none,
      update: update => {
        tell(update.view)
        if (update.docChanged || update.transactions.some(tr => tr.annotation(redraw))) plugin.decorations = draw(update.state.doc.length)
      },
      destroy: () => awareness.off('change', listener)
    }

    const tell = view => {
      const { anchor, head } = view.state.selection.main
      const cursor = view.hasFocus
        ? { anchor: Y.createRelativePositionFromTypeIndex(text, anchor), head: Y.createRelativePositionFromTypeIndex(text, head) }
        : null
      // Compared as JSON, the form in which they are sent.
      if (JSON.stringify(cursor) !== JSON.stringify(awareness.getLocalState()?.cursor ?? null)) {
        awareness.setLocalStateField('cursor', cursor)
      }
    }
    return plugin
  }, { decorations: plugin => plugin.decorations })

  function draw (length) {
    const marks = []
    for (const [id, state] of awareness.getStates()) {
      const { cursor } = state
      if (id === awareness.clientID || !cursor) continue
      const anchor = place(cursor.anchor)
      const head = place(cursor.head)
      if (anchor === null || head === null) continue
      const user = userOf(id, state)
      const [from, to] = [Math.min(anchor, head, length), Math.min(Math.max(anchor, head), length)]
      if (from < to) marks.push(Decoration.mark({ class: 'selection', attributes: { style: selectionStyle(user) } }).range(from, to))
      marks.push(Decoration.widget({ widget: new Caret(user), side: head > anchor ? -1 : 1 }).range(Math.min(head, length)))
    }
    return Decoration.set(marks, true)
  }

  // place returns the index of a position in the text, or null if it is not in the text.
  function place (position) {
    try {
      const absolute = Y.createAbsolutePositionFromRelativePosition(Y.createRelativePositionFromJSON(position), text.doc)
      return absolute?.type === text ? absolute.index : null
    } catch {
      return null // another client may send anything
    }
  }
}

class Caret extends WidgetType {
  constructor (user) {
    super()
    this.user = user
  }

  eq (other) {
    return JSON.stringify(other.user) === JSON.stringify(this.user)
  }

  toDOM () {
    return caret(this.user)
  }

  ignoreEvent () {
    return true
  }
}
