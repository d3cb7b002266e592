// The faults of the original server that yroom doesn't copy. Each is played with both. docs/hocuspocus.md lists them by
// their names.

import { frame, frames, type } from './frames.mjs'
import { opened, sleep, until } from './stage.mjs'
import { typed } from './update.mjs'

// Returns how a socket fares: whether it was closed, or a document on it still answers.
async function fate (stage, raw) {
  raw.send(frames.stateless(stage.room, 'echo:still here'))
  const heard = () => raw.received.some(({ text }) => text === 'still here')
  await until('the socket answers or is closed', () => raw.closed || heard(), 5)
  return raw.closed ? `the socket is closed with ${raw.closed.code}` : 'the socket goes on'
}

const sends = (...data) => async stage => {
  const raw = await opened(stage)
  raw.send(...data)
  return fate(stage, raw)
}

// Returns what the server says to a token for a document of this name.
const opens = name => async stage => {
  const raw = await opened(stage)
  const before = raw.received.length
  raw.send(frames.token(name, 'writer'), frames.step1(name))
  const answers = () => raw.received.slice(before).map(({ type }) => type)
  await until('the server answers', () => raw.closed || answers().includes('denied') || answers().includes('step2'), 5)
  if (raw.closed) return `the socket is closed with ${raw.closed.code}`
  return answers().join(', ')
}

// Returns two clients, of which the second sees the first.
async function seen (stage) {
  const [ann, bob] = await stage.synced('ann', 'bob')
  ann.present(1)
  await bob.sees(ann, 1)
  return [ann, bob]
}

export const faults = {
  'a pong': {
    what: 'A pong, with which a provider answers a ping, closes the socket.',
    play: sends(new Uint8Array([10])),
    original: 'the socket is closed with 4401',
    yroom: 'the socket goes on'
  },
  'a text frame': {
    what: 'A text frame closes the socket.',
    play: sends('text'),
    original: 'the socket is closed with 4401',
    yroom: 'the socket goes on'
  },
  'names with a meaning in JavaScript': {
    what: 'A document named __proto__, constructor or toString closes the socket.',
    play: opens('__proto__'),
    original: 'the socket is closed with 4401',
    yroom: 'authenticated, step1, step2'
  },
  'an empty name': {
    what: 'A document without a name is admitted before it is refused.',
    play: opens(''),
    original: 'authenticated, denied',
    yroom: 'denied'
  },
  'a long name': {
    what: 'The name of a document may have any length.',
    play: opens('x'.repeat(3000)),
    original: 'authenticated, step1, step2',
    yroom: 'denied'
  },
  "closes a document that isn't open": {
    what: 'CLOSE for a document that is not open is kept, and closes the document once it is opened.',
    async play (stage) {
      const raw = await stage.raw('raw').opened()
      raw.send(frames.close(stage.room))
      await sleep(100)
      raw.send(frames.token(stage.room, 'writer'))
      await raw.receive({ type: 'authenticated' })
      await sleep(200)
      return raw.received.some(({ type }) => type === 'close') ? 'closed at once' : 'open'
    },
    original: 'closed at once',
    yroom: 'open'
  },
  "an update that can't be decoded": {
    what: 'An update that can\'t be decoded is acknowledged like one that is stored.',
    async play (stage) {
      const raw = await opened(stage)
      raw.send(frames.update(stage.room, new Uint8Array([255, 255, 255])))
      await sleep(300)
      return raw.received.some(({ type, applied }) => type === 'status' && applied === 1) ? 'acknowledged' : 'not acknowledged'
    },
    original: 'acknowledged',
    yroom: 'not acknowledged'
  },
  'QueryAwareness': {
    what: 'QueryAwareness is not answered.',
    async play (stage) {
      const raw = await opened(stage)
      raw.send(frames.awareness(stage.room, { id: 7, clock: 1, state: { at: 1 } }))
      await raw.receive({ type: 'awareness' })
      const answers = () => raw.received.filter(({ type }) => type === 'awareness').length
      const before = answers()
      raw.send(frames.query(stage.room), frames.stateless(stage.room, 'echo:goes on'))
      await raw.receive({ text: 'goes on' })
      await sleep(200)
      return answers() > before ? 'answered' : 'not answered'
    },
    original: 'not answered',
    yroom: 'answered'
  },
  "an awareness update that can't be decoded": {
    what: 'The reason with which a document is closed is always the same.',
    async play (stage) {
      const raw = await opened(stage)
      raw.send(frame(stage.room, type.awareness, [255, 255]))
      return (await raw.receive({ type: 'close' })).text
    },
    original: 'Reset Connection',
    yroom: 'awareness: malformed: input ends too early'
  },
  'the state `null`': {
    what: 'A person who takes back the state of awareness stays visible to the others.',
    async play (stage) {
      const [ann, bob] = await seen(stage)
      ann.awareness.setLocalState(null)
      await sleep(300)
      return bob.awareness.getStates().has(ann.doc.clientID) ? 'visible' : 'gone'
    },
    original: 'visible',
    yroom: 'gone'
  },
  'a client that comes back is not shown': {
    what: 'A client that has reconnected is invisible until its state changes.',
    async play (stage) {
      const [ann, bob] = await seen(stage)
      ann.break()
      await bob.sees(ann, undefined)
      let flickers = false
      bob.awareness.on('change', ({ removed }) => { flickers ||= removed.includes(ann.doc.clientID) })
      await ann.synced()
      await ann.settled()
      await sleep(500)
      const late = stage.client('late')
      await late.synced()
      await sleep(300)
      if (flickers) return 'visible, and gone in between'
      return [bob, late].every(client => client.awareness.getStates().get(ann.doc.clientID)?.at === 1) ? 'visible' : 'invisible'
    },
    original: 'invisible',
    yroom: 'visible'
  },
  'the awareness state of every other client': {
    what: 'A client can change the states of awareness of other clients.',
    async play (stage) {
      const [ann, bob] = await seen(stage)
      const eve = await opened(stage)
      eve.send(frames.awareness(stage.room, { id: ann.doc.clientID, clock: 100, state: { at: 'eve was here' } }))
      await sleep(300)
      return bob.awareness.getStates().get(ann.doc.clientID)?.at === 'eve was here' ? 'changed' : 'not changed'
    },
    original: 'changed',
    yroom: 'not changed'
  },
  'a client that comes back and leaves again': {
    what: 'A client that has reconnected stays visible after it has left.',
    async play (stage) {
      const [ann, bob] = await seen(stage)
      ann.break()
      await bob.sees(ann, undefined)
      await ann.synced()
      ann.present(2)
      await bob.sees(ann, 2)
      ann.socket.shouldConnect = false
      ann.break()
      await sleep(500)
      return bob.awareness.getStates().has(ann.doc.clientID) ? 'visible' : 'gone'
    },
    original: 'visible',
    yroom: 'gone'
  }
}
