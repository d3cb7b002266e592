// Two users log in to examples/login, each in a browser of their own: node login.mjs URL CHROMIUM SCREENSHOTS.
// Ada may write, and Bob may only read. It prints nothing if all is as it should be.

import assert from 'node:assert/strict'
import { mkdir } from 'node:fs/promises'
import { join } from 'node:path'
import { chromium } from 'playwright-core'
import { patience, until } from './until.mjs'

const [url, executablePath, pictures] = process.argv.slice(2)
const browser = await chromium.launch({ executablePath, args: ['--disable-gpu'], chromiumSandbox: process.getuid() !== 0 })

async function logIn (name, password) {
  const page = await (await browser.newContext({ viewport: { width: 900, height: 500 } })).newPage()
  page.setDefaultTimeout(1000 * patience)
  page.on('pageerror', error => assert.fail(`${name}: ${error.stack}`))
  await page.goto(url)
  await page.getByLabel('Name').fill(name)
  await page.getByLabel('Password').fill(password)
  await page.getByRole('button', { name: 'Log in' }).click()
  await page.getByRole('link', { name: 'notes' }).click()
  await until(`${name} is connected`, async () => await page.locator('#connection').textContent() === 'connected')
  return page
}
const textOf = page => page.locator('.ProseMirror p').first().evaluate(line => [...line.childNodes].filter(node => node.nodeType === 3).map(node => node.data).join(''))
const picture = (page, name) => page.screenshot({ path: join(pictures, `${name}.png`), animations: 'disabled' })

await mkdir(pictures, { recursive: true })
const ada = await logIn('ada', 'engine')
const bob = await logIn('bob', 'builder')
await ada.locator('.ProseMirror').click()
await ada.keyboard.type('Written by Ada.')
await until("Bob sees Ada's text", async () => await textOf(bob) === 'Written by Ada.')
await until("Bob sees Ada's caret", async () => await bob.locator('.collaboration-carets__label').textContent() === 'ada')

// Bob's page says that he only reads, and takes no letters.
assert.match(await bob.locator('#user').textContent(), /^bob may only read$/)
assert.match(await bob.locator('.notice').textContent(), /You may read this room, but not write in it/)
const editor = bob.getByRole('textbox', { name: 'notes' })
assert.equal(await editor.getAttribute('contenteditable'), 'false')
assert.equal(await editor.getAttribute('aria-readonly'), 'true')
await editor.click()
await bob.keyboard.type('Written by Bob.')
await picture(ada, 'login, ada writes')
await picture(bob, 'login, bob reads')
// What Ada writes later arrives, and Bob's letters don't.
await ada.keyboard.type(' More.')
await until("Bob sees the rest of Ada's text", async () => await textOf(bob) === 'Written by Ada. More.')
assert.equal(await textOf(ada), 'Written by Ada. More.')

// Ada's page has no such notice, and the diary is hers alone.
assert.match(await ada.locator('#user').textContent(), /^ada may read and write$/)
assert.equal(await ada.locator('.notice').count(), 0)
const response = await bob.goto(`${url}rooms/diary`)
assert.equal(response.status(), 403)

await browser.close()
