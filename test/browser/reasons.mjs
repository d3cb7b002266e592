// What pages say when the server closes or refuses their connections, or doesn't answer.

import * as demos from './demos.mjs'
import { look } from './looks.mjs'
import { hold, sleep, until } from './until.mjs'

export const reasons = {}

// A demo for each provider.
const ways = {
  'y-websocket': { demo: demos.codemirror, path: '/ws/' },
  Hocuspocus: { demo: demos.tiptap, path: '/hocuspocus' }
}

const quiet = 'log_level: error\n' // because each refusal is logged at a lower level

const forGood = 'eload the page'
const forNow = 'This page goes on trying to connect.'

// How many ms after the end of a connection the last page that connects again has done so.
const longest = 4000

// A page of its own for each case, in the browser of one person.
async function tab (person, path) {
  const page = await person.context.newPage()
  const one = { page, sockets: 0, says: selector => page.locator(selector).textContent() }
  page.on('pageerror', error => person.complaints.push(error.stack))
  page.on('websocket', () => one.sockets++)
  await page.goto(person.proxy.url + path)
  return one
}

async function ends (one, what, state, ...words) {
  let found
  await until(() => `${what}: ${state}, ${words}; not ${found}`, async () => {
    found = [await one.says('#connection'), await one.says('#reason')]
    return found[0] === state && words.every(word => found[1].includes(word))
  })
  hold(`${what}: it is on the screen`, await one.page.locator('#notice').isVisible())
}

// What can't succeed isn't tried again.
async function rest (tabs) {
  const before = tabs.map(one => one.sockets)
  await sleep(longest)
  hold(`no page tries again: ${before}, ${tabs.map(one => one.sockets)}`, tabs.every((one, i) => one.sockets === before[i]))
}

