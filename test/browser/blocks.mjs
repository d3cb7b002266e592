// Rooms that are created from Markdown, and programs that change single blocks while people edit.

import { prosemirror, tiptap } from './demos.mjs'
import { look } from './looks.mjs'
import { hold, until } from './until.mjs'

export const blocks = {}

const text = `# A plan

A word before, the cursor, and words behind it.

- one **two**
- three
  1. four

> five [six](https://example.com/)

\`\`\`
seven
\`\`\`
`

// What editors show of it: the elements and their texts.
const shown = [
  'H1 A plan', 'P A word before, the cursor, and words behind it.', 'UL one twothreefour', 'LI one two', 'P one two', 'STRONG two',
  'LI threefour', 'P three', 'OL four', 'LI four', 'P four', 'BLOCKQUOTE five six', 'P five six', 'A six', 'PRE seven', 'CODE seven'
]

const elements = page => page.locator('#editor').evaluate(editor => {
  const copy = editor.cloneNode(true)
  copy.querySelectorAll('.caret, br').forEach(added => added.remove())
  return [...copy.querySelectorAll('h1, h2, p, ul, ol, li, strong, em, a, blockquote, pre, code')].map(e => `${e.tagName} ${e.textContent}`)
})

for (const [demo, schema] of [[prosemirror, 'prosemirror'], [tiptap, 'tiptap']]) {
  blocks[`${demo.name}, a program changes blocks beside a cursor`] = async stage => {
    const { url, token } = await stage.own({ api: true, settings: `log_level: warn\nrooms:\n  default: {editor: {schema: ${schema}}}\n` })
    const address = `${url}/api/rooms/${encodeURIComponent(stage.room)}`
    const call = async (method, path, body, type = 'text/markdown', more = {}) => {
      const answer = await fetch(address + path, { method, body, headers: { Authorization: `Bearer ${token}`, 'Content-Type': type, ...more } })
      const said = await answer.text()
      hold(`${method} ${path}: ${said}`, answer.ok)
      return said
    }
    const exported = () => call('GET', '?format=markdown')
    await call('PUT', '', text, 'text/markdown', { 'If-None-Match': '*' })

    const ann = await stage.person('Ann')
    await ann.open(demo)
    const { page } = ann
    let seen
    const shows = async (what, is) => until(() => `${what}: ${JSON.stringify(seen)}`, async () => is(seen = await elements(page)))
    await shows('the editor shows the Markdown', seen => JSON.stringify(seen) === JSON.stringify(shown))
    hold(`to open the room changes nothing: ${await exported()}`, (await exported()).replaceAll('  + ', '  - ') === text)

    // The cursor is after "cursor", and Ann types there.
    await page.locator('#editor p', { hasText: 'cursor' }).click()
    await page.keyboard.press('Home')
    for (let i = 0; i < 'A word before, the cursor'.length; i++) await page.keyboard.press('ArrowRight')
    await page.keyboard.type('abc', { delay: 10 })
    await ann.saved()

    const [heading, paragraph, list] = JSON.parse(await call('GET', '?format=blocks')).blocks
    await call('PUT', `/blocks/${heading.id}`, 'An *introduction* in place of the heading\n\nand one more paragraph', 'text/markdown', { 'If-Match': `"${heading.tag}"` })
    await call('POST', `/blocks/${paragraph.id}/marks`, JSON.stringify({ text: 'word before', mark: 'strong', attrs: {} }), 'application/json')
    await call('POST', `/blocks/${paragraph.id}/marks`, JSON.stringify({ text: 'behind', mark: 'em', attrs: {} }), 'application/json')
    await call('PUT', `/blocks/${list.id}`, '- one **two**\n- 3\n  1. four\n  2. more')
    await call('POST', '/blocks', 'The end')
    const changed = seen => ['P An introduction in place of the heading', 'EM introduction', 'P and one more paragraph', 'STRONG word before', 'EM behind', 'P 3', 'P more', 'P The end']
      .every(element => seen.includes(element))
    await shows('the editor shows the changes', changed)

    await page.keyboard.type('def', { delay: 10 })
    await shows('the cursor has stayed in its place', seen => seen.includes('P A word before, the cursorabcdef, and words behind it.'))
    for (let i = 0; i < 5; i++) await page.keyboard.press('Control+z')
    await shows('she undoes what she wrote', seen => seen.includes('P A word before, the cursor, and words behind it.'))
    await shows('she undoes nothing else', changed)
    await page.keyboard.press('Control+y')
    await shows('she can do it again', seen => seen.some(element => element.includes('cursorabc')))
    await shows('nothing else is undone', changed)
    await ann.saved()
    hold(`the export has it all: ${await exported()}`, /^An \*introduction\* in place[^]*A \*\*word before\*\*, the cursorabc[^]*words \*behind\* it[^]*The end\n$/.test(await exported()))
  }
}

// An editor deletes what its schema doesn't have, from everybody's document.
blocks['prosemirror, what Markdown can hold is kept'] = async stage => {
  const { url, token } = await stage.own({ api: true })
  const address = `${url}/api/rooms/${encodeURIComponent(stage.room)}`
  const headers = { Authorization: `Bearer ${token}`, 'Content-Type': 'text/markdown' }
  const text = 'See ![a picture](https://example.com/a.png "its title") and ![](https://example.com/b.png).\n\n```go\nseven\n```\n'
  const { ok } = await fetch(address, { method: 'PUT', body: text, headers: { ...headers, 'If-None-Match': '*' } })
  hold('the room is created', ok)

  const ann = await stage.person('Ann')
  await ann.open(prosemirror)
  await ann.sees('#editor', 'See a picture and https://example.com/b.png.')
  await ann.page.locator('#editor p').click({ position: { x: 4, y: 8 } }) // not on an image, which that would select
  await ann.page.keyboard.press('End')
  await ann.page.keyboard.type('Yes')
  await ann.page.keyboard.press('Control+End')
  await ann.page.keyboard.type('teen')
  await ann.sees('#editor', 'seventeen')
  await ann.saved()
  const wanted = text.replace('png).', 'png).Yes').replace('seven', 'seventeen')
  let found
  await until(() => `nothing else has changed: ${found}`, async () => {
    found = await (await fetch(`${address}?format=markdown`, { headers })).text()
    return found === wanted
  })
  await look(stage, ann, 'prosemirror, images')
}
