// What people do with code.

import { codemirror } from './demos.mjs'
import { focused, look, tabTo } from './looks.mjs'
import { hold, until } from './until.mjs'

export const code = {}

// The parts of the text with a class of the highlighter.
const parts = ({ page }, name) => page.locator(`.cm-line .tok-${name}`).allInnerTexts()

const highlights = (person, name, wanted) => until(`${person.name} sees ${wanted} as ${name}`, async () => (await parts(person, name)).join() === wanted)

code['codemirror, Python'] = async stage => {
  const [ann, bob] = [await stage.person('Ann'), await stage.person('Bob')]
  const room = `${stage.room}.py`
  await ann.open(codemirror, { room })
  await bob.open(codemirror, { room, readonly: true })
  await ann.sees('#language', 'Python, by the end of the room’s name.')
  await bob.sees('#language', 'Python')
  const { page } = ann
  await page.locator('#editor').click()
  await page.keyboard.type('def double(n):\nif n == 0:\nreturn "nothing"\nreturn 2 * n  # a comment')
  await page.keyboard.press('Home')
  await page.keyboard.press('Home')
  await page.keyboard.press('Shift+Tab')
  const lines = ['def double(n):', '    if n == 0:', '        return "nothing"', '    return 2 * n  # a comment']
  for (const person of [ann, bob]) {
    await until(() => `${person.name} sees the lines`, async () => JSON.stringify(await person.lines()) === JSON.stringify(lines))
    await highlights(person, 'keyword', 'def,if,return,return')
    await highlights(person, 'string', '"nothing"')
    await highlights(person, 'comment', '# a comment')
  }
  await page.keyboard.press('Tab')
  await until('Tab indents', async () => (await ann.lines()).at(-1).startsWith('        return 2'))
  hold('the editor has the focus', await focused(page) === 'editor')
  await page.keyboard.press('Escape')
  await page.keyboard.press('Tab')
  hold('Escape and Tab leave the editor', await focused(page) !== 'editor')
  await ann.saved()
  await look(stage, ann, 'codemirror, Python')
}

code['codemirror, Go'] = async stage => {
  const ann = await stage.person('Ann')
  await ann.open(codemirror, { room: `${stage.room}.go` })
  await ann.sees('#language', 'Go')
  await ann.page.locator('#editor').click()
  // CodeMirror indents by the syntax tree, which on a busy machine isn't always up to date.
  const typed = async (text, ...lines) => {
    await ann.page.keyboard.type(text)
    await until(`the lines are ${JSON.stringify(lines)}`, async () => JSON.stringify(await ann.lines()) === JSON.stringify(lines))
  }
  await typed('func main() {', 'func main() {')
  await highlights(ann, 'keyword', 'func')
  await typed('\nprintln("hello")', 'func main() {', '\tprintln("hello")')
  await highlights(ann, 'string', '"hello"')
  await typed('\n}', 'func main() {', '\tprintln("hello")', '}')
}

code['codemirror, plain text'] = async stage => {
  const ann = await stage.person('Ann')
  await ann.open(codemirror)
  await ann.sees('#language', 'Plain text.')
  await ann.page.getByRole('link', { name: `${stage.room}.py` }).click()
  await ann.sees('#language', 'Python')
  hold('it is another room', new URL(ann.page.url()).pathname === `/codemirror/${stage.room}.py`)
  await ann.show('/codemirror/a%2Fb.unknown')
  await ann.connected()
  await ann.sees('#language', 'Plain text.')
  await tabTo(ann.page, 'editor')
}

code['codemirror, each language'] = async stage => {
  const ann = await stage.person('Ann')
  const languages = {
    cc: 'C++', css: 'CSS', dockerfile: 'Dockerfile', go: 'Go', html: 'HTML', java: 'Java', js: 'JavaScript', json: 'JSON', md: 'Markdown', php: 'PHP',
    PY: 'Python', rb: 'Ruby', rs: 'Rust', sh: 'Shell', sql: 'SQL', toml: 'TOML', tsx: 'TypeScript', svg: 'XML', yml: 'YAML'
  }
  for (const [end, name] of Object.entries(languages)) {
    await ann.open(codemirror, { room: `${stage.room}.${end}` })
    await ann.sees('#language', `${name}, by the end of the room’s name.`)
  }
}
