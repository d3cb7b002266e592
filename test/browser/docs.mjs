// What readers of the documentation do, on a server and in a folder.

import { execFile } from 'node:child_process'
import { cp, mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { promisify } from 'node:util'
import { accessible, fits, look, phone, wide } from './looks.mjs'
import { hold, until } from './until.mjs'

const run = promisify(execFile)

export const docs = {}

const arrived = (page, where) => until(() => `the address ends with ${where}: ${page.url()}`, () => page.url().endsWith(where))

// Searches by keyboard alone, and waits for the first result.
async function search (page, words, first) {
  await page.locator('#query').waitFor() // the script of a page that was just opened shows it
  await page.keyboard.press('/')
  await page.keyboard.press('ControlOrMeta+A')
  await page.keyboard.type(words)
  const selected = page.locator('#results [aria-selected="true"]')
  await until(() => `the first result for ${words} is ${first}`, async () => await selected.count() === 1 && (await selected.innerText()).startsWith(first))
  hold('the field names the selected result', await page.locator('#query').getAttribute('aria-activedescendant') === await selected.getAttribute('id'))
}

docs['the documentation, page by page'] = async stage => {
  const ann = await stage.person('Ann')
  const { page } = ann
  await page.setViewportSize(wide)
  await page.emulateMedia({ colorScheme: 'light' })
  await ann.show('/docs')
  const pages = await page.locator('#pages a').evaluateAll(links => links.map(link => link.getAttribute('href')))
  hold(`the documentation has ${pages.length} pages`, pages.length > 15)
  for (const name of pages) {
    await ann.show(`/docs/${name}`)
    await page.setViewportSize(phone)
    await fits(page, name)
    await page.setViewportSize(wide)
    await accessible(page, name)
  }
  await ann.show('/docs/')
  await look(stage, ann, 'documentation')
  await ann.show('/docs/authentication.html') // it has all kinds of elements, and is short
  await look(stage, ann, 'documentation of authentication')
}

docs['the documentation, by keyboard'] = async stage => {
  const ann = await stage.person('Ann')
  const { page } = ann
  await page.setViewportSize(wide)
  await ann.show('/docs/start.html')
  await search(page, 'close codes', 'Close codes')
  await look(stage, ann, 'documentation, search')
  await page.keyboard.press('ArrowDown')
  const second = await page.locator('#results [aria-selected="true"]').getAttribute('href')
  await page.keyboard.press('ArrowUp')
  await page.keyboard.press('Enter')
  await arrived(page, '/docs/protocols.html#close-codes')
  hold(`the second result is another one: ${second}`, second !== 'protocols.html#close-codes')

  // A word that only a table has. Escape closes the results, and the arrow opens them again.
  await search(page, '--log-form', 'Flags and settings')
  await page.keyboard.press('Escape')
  await page.locator('#results').waitFor({ state: 'hidden' })
  await page.keyboard.press('ArrowDown')
  await page.locator('#results').waitFor()
  await page.keyboard.press('ControlOrMeta+A')
  await page.keyboard.type('xylophone')
  await ann.sees('#results', 'Nothing found for “xylophone”.')
  await page.keyboard.press('Escape')

  // A result on the same page closes the list, too.
  await search(page, 'close codes', 'Close codes')
  await page.keyboard.press('Enter')
  await page.locator('#results').waitFor({ state: 'hidden' })

  await page.locator('a[rel="next"]').focus()
  await page.keyboard.press('Enter')
  await arrived(page, '/docs/architecture.html')
  await ann.show('/docs/start.html')
  await page.getByRole('button', { name: 'Copy' }).first().focus()
  await page.keyboard.press('Enter')
  await until('the button says what it did', async () => /^(Copied|Selected)$/.test(await page.locator('.code button').first().innerText()))
}

docs['the documentation, without scripts'] = async stage => {
  const context = await stage.browser.newContext({ javaScriptEnabled: false })
  const page = await context.newPage()
  await page.goto(`${stage.server.url}/`)
  await page.getByRole('link', { name: 'All pages' }).click()
  await page.getByRole('navigation', { name: 'Pages' }).getByRole('link', { name: 'Protocols and limits' }).click()
  await page.locator('#contents summary').click()
  await page.locator('#contents').getByRole('link', { name: 'Close codes' }).click()
  await arrived(page, '/docs/protocols.html#close-codes')
  hold('there is no search without scripts', !await page.locator('#query').isVisible())
  await context.close()
}

docs['the documentation, as files of two versions'] = async stage => {
  const folder = await mkdtemp(join(tmpdir(), 'yroom-docs-'))
  const write = () => run(stage.program, ['docs', '--out', folder])
  await write()
  const ann = await stage.person('Ann')
  const { page } = ann
  await page.setViewportSize(wide)
  await page.goto(pathToFileURL(join(folder, 'index.html')).href)
  await page.locator('article').waitFor()
  const version = await page.locator('#version').innerText()
  hold('one version needs no choice', await page.locator('#version select').count() === 0)

  await cp(join(folder, version), join(folder, 'v0.0.1'), { recursive: true })
  await rm(join(folder, 'v0.0.1', 'start.html'))
  await write()
  await page.goto(pathToFileURL(join(folder, version, 'operations.html')).href + '#metrics')
  const choice = page.getByRole('combobox', { name: 'Version' })
  await choice.selectOption('v0.0.1')
  await arrived(page, '/v0.0.1/operations.html#metrics')
  await page.goto(pathToFileURL(join(folder, version, 'start.html')).href)
  await choice.selectOption('v0.0.1') // which has no such page
  await arrived(page, '/v0.0.1/index.html')
  await accessible(page, 'a page among versions', { preload: false }) // a page of a folder may not request its styles
  await search(page, 'rolling restart', 'A rolling restart')
  await page.keyboard.press('Enter')
  await arrived(page, '/v0.0.1/scaling.html#a-rolling-restart')
  await page.goto('about:blank') // it asks for its icon even after it was loaded
  await rm(folder, { recursive: true })
}
