// Opens documents in editors, and says what the editors leave of them. It reads objects {schema, root, update} from standard
// input, one a line, and prints for each the update of the whole document after the editor was opened, and what the editor shows.

import { createInterface } from 'node:readline'
import { setTimeout } from 'node:timers/promises'
import { element } from './dom.mjs'
import { BlockNoteEditor } from '@blocknote/core'
import { Editor } from '@tiptap/core'
import Collaboration from '@tiptap/extension-collaboration'
import StarterKit from '@tiptap/starter-kit'
import { Schema } from 'prosemirror-model'
import { schema as basic } from 'prosemirror-schema-basic'
import { addListNodes } from 'prosemirror-schema-list'
import { EditorState } from 'prosemirror-state'
import { EditorView } from 'prosemirror-view'
import { ySyncPlugin } from 'y-prosemirror'
import { Awareness } from 'y-protocols/awareness'
import * as Y from 'yjs'

const schema = new Schema({ nodes: addListNodes(basic.spec.nodes, 'paragraph block*', 'block'), marks: basic.spec.marks })

// Each opens an editor on a fragment, and returns how to read and close it.
const editors = {
  prosemirror: fragment => {
    const view = new EditorView(element(), { state: EditorState.create({ schema, plugins: [ySyncPlugin(fragment)] }) })
    return { shows: () => view.state.doc.textContent, close: () => view.destroy() }
  },
  tiptap: (fragment, doc) => {
    const editor = new Editor({
      element: element(),
      extensions: [StarterKit.configure({ undoRedo: false, trailingNode: false }), Collaboration.configure({ document: doc, fragment })]
    })
    return { shows: () => editor.state.doc.textContent, close: () => editor.destroy() }
  },
  blocknote: (fragment, doc) => {
    const editor = BlockNoteEditor.create({ collaboration: { fragment, user: { name: 'Ada', color: '#aa0000' }, provider: { awareness: new Awareness(doc) } } })
    editor.mount(element())
    return { shows: () => editor.prosemirrorState.doc.textContent, close: () => editor.unmount() }
  }
}

for await (const line of createInterface(process.stdin)) {
  const { schema, root, update } = JSON.parse(line)
  const doc = new Y.Doc()
  Y.applyUpdate(doc, Buffer.from(update, 'base64'))
  const editor = editors[schema](doc.getXmlFragment(root), doc)
  await setTimeout(5) // y-prosemirror shows the document in a task of its own
  process.stdout.write(JSON.stringify({ update: Buffer.from(Y.encodeStateAsUpdate(doc)).toString('base64'), shows: editor.shows() }) + '\n')
  editor.close()
}
process.exit()
