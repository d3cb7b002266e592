// A user with a browser.

import { TCPProxy } from './tcp-proxy.mjs'
import { patience, until } from './until.mjs'

// Each person types the letters of an alphabet in order, which shows the author and the order of what is typed.
const alphabets = { Ann: 'abcdefghijklm', Bob: '0123456789', Cem: 'NOPQRSTUVWXYZ' }

export class Person {
  // Starts a person with a browser profile and a proxy of their own.
  static async arrive (browser, name) {
    const person = new Person()
    person.name = name
    person.alphabet = alphabets[name]
    person.proxy = await TCPProxy.start()
    person.context = await browser.newContext({ viewport: { width: 1280, height: 800 } })
    person.page = await person.context.newPage()
    person.watch()
    return person
  }

  // Collects what goes wrong on the page, and the addresses of its connections.
  watch () {
    this.page.setDefaultTimeout(1000 * patience)
    this.page.on('pageerror', error => this.complaints.push(error.stack))
    this.page.on('console', message => {
      const text = message.text()
      // What fails while the browser is offline may be logged after it is online again.
      if (/net::ERR_INTERNET_DISCONNECTED/.test(text)) return
      if (message.type() === 'error' && !(this.away && /^(WebSocket connection|Failed to load resource)/.test(text))) this.complaints.push(text)
    })
    this.page.on('websocket', socket => this.sockets.push(socket.url()))
  }

  // Takes part in a scenario, with nothing on the page yet.
  enter (stage) {
    this.stage = stage
    this.proxy.lead(stage.server.address)
    this.written = ''
    this.complaints = []
    this.sockets = []
    this.away = false // the proxy is cut or the server gone, so the browser may log errors
  }

  async show (path) {
    await this.page.goto(this.proxy.url + path)
  }

  async open (demo, { room = this.stage.room, readonly = false, query = demo.query } = {}) {
    this.demo = demo
    const parameters = new URLSearchParams({ ...query, ...(readonly ? { readonly: '' } : {}) })
    await this.show(`/${demo.name}/${room}?${parameters}`)
    await this.connected()
  }

  async introduce () {
    await this.page.locator('#name').fill(this.name)
    await this.page.keyboard.press('Enter')
    await this.sees('#people', this.name)
  }

  // What stands there: all of it, where there are several, and nothing where there is none.
  async text (selector) {
    return (await this.page.locator(selector).allTextContents()).join(' ')
  }

  async sees (selector, text) {
    await until(`${this.name} sees ${text} in ${selector}`, async () => (await this.text(selector)).includes(text))
  }

  async misses (selector, text) {
    await until(`${this.name} sees no ${text} in ${selector}`, async () => !(await this.text(selector)).includes(text))
  }

  async connected () {
    await until(`${this.name} is connected`, async () => await this.text('#connection') === 'connected')
  }

  async saved () {
    await until(`${this.name}'s edits are saved`, async () => await this.text('#saved') === 'Saved')
  }

  // Not saved, and said so.
  async unsaved () {
    await until(`${this.name} is told that edits are not saved`, async () => /^(Saving|Not saved)/.test(await this.text('#saved')))
  }

  lines () {
    return this.page.evaluate(this.demo.lines)
  }

  // Writes the next letters of one's own alphabet at the end of the document.
  async write (length = 6) {
    const from = this.written.length
    const text = Array.from({ length }, (_, i) => this.alphabet[(from + i) % this.alphabet.length]).join('')
    this.written += text
    await this.demo.write(this.page, text)
  }

  // What one has written of some lines.
  own (lines) {
    return [...lines.join('')].filter(letter => this.alphabet.includes(letter)).join('')
  }

  // Waits until all that others wrote is seen, and nothing else of them.
  async reads (...others) {
    let lines
    await until(() => `${this.name} reads ${others.map(other => other.written)}, not ${JSON.stringify(lines)}`, async () => {
      lines = await this.lines()
      return others.every(other => other.own(lines) === other.written)
    })
  }

  // Undoes until nothing is left of what one wrote.
  async undo () {
    for (let steps = 0; this.own(await this.lines()) !== '' && steps < 10; steps++) await this.demo.undo(this.page)
    this.written = this.own(await this.lines())
  }

  // Brings back what was undone.
  async redo (written) {
    for (let steps = 0; this.own(await this.lines()) !== written && steps < 10; steps++) await this.demo.redo(this.page)
    this.written = written
  }

  // Tries to change a read-only document in all ways.
  fumble () {
    return this.demo.fumble(this.page)
  }

  // Opens the view of the document as stored by the server, and closes it.
  async server () {
    const view = this.page.locator('#server-document')
    await this.page.locator('#server-view').click()
    await view.waitFor()
    await until(() => `${this.name} finds in the server's document what is on the page`, async () => {
      const text = await view.innerText()
      return (await this.lines()).every(line => text.includes(line))
    })
    await this.page.keyboard.press('Escape')
    await view.waitFor({ state: 'hidden' })
  }

  // Cuts the connection of this person alone.
  goOffline () {
    this.away = true
    this.proxy.cut()
  }

  async comeBack () {
    this.proxy.mend()
    await this.connected()
    this.away = false
  }

  // No data gets through, but connections stay open.
  stall (stalled) {
    return this.context.setOffline(stalled)
  }

  async reload () {
    await this.page.reload()
    await this.connected()
  }

  // Goes to another page, which takes a tenth of the time that a new one does.
  async leave () {
    await this.page.goto('about:blank')
  }

  async end () {
    await this.context.close()
    this.proxy.end()
  }

  // From now on the page remembers, at each drawn frame, the lines that it shows with "Saved".
  async remember () {
    const { page, demo } = this
    await page.evaluate(`{
      const lines = ${demo.lines}
      const { port1: frame, port2: shown } = new MessageChannel()
      const look = () => requestAnimationFrame(() => frame.postMessage(''))
      shown.onmessage = () => {
        if (document.querySelector('#saved').innerText === 'Saved') window.claimed = lines()
        look()
      }
      look()
    }`)
  }

  // The lines that the page last showed as saved.
  claimed () {
    return this.page.evaluate('window.claimed ?? []')
  }
}
