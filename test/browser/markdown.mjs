// Markdown that people type in ProseMirror.

import { prosemirror } from './demos.mjs'
import { hold, until } from './until.mjs'

export const markdown = {}

// What is typed, and what it becomes.
const shortcuts = [
  ['# head', '<h1>head</h1>', '# '],
  ['### head', '<h3>head</h3>', '### '],
  ['> quote', '<blockquote><p>quote</p></blockquote>', '> '],
  ['- item', '<ul><li><p>item</p></li></ul>', '- '],
  ['* item', '<ul><li><p>item</p></li></ul>', '* '],
  ['1. item', '<ol><li><p>item</p></li></ol>', '1. '],
  ['```\ncode', '<pre><code>code</code></pre>', '```'],
  ['```\nsome\n\ncode\n\n\ntext', '<pre><code>some\n\ncode</code></pre><p>text</p>', undefined],
  ['so **very bold** it is', '<p>so <strong>very bold</strong> it is</p>', 'so **very bold**'],
  ['so __bold__ it is', '<p>so <strong>bold</strong> it is</p>', 'so __bold__'],
  ['*italic* it is', '<p><em>italic</em> it is</p>', '*italic*'],
  ['(_italic_) it is', '<p>(<em>italic</em>) it is</p>', '(_italic_'],
  ['`2*3*4` it is', '<p><code>2*3*4</code> it is</p>', '`2*3*4`'],
  ['**bold and *both***', '<p><strong>bold and </strong><em><strong>both</strong></em></p>', undefined],
  ['`a **b** c', '<p>`a <strong>b</strong> c</p>', undefined],
  ['2*3*4, 2 * 3 * 4, snake_case_name, **, __ and ** not** or ****', '<p>2*3*4, 2 * 3 * 4, snake_case_name, **, __ and ** not** or ****</p>', undefined]
]

// The document as HTML, without what the editor adds to it.
const html = page => page.locator('#editor').evaluate(editor => {
  const copy = editor.cloneNode(true)
  copy.querySelectorAll('.caret, .ProseMirror-trailingBreak, .ProseMirror-separator').forEach(added => added.remove())
  copy.querySelectorAll('[data-hint]').forEach(hinted => hinted.removeAttribute('data-hint'))
  return copy.innerHTML
})

async function shows (person, what, want) {
  let found
  await until(() => `${person.name}: ${what}: ${want}, not ${found}`, async () => (found = await html(person.page)) === want)
}

// Makes the document empty: what is selected, and then what kind of block is left.
async function empty (person) {
  await person.page.keyboard.press('Control+a')
  for (let presses = 0; presses < 3; presses++) await person.page.keyboard.press('Backspace')
  await person.page.keyboard.press('Control+Alt+0')
  await shows(person, 'nothing', '<p></p>')
}

markdown['prosemirror, Markdown is applied'] = async stage => {
  const [ann, bob] = await stage.meet(prosemirror, 'Ann', 'Bob')
  await ann.page.locator('#editor').focus()
  for (const [typed, becomes] of shortcuts) {
    await empty(ann)
    await ann.page.keyboard.type(typed)
    await shows(ann, typed, becomes)
  }
  await shows(bob, ...shortcuts.at(-1))
  await stage.converge(ann, bob)
}

// Undo takes back the format alone, and leaves what was typed.
markdown['prosemirror, Markdown is taken back'] = async stage => {
  const [ann] = await stage.meet(prosemirror, 'Ann')
  const press = key => ann.page.keyboard.press(key)
  await ann.page.locator('#editor').focus()
  for (const [, , typed] of shortcuts) {
    if (!typed) continue
    const literal = `<p>${typed.replace('>', '&gt;')}</p>`
    for (const key of ['Backspace', 'Control+z']) {
      await empty(ann)
      await ann.page.keyboard.type(typed)
      const formatted = await html(ann.page)
      hold(`${typed} is formatted: ${formatted}`, formatted !== literal)
      await press(key)
      await shows(ann, `${typed}, taken back with ${key}`, literal)
      await press('Control+y')
      await shows(ann, `${typed}, redone`, formatted)
    }
    for (const key of ['Control+z', 'Control+y', 'Control+z']) await press(key)
    await ann.page.keyboard.type('x')
    await shows(ann, `${typed}, written on`, literal.replace('</p>', 'x</p>'))
  }
  await stage.converge(ann)
}