for (const [way, { demo }] of Object.entries(ways)) {
  reasons[`${way}, each close code`] = async stage => {
    const server = await stage.robot()
    const ann = await stage.person('Ann')
    const close = async code => {
      const answer = await fetch(`${server.url}/close/code-${code}/${code}`, { method: 'POST', body: `the robot says ${code}` })
      hold(`one connection is closed with ${code}`, await answer.text() === '1')
    }
    const open = async code => {
      const one = await tab(ann, `/${demo.name}/code-${code}`)
      await until('a page is connected', async () => await one.says('#connection') === 'connected' && await one.says('#saved') === 'Saved')
      return one
    }
    const ended = []
    for (const code of [1007, 1008, 1009, 4401, 4403, 4404, 4409, 4499]) {
      const one = await open(code)
      await close(code)
      await ends(one, code, 'closed', `The robot says ${code}.`, 'Nothing more is saved.', forGood)
      ended.push(one)
    }
    for (const code of way === 'Hocuspocus' ? [1001, 1011, 1012, 1013] : [1001, 1011, 1012, 1013, 4205, 4408]) {
      const one = await open(code)
      await close(code)
      await until(`a page connects again after ${code}`, async () => one.sockets > 1 && await one.says('#connection') === 'connected')
      await until('no reason is left', async () => !await one.page.locator('#notice').isVisible())
      await one.page.close()
    }
    await rest(ended)
    for (const one of ended) await one.page.close()
  }

  reasons[`${way}, each status of a refusal`] = async stage => {
    await stage.robot()
    const ann = await stage.person('Ann')
    const open = status => tab(ann, `/${demo.name}/refused-${status}`)
    const ended = []
    for (const status of [400, 401, 403, 404]) {
      const one = await open(status)
      await ends(one, status, 'closed', `The robot says ${status}.`, forGood)
      hold('the page says that it has no document', await one.says('#saved') === 'Not loaded')
      ended.push(one)
    }
    const going = await Promise.all((way === 'Hocuspocus' ? [503] : [429, 500, 503]).map(open))
    for (const one of going) {
      await ends(one, 'a server that may accept later', 'offline', 'The robot says', forNow)
      const { sockets } = one
      await until('the page tries again', () => one.sockets > sockets)
    }
    await rest(ended)
    for (const one of [...ended, ...going]) await one.page.close()
  }

  reasons[`${way}, a name that can't be`] = async stage => {
    const ann = await stage.person('Ann')
    const tabs = []
    for (const name of ['x'.repeat(256), '%20', '%e2%80%ae', '%ff']) {
      const one = await tab(ann, `/${demo.name}/${name}`)
      await ends(one, name, 'closed', 'A room name is 1 to 255 bytes of UTF-8', forGood)
      tabs.push(one)
    }
    for (const one of tabs) await one.page.close()
  }

  reasons[`${way}, a page of another origin`] = async stage => {
    await stage.own({ settings: quiet + 'origin: [app.example.com]\n' })
    const one = await tab(await stage.person('Ann'), `/${demo.name}/room`)
    await ends(one, 'another origin', 'closed', "This page's origin is not allowed to connect here.", forGood)
    await one.page.close()
  }

  reasons[`${way}, tokens`] = async stage => {
    const server = await stage.own({ login: true })
    const ann = await stage.person('Ann')
    const open = token => tab(ann, `/${demo.name}/${stage.room}?token=${token}`)
    const none = await open('')
    await ends(none, 'no token', 'closed', 'A token is needed to open this room.', forGood)
    const bad = await open('abc')
    await ends(bad, 'no such token', 'closed', 'token', forGood)
    const old = await open(await server.admission('write', '--expires', '3s'))
    await until('a page is connected', async () => await old.says('#connection') === 'connected')
    await ends(old, 'a token that has expired', 'closed', 'expired', forGood)
    for (const one of [none, bad, old]) await one.page.close()
  }

  reasons[`${way}, too many connections`] = async stage => {
    await stage.own({ settings: quiet + 'connections: 1\n' })
    const [ann, bob] = [await stage.person('Ann'), await stage.person('Bob')]
    await ann.open(demo)
    bob.away = true
    await bob.show(`/${demo.name}/${stage.room}`)
    await bob.sees('#connection', 'offline')
    await bob.sees('#reason', `This server has too many connections. Try again later. ${forNow}`)
    await ann.leave()
    await bob.connected()
    bob.away = false
    await until('no reason is left', async () => !await bob.page.locator('#notice').isVisible())
  }

  reasons[`${way}, a paste over the limit`] = async stage => {
    await stage.own({ settings: quiet + 'rooms: {default: {limits: {message: 64KiB}}}\n' })
    const [ann] = await stage.meet(demo, 'Ann')
    await ann.write()
    await ann.saved()
    ann.away = true
    await ann.page.locator('#editor').evaluate(editor => {
      const clipboardData = new DataTransfer()
      clipboardData.setData('text/plain', 'paste '.repeat(20_000))
      editor.dispatchEvent(new ClipboardEvent('paste', { clipboardData, bubbles: true, cancelable: true }))
    })
    await ann.sees('#connection', 'closed')
    await ann.sees('#reason', 'A message is larger than the limit of 65536 bytes. Nothing more is saved. Copy what you still need before you reload the page.')
    await ann.sees('#saved', 'Not saved: closed')
    await look(stage, ann, `${way}, a paste over the limit`)
    const { length } = ann.sockets
    await sleep(longest)
    hold('the page sends it once', ann.sockets.length === length)
    ann.page.once('dialog', dialog => dialog.accept())
    await ann.page.locator('#reload').click()
    await ann.connected()
    await ann.reads(ann)
    await stage.converge(ann)
  }

  // The network is gone, and neither the browser nor the end of a connection shows it.
  reasons[`${way}, a server that doesn't answer`] = async stage => {
    const server = await stage.own()
    const [ann] = await stage.meet(demo, 'Ann')
    await ann.write()
    await ann.saved()
    const began = Date.now()
    server.freeze()
    await ann.sees('#connection', 'offline')
    const seconds = (Date.now() - began) / 1000
    hold(`it is noticed before the providers do, after half a minute: ${seconds} s`, seconds < 25)
    await ann.write()
    await ann.sees('#saved', 'Not saved: offline')
    await ann.sees('#reason', 'The server does not answer.')
    server.thaw()
    await ann.connected()
    await stage.converge(ann)
    hold('it is one connection', ann.sockets.length === 1)
  }

  reasons[`${way}, a browser without a network`] = async stage => {
    const [ann] = await stage.meet(demo, 'Ann')
    await ann.write()
    await ann.saved()
    const began = Date.now()
    await ann.stall(true)
    await ann.sees('#connection', 'offline')
    const seconds = (Date.now() - began) / 1000
    hold(`it is noticed before the providers do, after half a minute: ${seconds} s`, seconds < 25)
    await ann.stall(false)
    await ann.connected()
    await stage.converge(ann)
  }
}
