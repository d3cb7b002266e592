// Ada writes in two windows of the page of examples/django: node page.mjs URL CHROMIUM. It prints nothing if each shows what she writes in the other.

import assert from 'node:assert/strict'
import { chromium } from 'playwright-core'
import { patience, until } from '../browser/until.mjs'

const [url, executablePath] = process.argv.slice(2)
const browser = await chromium.launch({ executablePath, args: ['--disable-gpu'], chromiumSandbox: process.getuid() !== 0 })

async function visit () {
  const page = await (await browser.newContext()).newPage()
  page.setDefaultTimeout(1000 * patience)
  page.on('pageerror', error => assert.fail(error.stack))
  await page.goto(`${url}/hello/`)
  await page.getByLabel('Username').fill('ada')
  await page.getByLabel('Password').fill('engine')
  await page.getByRole('button', { name: 'Log in' }).click()
  return page
}
const editor = page => page.getByRole('textbox', { name: 'hello' })
const shows = (page, text) => until(`the window shows ${text}`, async () => await editor(page).innerText() === text)

const [one, two] = await Promise.all([visit(), visit()])
await editor(one).click()
await one.keyboard.type('Written here,')
await shows(two, 'Written here,')
await editor(two).click()
await two.keyboard.press('Control+End')
await two.keyboard.type(' and there.')
await shows(one, 'Written here, and there.')

await one.getByRole('link', { name: 'The note as XML' }).click()
assert.equal(await one.locator('body').innerText(), '<paragraph>Written here, and there.</paragraph>')
await browser.close()
