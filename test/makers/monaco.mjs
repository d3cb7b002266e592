// Monaco's text model with y-monaco.
import './dom.mjs'

const monaco = await import('monaco-editor/esm/vs/editor/editor.api.js')
const { MonacoBinding } = await import('y-monaco')

export const packages = ['monaco-editor', 'y-monaco']

export const bind = (doc) => {
  const model = monaco.editor.createModel('', 'plaintext')
  model.setEOL(monaco.editor.EndOfLineSequence.LF)
  const binding = new MonacoBinding(doc.getText('monaco'), model)
  const change = (from, to, text) => {
    const start = model.getPositionAt(from)
    const end = model.getPositionAt(to)
    model.pushEditOperations([], [{ range: monaco.Range.fromPositions(start, end), text }], () => null)
  }
  const steps = [
    (author) => change(0, 0, `// by ${author} 🌍\nfunc main() {}\n`),
    (author) => change(3, 8, `${author}`),
    () => change(0, 6, ''),
    (author) => change(model.getValueLength(), model.getValueLength(), `end ${author}`)
  ]
  return { rounds: steps.length, act: (author, round) => steps[round](author), view: () => model.getValue(), close: () => { binding.destroy(); model.dispose() } }
}
