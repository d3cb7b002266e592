// Lets clients of yjs 13 and yjs 14 (@y/y) work together in rooms of a server: they edit, suggest, accept and reject parts of suggestions,
// leave and come back.

import * as Y13 from 'yjs'
import * as Y14 from '@y/y'
import * as encoding from 'lib0/encoding'
import { kits, WebSocket } from '../clients/kits.mjs'
import { until } from '../clients/stage.mjs'
import { Random } from './random.mjs'
import { showAny, textOf } from './show.mjs'
import { Suggestion } from './suggestions.mjs'
import { showStateVector } from './view.mjs'

const words = ['one ', 'two', 'é', 'longer text ', 'x']

const versions = {
  13: {
    ...await kits['y-websocket 3'](),
    roots: doc => ({ text: doc.getText('text'), map: doc.getMap('map'), array: doc.getArray('array') }),
    set: (type, key, value) => type instanceof Y13.Text ? type.setAttribute(key, value) : type.set(key, value),
    remove: (type, key) => type instanceof Y13.Text ? type.removeAttribute(key) : type.delete(key),
    nested: random => random.chance(0.5) ? new Y13.Map() : new Y13.Text('nested'),
    hasKeys: type => type instanceof Y13.Map || type instanceof Y13.Text,
    hasText: type => type instanceof Y13.Text
  },
  14: {
    ...await kits['@y/websocket 4'](),
    roots: doc => ({ text: doc.get('text'), map: doc.get('map'), array: doc.get('array') }),
    set: (type, key, value) => type.setAttr(key, value),
    remove: (type, key) => type.deleteAttr(key),
    nested: random => new Y14.Type(random.chance(0.5) ? 'p' : null),
    hasKeys: type => type instanceof Y14.Type,
    hasText: type => type instanceof Y14.Type
  }
}

// Edits a document as a user of a version does. What the version knows as another kind of type is left alone.
function edit (version, doc, random) {
  const { roots, set, remove, nested, hasKeys, hasText } = versions[version]
  doc.transact(() => {
    for (let n = random.chance(0.2) ? 3 : 1; n > 0; n--) {
      const { text, map, array } = roots(doc)
      const inside = array.toArray().filter(value => hasKeys(value))
      const choice = random.next()
      if (choice < 0.45) {
        if (text.length > 0 && random.chance(0.25)) text.delete(random.below(text.length), 1)
        else if (text.length > 0 && random.chance(0.2)) text.format(random.below(text.length), 1, { bold: random.chance(0.7) ? true : null })
        else text.insert(random.below(text.length + 1), random.pick(words))
      } else if (choice < 0.7) {
        const type = random.chance(0.2) ? text : inside.length > 0 && random.chance(0.4) ? random.pick(inside) : map
        const key = random.pick(['k', 'l'])
        if (random.chance(0.8)) set(type, key, random.pick([random.below(100), 'v', null]))
        else remove(type, key)
      } else if (inside.length > 0 && random.chance(0.3)) {
        const type = random.pick(inside)
        if (hasText(type)) type.insert(random.below(type.length + 1), random.pick(words))
        else set(type, 'm', random.below(100))
      } else if (array.length > 0 && random.chance(0.25)) {
        array.delete(random.below(array.length), 1)
      } else {
        array.insert(random.below(array.length + 1), random.chance(0.3) ? [nested(random)] : [random.below(100), 'w'])
      }
    }
  })
}

// A client with a stock provider.
class Client {
  constructor (version, url, room, random) {
    const { Y, WebsocketProvider } = versions[version]
    Object.assign(this, { version, random, Y, doc: new Y.Doc(), online: true, greetings: 0, greetingsBefore: 0, changes: 0, sent: 0, late: 0, waiting: [] })
    this.doc.clientID = 1 + random.below(2 ** 31)
    this.provider = new WebsocketProvider(`${url}/ws`, room, this.doc, { WebSocketPolyfill: WebSocket, disableBc: true, maxBackoffTime: 200 })
    // The provider has functions that handle messages by their type: 0 is that of the sync protocol. In it, 0 is a SyncStep1, which the
    // client answers, also with what is pending, and 1 a SyncStep2.
    const [handle] = this.provider.messageHandlers
    this.provider.messageHandlers[0] = (encoder, decoder, ...rest) => {
      const answer = decoder.arr[decoder.pos] === 1
      if (decoder.arr[decoder.pos] === 0) this.sent++
      this.repeated = answer && this.provider.synced
      if (answer && !this.repeated) this.greetings++
      handle(encoder, decoder, ...rest)
      this.repeated = false
      if (answer) this.waiting.splice(0).forEach(resolve => resolve())
    }
    this.doc.on('update', (update, origin) => {
      this.changes++
      if (origin !== this.provider) this.sent++
      if (this.repeated && version === 14) this.late++
    })
  }

  edit (doc = this.doc) { edit(this.version, doc, this.random) }

  // Waits until the room has handled what this client has sent, and this client what the room had sent by then. So the answer has
  // nothing that is new to the client.
  async answered () {
    const answer = new Promise(resolve => this.waiting.push(resolve))
    const message = encoding.createEncoder()
    for (const type of [0, 0]) encoding.writeVarUint(message, type) // SyncStep1
    encoding.writeVarUint8Array(message, this.Y.encodeStateVector(this.doc))
    this.provider.ws.send(encoding.toUint8Array(message))
    await answer
  }

