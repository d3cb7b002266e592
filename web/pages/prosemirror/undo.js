import { Plugin } from 'prosemirror-state'
import { ySyncPluginKey, yUndoPluginKey } from 'y-prosemirror'

// caretAfterUndo leaves the caret where an undo or a redo has put it. y-prosemirror 1 notes a
// selection from before it, and the next change of the document would move the caret there, if that
// is an undo, a redo or an edit of another user. It has to follow yUndoPlugin.
export const caretAfterUndo = () => new Plugin({
  view (view) {
    const { undoManager } = yUndoPluginKey.getState(view.state)
    const forget = () => {
      const { binding } = ySyncPluginKey.getState(view.state)
      if (binding) binding.beforeTransactionSelection = null
    }
    undoManager.on('stack-item-popped', forget)
    return { destroy: () => undoManager.off('stack-item-popped', forget) }
  }
})
