// Two visitors of the page of examples/hello share its text field: node hello.mjs URL CHROMIUM. It prints nothing if they do.

import assert from 'node:assert/strict'
import { chromium } from 'playwright-core'
import { patience, until } from './until.mjs'

const [url, executablePath] = process.argv.slice(2)
const browser = await chromium.launch({ executablePath, args: ['--disable-gpu'], chromiumSandbox: process.getuid() !== 0 })

async function visit () {
  const page = await (await browser.newContext()).newPage()
  page.setDefaultTimeout(1000 * patience)
  page.on('pageerror', error => assert.fail(error.stack))
  await page.goto(url)
  return page.getByLabel('Title')
}

const ada = await visit()
const bob = await visit()
await ada.fill('Written by Ada')
await until("Bob sees Ada's text", async () => await bob.inputValue() === 'Written by Ada')
await bob.fill('Written by Bob')
await until("Ada sees Bob's text", async () => await ada.inputValue() === 'Written by Bob')
assert.equal(await ada.page().locator('#missing').isVisible(), false)

// A visitor who comes later sees it, too. Where the script is missing, the page says what to do.
const later = await visit()
await until('a later visitor sees the text', async () => await later.inputValue() === 'Written by Bob')
const page = later.page()
await page.route('**/dist/page.js', route => route.fulfill({ status: 404 }))
await page.reload()
await page.locator('#missing').waitFor()
await browser.close()
