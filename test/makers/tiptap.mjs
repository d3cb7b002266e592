// TipTap with its StarterKit and the extension Collaboration.
import { element } from './dom.mjs'
import { Editor } from '@tiptap/core'
import StarterKit from '@tiptap/starter-kit'
import Collaboration from '@tiptap/extension-collaboration'

export const packages = ['@tiptap/core', '@tiptap/extension-collaboration', '@tiptap/y-tiptap']

export const bind = (doc) => {
  const editor = new Editor({ element: element(), extensions: [StarterKit.configure({ undoRedo: false }), Collaboration.configure({ document: doc })] })
  const end = () => editor.state.doc.content.size
  const steps = [
    (author) => editor.commands.insertContentAt(0, `<h2>Title by ${author}</h2><p>plain, <strong>bold</strong>, <s>struck</s> and <a href="https://example.org/${author}">a link</a> 🌍</p>`),
    (author) => editor.commands.insertContentAt(end(), `<ul><li><p>one</p><ol><li><p><em>nested</em></p></li></ol></li></ul><pre><code class="language-go">a := ${author} // &lt;</code></pre><hr>`),
    (author) => editor.chain().setTextSelection({ from: 2, to: 5 }).toggleUnderline().insertContentAt(3, `by ${author}`).run(),
    () => editor.commands.deleteRange({ from: 0, to: editor.state.doc.firstChild.nodeSize }),
    (author) => editor.commands.insertContentAt(end(), `<blockquote><p>quoted<br><code>${author}</code></p></blockquote>`),
    () => editor.chain().selectAll().unsetUnderline().deleteRange({ from: 2, to: 4 }).run()
  ]
  return { rounds: steps.length, act: (author, round) => steps[round](author), view: () => editor.getJSON(), close: () => editor.destroy() }
}
