// BlockNote with its default blocks.
import { element } from './dom.mjs'
import { BlockNoteEditor } from '@blocknote/core'

export const packages = ['@blocknote/core']

export const bind = (doc, awareness) => {
  const editor = BlockNoteEditor.create({
    collaboration: { fragment: doc.getXmlFragment('blocknote'), user: { name: 'Ada', color: '#aa0000' }, provider: { awareness } }
  })
  editor.mount(element())
  const first = () => editor.document[0]
  const last = () => editor.document.at(-1)
  const steps = [
    (author) => editor.insertBlocks([
      { type: 'heading', props: { level: 2, textColor: 'red' }, content: `Title by ${author} 🌍` },
      { type: 'paragraph', content: ['plain, ', { type: 'text', text: 'bold', styles: { bold: true } }, { type: 'link', href: `https://example.org/${author}`, content: 'a link' }] }
    ], first(), 'before'),
    (author) => editor.insertBlocks([
      { type: 'bulletListItem', content: 'one', children: [{ type: 'numberedListItem', content: 'nested' }] },
      { type: 'checkListItem', props: { checked: true }, content: `done by ${author}` },
      { type: 'codeBlock', props: { language: 'go' }, content: 'a := 1' }
    ], last(), 'after'),
    (author) => editor.insertBlocks([{
      type: 'table', content: { type: 'tableContent', rows: [{ cells: ['a', 'b'] }, { cells: [`${author}`, 'd'] }] }
    }], last(), 'after'),
    () => editor.removeBlocks([first()]),
    (author) => editor.updateBlock(first(), { content: `changed by ${author}`, props: { textAlignment: 'right' } })
  ]
  return { turns: true, rounds: steps.length, act: (author, round) => steps[round](author), view: () => editor.document, close: () => editor.unmount() }
}
