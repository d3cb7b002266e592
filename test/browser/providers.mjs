// One room through two providers: that of Hocuspocus, and y-websocket.

import { tiptap } from './demos.mjs'
import { look, named } from './looks.mjs'
import { Person } from './person.mjs'
import { hold } from './until.mjs'

export const providers = {}

const websocket = { query: { provider: 'websocket' } }

// The paths of the sockets that a person's page has opened.
const paths = person => [...new Set(person.sockets.map(socket => new URL(socket).pathname))].join()

// The contrast of a text to its background, as the accessibility guidelines define it.
const contrast = locator => locator.evaluate(element => {
  const { color, backgroundColor } = getComputedStyle(element)
  const [ink, ground] = [color, backgroundColor].map(rgb => {
    const [r, g, b] = rgb.match(/\d+/g).map(part => part <= 10 ? part / 3294 : ((part / 255 + 0.055) / 1.055) ** 2.4)
    return 0.2126 * r + 0.7152 * g + 0.0722 * b
  })
  return (Math.max(ink, ground) + 0.05) / (Math.min(ink, ground) + 0.05)
})

providers['tiptap, one through each provider'] = async stage => {
  const [ann, bob, cem] = [await stage.person('Ann'), await stage.person('Bob'), await stage.person('Cem')]
  await ann.open(tiptap)
  await bob.open(tiptap, websocket)
  await cem.open(tiptap, { readonly: true })
  for (const [person, path] of [[ann, '/hocuspocus'], [bob, '/ws/' + stage.room], [cem, '/hocuspocus']]) {
    hold(`${person.name} is connected to ${path}, not ${paths(person)}`, paths(person) === path)
    await person.introduce()
    await person.sees('#served', 'web-1')
  }

  await Promise.all([ann.write(20), bob.write(20)])
  for (const person of [ann, bob, cem]) await person.reads(ann, bob)
  await stage.converge(ann, bob)
  for (const [person, other] of [[ann, 'Bob'], [bob, 'Ann'], [cem, 'Ann'], [cem, 'Bob']]) await person.sees('.caret', other)
  await bob.write(1)
  const found = await contrast(await named(ann, 'Bob', true))
  hold(`the contrast of the name is ${found}`, found >= 4.5)
  await look(stage, ann, 'tiptap, one through each provider')

  // A reader is seen as one, and where they are.
  for (const person of [ann, bob]) await person.sees('#people', 'Cem (reading)')
  await cem.fumble()
  await cem.introduce() // the browser's undo has undone the name
  await cem.page.locator('#editor').click()
  for (const person of [ann, bob]) await person.sees('.caret', 'Cem')
  for (const person of [ann, bob, cem]) await person.reads(ann, bob, cem)

  await bob.leave()
  for (const person of [ann, cem]) {
    await person.misses('.caret', 'Bob')
    await person.misses('#people', 'Bob')
  }
  ann.sockets = []
  await ann.page.locator('#other-provider').click()
  await ann.connected()
  await ann.reads(ann, bob)
  hold(`Ann is now connected to ${paths(ann)}`, paths(ann) === '/ws/' + stage.room)
  await ann.write()
  await cem.reads(ann, bob)
}

providers['tiptap, a room that is deleted'] = async stage => {
  const { url, token } = await stage.own({ api: true })
  const [ann, bob] = [await stage.person('Ann'), await stage.person('Bob')]
  await ann.open(tiptap)
  await bob.open(tiptap, websocket)
  await ann.write()
  await bob.reads(ann)
  const answer = await fetch(`${url}/api/rooms/${stage.room}`, { method: 'DELETE', headers: { Authorization: `Bearer ${token}` } })
  hold(`the room is deleted: ${answer.status}`, answer.ok)
  for (const person of [ann, bob]) {
    await person.sees('#reason', 'This document was deleted.')
    await person.write(1)
    await person.sees('#saved', 'Not saved: closed')
  }
}

// What a user may do is in their token, and the page follows it.
providers['tiptap, with tokens'] = async stage => {
  const server = await stage.own({ login: true })
  const [ann, bob, cem] = [await stage.person('Ann'), await stage.person('Bob'), await stage.person('Cem')]
  await ann.open(tiptap, { query: { token: await server.admission('write') } })
  await bob.open(tiptap, { query: { token: await server.admission('read') } })
  for (const person of [ann, bob]) await person.introduce()
  await ann.write()
  await ann.saved()
  await bob.reads(ann)
  await bob.sees('#saved', 'Read only')
  await ann.sees('#people', 'Bob (reading)')
  hold('there is no toolbar', !await bob.page.locator('#toolbar').isVisible())
  await bob.fumble()
  await ann.write()
  for (const person of [ann, bob]) await person.reads(ann, bob)
  await look(stage, bob, 'tiptap, with a token to read')

  cem.away = true // the browser may log that it was refused
  await cem.show(`/tiptap/${stage.room}`)
  await cem.sees('#reason', 'A token is needed to open this room.')
  await cem.sees('#saved', 'Not loaded')
}

// After a connection was lost, "Saved" waits for the acknowledgement of all that was written meanwhile. Here only the
// first message with edits arrives.
providers['tiptap, offline, and only one message arrives'] = async stage => {
  const ann = await Person.arrive(stage.browser, 'Ann')
  ann.enter(stage)
  let edits = Infinity // how many messages with edits still pass
  await ann.page.routeWebSocket(/hocuspocus/, socket => {
    const server = socket.connectToServer()
    socket.onMessage(message => {
      const [type, step] = message.subarray(1 + message[0]) // after the name
      if (type !== 0 || step === 0 || edits-- > 0) server.send(message)
    })
  })
  try {
    await ann.open(tiptap)
    await ann.write()
    await ann.saved()
    ann.goOffline()
    await ann.sees('#connection', 'offline')
    await ann.write()
    await ann.sees('#saved', 'Not saved: offline')
    edits = 1
    await ann.comeBack()
    await ann.saved()
    const held = await stage.held(tiptap)
    hold(`the server has what is said to be saved: ${held}`, ann.own(held) === ann.written)
    hold('a message with edits has arrived', edits <= 0)
  } finally {
    await ann.end()
  }
}
