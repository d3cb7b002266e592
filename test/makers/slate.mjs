// Slate with @slate-yjs/core.
import { createEditor, Editor, Transforms } from 'slate'
import { withYjs, YjsEditor } from '@slate-yjs/core'
import * as Y from 'yjs'

export const packages = ['slate', '@slate-yjs/core']

export const bind = (doc) => {
  const editor = withYjs(createEditor(), doc.get('slate', Y.XmlText))
  YjsEditor.connect(editor)
  const at = (n) => Math.min(n, editor.children.length)
  const steps = [
    (author) => Transforms.insertNodes(editor, [
      { type: 'heading', level: author, children: [{ text: `Title by ${author} 🌍` }] },
      { type: 'paragraph', children: [{ text: 'plain and ' }, { text: 'bold', bold: true }] }
    ], { at: [0] }),
    (author) => Transforms.insertNodes(editor, { type: 'list', children: [{ type: 'item', children: [{ text: 'one' }] }, { type: 'item', done: true, data: { by: author }, children: [{ text: 'two' }] }] }, { at: [at(2)] }),
    (author) => Transforms.insertText(editor, ` typed by ${author}`, { at: Editor.end(editor, [0]) }),
    () => Transforms.removeNodes(editor, { at: [0] }),
    () => Transforms.setNodes(editor, { align: 'right' }, { at: [0] }),
    () => Transforms.splitNodes(editor, { at: { path: Editor.end(editor, [0]).path, offset: 1 } })
  ]
  return { turns: true, rounds: steps.length, act: (author, round) => { steps[round](author); YjsEditor.flushLocalChanges(editor) }, view: () => editor.children, close: () => YjsEditor.disconnect(editor) }
}
