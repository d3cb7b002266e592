// People who edit a text with y-websocket. Reads commands, each a line of JSON, and answers
// each with a line.

import readline from 'node:readline'
import WebSocket from 'ws'
import { WebsocketProvider as Provider1 } from 'y-websocket-1'
import { WebsocketProvider as Provider2 } from 'y-websocket-2'
import { WebsocketProvider as Provider3 } from 'y-websocket-3'
import * as Y from 'yjs'

const providers = { 1: Provider1, 2: Provider2, 3: Provider3 }
const people = new Map()
const sleep = milliseconds => new Promise(resolve => setTimeout(resolve, milliseconds))

class Person {
  constructor ({ url, room, version = 3, offline = false, params = {}, origin, headers }) {
    class Socket extends WebSocket {
      constructor (address, protocols) { super(address, protocols, { origin, headers }) }
    }
    this.doc = new Y.Doc()
    this.text = this.doc.getText('text')
    this.provider = new providers[version](url, room, this.doc, { WebSocketPolyfill: Socket, disableBc: true, connect: !offline, params, maxBackoffTime: 500 })
    this.provider.awareness.setLocalStateField('user', { name: 'Ada' })
  }
}

async function until (condition, seconds) {
  const deadline = Date.now() + 1000 * seconds
  while (!condition()) {
    if (Date.now() > deadline) return false
    await sleep(10)
  }
  return true
}

const of = names => names.map(name => people.get(name))

const commands = {
  open: async ({ name, synced = true, seconds = 20, ...options }) => {
    const person = new Person(options)
    people.set(name, person)
    return !synced || await until(() => person.provider.synced, seconds)
  },
  // Tries to open a room, and returns why that fails.
  refused: ({ name, ...options }) => new Promise(resolve => {
    const person = new Person(options)
    const end = reason => { person.provider.destroy(); resolve(reason) }
    person.provider.on('connection-error', event => end(event.message))
    person.provider.on('sync', synced => synced && end('it is open'))
  }),
  // Every person types its word a letter at a time.
  type: async ({ names, words, pause = 5 }) => {
    await Promise.all(of(names).map(async (person, i) => {
      for (const letter of words[i]) {
        person.text.insert(Math.floor(Math.random() * (person.text.length + 1)), letter)
        await sleep(pause)
      }
    }))
    return true
  },
  // Every person types a letter each pause, for some time. Returns how many were typed.
  typeFor: async ({ names, seconds, pause }) => {
    let typed = 0
    const deadline = Date.now() + 1000 * seconds
    await Promise.all(of(names).map(async person => {
      await sleep(Math.random() * pause)
      while (Date.now() < deadline) {
        person.text.insert(Math.floor(Math.random() * (person.text.length + 1)), 'x')
        typed++
        await sleep(pause)
      }
    }))
    return typed
  },
  insert: ({ name, at = 0, text }) => { people.get(name).text.insert(at, text) },
  // Fills the roots that the views export.
  fill: ({ name }) => {
    const { doc } = people.get(name)
    doc.getArray('array').push([1, 'two', { three: 3 }])
    doc.getMap('map').set('key', 'value 🙂')
    const paragraph = new Y.XmlElement('p')
    paragraph.insert(0, [new Y.XmlText('hello')])
    doc.getXmlFragment('fragment').insert(0, [paragraph, new Y.XmlText('world')])
    const other = new Y.XmlElement('p')
    other.insert(0, [new Y.XmlText('hello')])
    doc.get('xml_element', Y.XmlElement).insert(0, [other, new Y.XmlText('world')])
    doc.get('xml_text', Y.XmlText).insert(0, 'words')
  },
  connect: ({ name }) => { people.get(name).provider.connect() },
  disconnect: ({ name }) => { people.get(name).provider.disconnect() },
  // Sends an update that no client would send, and returns the code with which it is closed.
  malform: ({ name }) => new Promise(resolve => {
    const { provider } = people.get(name)
    provider.ws.onclose = event => { provider.disconnect(); resolve(event.code) }
    provider.ws.send(new Uint8Array([0, 2, 3, 9, 9, 9]))
    setTimeout(() => resolve(null), 10000)
  }),
  close: ({ name }) => { people.get(name).provider.destroy(); people.delete(name) },
  text: ({ name }) => people.get(name).text.toString(),
  // Waits until all have the same document, of so many characters.
  converge: async ({ names, length, seconds = 20 }) => {
    const all = of(names)
    const same = () => all.every(p => p.text.length === length && p.text.toString() === all[0].text.toString())
    return (await until(same, seconds)) || all.map(p => p.text.toString().slice(0, 100))
  },
  // Waits until a person sees so many people.
  sees: async ({ name, count, seconds = 20 }) => {
    const { awareness } = people.get(name).provider
    return (await until(() => awareness.getStates().size === count, seconds)) || awareness.getStates().size
  },
  synced: ({ name, seconds = 20 }) => until(() => people.get(name).provider.synced, seconds),
  // Waits until all have a text of so many characters, and returns how many don't have it in the end.
  lacking: async ({ names, length, seconds }) => {
    const lacking = () => of(names).filter(p => p.text.length !== length)
    await until(() => lacking().length === 0, seconds)
    return lacking().length
  },
  // Ends all connections at once.
  leave: () => {
    for (const person of people.values()) person.provider.destroy()
    people.clear()
  }
}

for await (const line of readline.createInterface({ input: process.stdin })) {
  const { do: what, ...options } = JSON.parse(line)
  console.log(JSON.stringify((await commands[what](options)) ?? true))
}
process.exit(0)
