// Scenarios of yroom alone: providers of Hocuspocus and clients of y-websocket in one room.

import { WebSocket } from 'ws'
import { WebsocketProvider } from 'y-websocket-3'
import * as Y from 'yjs'
import { hold, until } from './stage.mjs'

globalThis.WebSocket ??= WebSocket // provider 2 takes no other for a socket of its own

// A person with y-websocket, which shows itself as the people of a stage do.
class Plain {
  constructor (stage, name, id, token = 'writer') {
    Object.assign(this, { stage, name })
    this.doc = new Y.Doc()
    this.doc.clientID = id
    this.provider = new WebsocketProvider(stage.server.plain, stage.room, this.doc, {
      WebSocketPolyfill: WebSocket, disableBc: true, params: { token }
    })
    stage.open.push(this.provider)
  }

  get text () { return this.doc.getText('text') }

  get shown () { return this.text.toString() }

  clocks () { return JSON.stringify([...Y.decodeStateVector(Y.encodeStateVector(this.doc))].sort(([a], [b]) => a - b)) }

  type (text) { this.text.insert(this.text.length, text) }

  present (value) { this.provider.awareness.setLocalStateField('at', value) }

  async synced () { await until(`${this.name} is synced`, () => this.provider.synced, 20) }

  async sees (other, at) {
    await until(`${this.name} sees ${other.name} at ${at}`, () => this.provider.awareness.getStates().get(other.doc.clientID)?.at === at, 20)
  }
}

export const mixed = {
  'two dialects in a room': async stage => {
    const [ann] = await stage.synced('ann')
    const wendy = new Plain(stage, 'wendy', 7)
    await wendy.synced()
    for (let i = 0; i < 5; i++) {
      ann.type('a')
      wendy.type('w')
      await stage.converge(ann, wendy)
      ann.present(i)
      wendy.present(i)
      await ann.sees(wendy, i)
      await wendy.sees(ann, i)
    }
    hold('all is there', [...ann.shown].sort().join('') === 'aaaaawwwww')
    await ann.settled()
    ann.provider.sendStateless('all:to providers')
    await until('ann hears', () => ann.heard.length === 1)
    wendy.type('.')
    await stage.converge(ann, wendy)
    wendy.provider.disconnect()
    await ann.sees(wendy, undefined)
    wendy.type('away')
    ann.type('here')
    await ann.settled()
    wendy.provider.connect()
    await stage.converge(ann, wendy)
    wendy.present('back')
    await ann.sees(wendy, 'back')
    ann.destroy()
    await wendy.sees(ann, undefined)
    hold('no one was thrown out', wendy.provider.wsconnected)
  },

  // Most apps give the provider an address, and no socket.
  'a provider with a socket of its own': async stage => {
    const [bob] = await stage.synced('bob')
    const doc = new Y.Doc()
    const provider = new stage.kit.module.HocuspocusProvider({
      url: stage.server.url + '/', name: stage.room, document: doc, token: 'writer', parameters: { from: 'a test' }, WebSocketPolyfill: WebSocket
    })
    await until('it is synced', () => provider.synced && !provider.hasUnsyncedChanges, 20)
    doc.getText('text').insert(0, 'mine')
    await until('bob has it', () => bob.shown === 'mine')
    await until('it is stored', () => !provider.hasUnsyncedChanges)
    provider.awareness.setLocalStateField('at', 1)
    await bob.sees({ name: 'ann', doc }, 1)
    provider.destroy()
    await bob.sees({ name: 'ann', doc }, undefined)
  },

  'readers of two dialects': async stage => {
    const [ann] = await stage.synced('ann')
    const reader = new Plain(stage, 'reader', 7, 'reader')
    const bob = stage.client('bob', { token: 'reader' })
    const wendy = new Plain(stage, 'wendy', 8)
    for (const client of [reader, bob, wendy]) await client.synced()
    ann.type('a')
    await until('wendy has it', () => wendy.shown === 'a')
    wendy.type('w')
    await stage.converge(ann, bob, reader, wendy)
    reader.type('x')
    bob.type('y')
    ann.type('!')
    await until('others have it', () => wendy.shown === 'aw!')
    await ann.settled()
    hold('readers write nothing', (await stage.stored()).getText('text').toString() === 'aw!')
  }
}
