// CodeMirror 6 with y-codemirror.next.
import { element } from './dom.mjs'
import { EditorState } from '@codemirror/state'
import { EditorView } from '@codemirror/view'
import { yCollab } from 'y-codemirror.next'

export const packages = ['@codemirror/view', 'y-codemirror.next']

export const bind = (doc, awareness) => {
  const text = doc.getText('codemirror')
  const editor = new EditorView({ parent: element(), state: EditorState.create({ doc: text.toString(), extensions: [yCollab(text, awareness)] }) })
  const change = (...changes) => editor.dispatch({ changes })
  const steps = [
    (author) => change({ from: 0, insert: `// by ${author} 🌍\nfunc main() {}\n` }),
    (author) => change({ from: 3, to: 8, insert: `${author}` }, { from: 12, insert: '\t' }),
    () => change({ from: 0, to: 6 }),
    (author) => change({ from: editor.state.doc.length, insert: `end ${author}` })
  ]
  return { rounds: steps.length, act: (author, round) => steps[round](author), view: () => editor.state.doc.toString(), close: () => editor.destroy() }
}
