// Quill with y-quill.
import { element } from './dom.mjs'

const { default: Quill } = await import('quill')
const { QuillBinding } = await import('y-quill')

export const packages = ['quill', 'y-quill']

export const bind = (doc, awareness) => {
  const editor = new Quill(element())
  const binding = new QuillBinding(doc.getText('quill'), editor, awareness)
  const steps = [
    (author) => editor.insertText(0, `Typed by ${author} 🌍\n`, { bold: true }, 'user'),
    (author) => editor.insertEmbed(3, 'image', `https://example.org/${author}.png`, 'user'),
    () => editor.formatLine(0, 1, 'header', 2, 'user'),
    (author) => editor.insertText(editor.getLength() - 1, `plain, by ${author}`, 'user'),
    () => editor.formatText(1, 5, { bold: false, italic: true, color: '#aa0000' }, 'user'),
    () => editor.deleteText(2, 4, 'user')
  ]
  return { rounds: steps.length, act: (author, round) => steps[round](author), view: () => editor.getContents().ops, close: () => binding.destroy() }
}