  async synced () { await until(`client ${this.doc.clientID} is synced`, () => this.provider.synced) }

  // Leaves, and waits until the server has read what this client has sent before.
  async leave () {
    this.online = false
    const closed = new Promise(resolve => this.provider.ws.addEventListener('close', resolve))
    this.provider.disconnect()
    await closed
  }

  async comeBack () {
    this.online = true
    this.provider.connect()
    await this.synced()
  }

  destroy () {
    this.provider.destroy()
    this.provider.awareness.destroy()
    this.doc.destroy()
  }
}

export class MixedRoom {
  constructor (url, seed) {
    const random = this.random = new Random(seed + 0x3117ed)
    this.name = `mixed-${seed}`
    this.failures = []
    this.suggestions = []
    this.clients = [14, 13, 14, 13, random.pick([13, 14])].slice(0, random.between(3, 5)).map(version => new Client(version, url, this.name, random))
  }

  of (version) { return this.clients.filter(client => client.version === version) }

  // Everybody works.
  async work () {
    for (const client of this.clients) if (this.random.chance(0.5)) client.edit()
    await this.connected()
    for (let n = this.random.between(20, 40); n > 0; n--) {
      await this.step()
      if (this.random.chance(0.4)) await this.settle()
    }
    for (const client of this.clients) client.greetingsBefore = client.greetings
  }

  async step () {
    const { random } = this
    const client = random.pick(this.clients)
    const choice = random.next()
    if (choice < 0.1) return client.online ? client.leave() : client.comeBack()
    if (choice < 0.3 || client.version === 13) return client.edit()
    const own = this.suggestions.filter(suggestion => suggestion.client === client && suggestion.open)
    if (own.length === 0) return this.suggestions.push(new Suggestion(client))
    const suggestion = random.pick(own)
    if (choice < 0.6) suggestion.edit()
    else if (choice < 0.68) suggestion.buildOn(random.pick(this.suggestions))
    else if (choice < 0.93) suggestion.accept()
    else suggestion.reject()
  }

  // Waits until those who are online have been greeted since the last work: a client connects to the next server by itself.
  async connected () {
    const online = this.clients.filter(({ online }) => online)
    await until(`the clients of ${this.name} are connected`, () => online.every(({ greetings, greetingsBefore, provider }) => greetings > greetingsBefore && provider.synced))
  }

  // Waits until the room and its clients have nothing more to say. If no client has sent anything meanwhile, none of yjs 14 may get
  // something in an answer of the room that was not broadcast to it. (What a room takes in one turn with a question is in the answer.)
  async settle () {
    for (let round = 0; round < 30; round++) {
      const before = this.count('changes')
      const sent = this.count('sent')
      await this.answered()
      const late = this.count('late')
      await this.answered()
      if (this.count('sent') === sent && this.count('late') > late) this.failures.push('a client got something late')
      if (this.count('changes') === before) return
    }
    throw new Error(`the clients of ${this.name} go on to change its document`)
  }

  async answered () {
    await Promise.all(this.clients.filter(({ online }) => online).map(client => client.answered()))
  }

  count (what) { return this.clients.reduce((sum, client) => sum + client[what], 0) }

  // Everybody is there, and has said and heard everything.
  async meet () {
    await Promise.all(this.clients.map(async client => {
      if (client.online) await client.leave()
      await client.comeBack()
    }))
    await this.settle()
  }

  // The holes are filled with what was suggested.
  async fill () {
    for (const suggestion of this.suggestions) suggestion.acceptAll()
    await this.meet()
  }

  // Compares the documents of the clients with that of the room, which is given as an update, its state vector and its root as text.
  check ({ update, vector, text }, filled) {
    const equal = (what, got, wanted) => { if (got !== wanted) this.failures.push(`${what}: ${got}\n      expected ${wanted}`) }
    const what = filled ? 'once the holes are filled, ' : ''
    const doc = load(14, [update])
    const shown = showAny(doc)
    for (const { doc } of this.of(14)) {
      equal(`${what}client ${doc.clientID} of yjs 14 shows`, showAny(doc), shown)
      equal(`${what}client ${doc.clientID} of yjs 14 has the state vector`, known(Y14.encodeStateVector(doc)), known(vector))
    }
    const shown13 = showAny(settled(load(13, [update])))
    for (const { doc } of this.of(13)) equal(`${what}client ${doc.clientID} of yjs 13 shows`, showAny(settled(doc)), shown13)
    equal(`${what}the room's text`, text, textOf(doc))
    if (filled) {
      equal('once the holes are filled, yjs 13 shows', shown13, shown)
      equal('once the holes are filled, pending are', this.clients.filter(({ doc }) => doc.store.pendingStructs || doc.store.pendingDs).map(({ version }) => version).join(), '')
    }
    return shown13 !== shown
  }

  end () {
    for (const client of this.clients) client.destroy()
  }
}

// Describes a state vector. That of yjs 14 has clients of whom the first elements are missing.
const known = vector => showStateVector(vector).split(' ').filter(entry => !entry.endsWith(':0')).join(' ')

function load (version, updates) {
  const { Y } = versions[version]
  const doc = new Y.Doc()
  for (const update of updates) Y.applyUpdate(doc, update)
  return doc
}

// In some orders, yjs leaves blocks pending that it integrates when it loads them again.
const settled = doc => load(13, [Y13.encodeStateAsUpdate(doc)])
