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

export const board = {
  name: 'board',
  root: 'board',
  label: 'Board',
  lines: () => [...document.querySelectorAll('#items textarea')].map(item => item.value),
  stored: doc => {
    const items = doc.getMap('board')
    return doc.getArray('board-order').toArray().map(id => items.get(id).get('text').toString())
  },
  scribble: (Y, doc, letters) => {
    const item = new Y.Map([['text', new Y.Text(letters)], ['done', false]])
    doc.getMap('board').set('1', item)
    doc.getArray('board-order').insert(0, ['1'])
  },

  // Adds items, each of a few letters.
  write: async (page, letters) => {
    for (const item of letters.match(/.{1,3}/g)) await board.add(page, item)
  },

  add: async (page, item) => {
    await page.locator('#new-item').focus()
    await page.keyboard.type(item, { delay: 10 })
    await page.keyboard.press('Enter')
  },

  undo: page => page.locator('#undo').click(),

  redo: page => page.locator('#redo').click(),

  fumble: async page => {
    hold('nothing is there to add or to move items by', await page.locator('#new-item, .handle, .delete').count() === 0)
    hold('no item can be ticked', await page.locator('#items [type=checkbox]').first().isDisabled())
    await page.locator('#items textarea').first().click()
    await page.keyboard.press('Control+End')
    await page.keyboard.type('0123')
    await page.keyboard.insertText('4567')
    for (const key of ['Enter', 'Backspace', 'Control+x', 'Control+z', 'Alt+ArrowDown']) await page.keyboard.press(key)
  },

  furnish: async page => {
    for (const item of ['Bake bread', 'Buy butter, and some of the jam that we had last summer at the lake', 'Count the guests']) await board.add(page, item)
    await page.locator('#items [type=checkbox]').first().check()
    await page.locator('#items textarea').nth(1).click()
  }
}
