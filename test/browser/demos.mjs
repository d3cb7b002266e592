// The demos: how people write in them, and what is seen in them, line by line. Lines is for the page itself,
// and knows nothing of what surrounds it here.

import { hold } from './until.mjs'

// What the editors of text have in common.
const text = {
  carets: true,

  // At the end of the document.
  write: async (page, letters) => {
    await page.locator('#editor').focus()
    await page.keyboard.press('Control+End')
    await page.keyboard.type(letters, { delay: 10 })
  },

  undo: page => page.keyboard.press('Control+z'),

  redo: page => page.keyboard.press('Control+y'),

  fumble: async page => {
    const editor = page.locator('#editor')
    hold('the editor can not be edited', await editor.getAttribute('contenteditable') === 'false')
    await editor.click()
    await page.keyboard.press('Control+End')
    await page.keyboard.type('0123')
    await page.keyboard.insertText('4567')
    for (const key of ['Enter', 'Backspace', 'Control+x', 'Control+z']) await page.keyboard.press(key)
  }
}

// What the editors of rich text have in common, in the root of a document. A block of code begins after the fence.
const richText = (root, fence) => ({
  ...text,
  root,
  lines: () => {
    const editor = document.querySelector('#editor').cloneNode(true)
    editor.querySelectorAll('.caret').forEach(caret => caret.remove())
    return [...editor.querySelectorAll('p, h1, h2, h3, pre')].map(line => line.textContent).filter(line => line !== '')
  },
  stored: doc => doc.getXmlFragment(root).toArray().map(paragraph => paragraph.toArray().join('')).filter(line => line !== ''),
  scribble: (Y, doc, letters) => {
    const paragraph = new Y.XmlElement('paragraph')
    paragraph.insert(0, [new Y.XmlText(letters)])
    doc.getXmlFragment(root).insert(0, [paragraph])
  },
  furnish: async page => {
    await page.locator('#editor').click()
    await page.keyboard.type('# A room with a view\nEveryone who has the link can write here, and sees what the others write.\n')
    await page.keyboard.type('> What anybody else has seen is never lost.\n\n- bread\n')
    await page.keyboard.type('butter\n\n' + fence + 'const answer = 42')
  },
  add: text.write
})

export const prosemirror = { ...richText('prosemirror', '```'), name: 'prosemirror', label: 'Text' }

export const tiptap = { ...richText('default', '``` '), name: 'tiptap', label: 'TipTap' }

export const codemirror = {
  ...text,
  name: 'codemirror',
  root: 'codemirror',
  label: 'Code',
  lines: () => {
    const editor = document.querySelector('#editor').cloneNode(true)
    editor.querySelectorAll('.caret, .cm-placeholder').forEach(other => other.remove())
    return [...editor.querySelectorAll('.cm-line')].map(line => line.textContent).filter(line => line !== '')
  },
  stored: doc => doc.getText('codemirror').toString().split('\n').filter(line => line !== ''),
  scribble: (Y, doc, letters) => doc.getText('codemirror').insert(0, letters),
  furnish: async page => {
    await page.locator('#editor').click()
    await page.keyboard.type('func main() {\n  server, err := yroom.New(yroom.Config{})\nif err != nil {\n  log.Fatal(err)\n')
    await page.keyboard.press('Backspace')
    await page.keyboard.press('Backspace')
    await page.keyboard.type('}\nhttp.Handle("/ws/", http.StripPrefix("/ws", server))\n')
  },
  add: text.write
}

const columns = ['todo', 'doing', 'done']

export const board = {
  name: 'board',
  root: 'board',
  label: 'Board',
  lines: () => [...document.querySelectorAll('.card textarea')].map(card => card.value),
  stored: doc => {
    const cards = [...doc.getMap('board').values()].filter(card => card.get?.('place')).map(card => ({ ...card.get('place'), text: card.get('text').toString() }))
    const at = ({ column }) => columns.indexOf(column)
    return cards.sort((a, b) => at(a) - at(b) || (a.key < b.key ? -1 : 1)).map(({ text }) => text)
  },
  scribble: (Y, doc, letters) => {
    doc.getMap('board').set('1', new Y.Map([['text', new Y.Text(letters)], ['place', { column: 'todo', key: '1' }]]))
  },

  // Adds cards, each of a few letters.
  write: async (page, letters) => {
    for (const card of letters.match(/.{1,3}/g)) await board.add(page, card)
  },

  add: async (page, card, column = 0) => {
    await page.locator('.new-card').nth(column).focus()
    await page.keyboard.type(card, { delay: 10 })
    await page.keyboard.press('Enter')
  },

  undo: page => page.locator('#undo').click(),

  redo: page => page.locator('#redo').click(),

  fumble: async page => {
    hold('nothing is there to add, to move or to delete by', await page.locator('form, .handle, .delete').count() === 0)
    for (const field of ['.card textarea', '.title']) {
      await page.locator(field).first().click()
      await page.keyboard.press('Control+End')
      await page.keyboard.type('0123')
      await page.keyboard.insertText('4567')
      for (const key of ['Enter', 'Backspace', 'Control+x', 'Control+z', 'Alt+ArrowDown']) await page.keyboard.press(key)
    }
  },

  furnish: async page => {
    for (const card of ['Bake bread', 'Buy butter, and some of the jam that we had last summer at the lake', 'Ask for chairs']) await board.add(page, card)
    await board.add(page, 'Write to everyone', 1)
    await board.add(page, 'Count the guests', 2)
    await page.locator('.card textarea').nth(1).click()
  }
}
