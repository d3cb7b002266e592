// What scenarios run on: people with browsers of their own in rooms of one server.

import { on, once } from 'node:events'
import { mkdir } from 'node:fs/promises'
import { join } from 'node:path'
import { kits, WebSocket } from '../clients/kits.mjs'
import { Stage as Clients } from '../clients/stage.mjs'
import { Person } from './person.mjs'
import { Server } from './server.mjs'
import { hold, until } from './until.mjs'

// One scenario's stage.
export class Stage {
  // guests are the people of earlier scenarios, by name; new ones are added.
  constructor ({ program, robotProgram, server, browser, pictures }, guests, name) {
    Object.assign(this, { program, robotProgram, server, browser, pictures, guests, name })
    this.room = name.replaceAll(/\W+/g, '-')
    this.people = []
    this.servers = []
  }

  // A server for this scenario alone, so that it can be taken away.
  async own ({ api = false, login = false, settings } = {}) {
    this.server = this.keep(await Server.start(this.program, {
      token: api ? 'a-token-of-this-scenario' : '',
      settings,
      secret: login ? 'a-secret-of-this-scenario-of-32-bytes' : ''
    }))
    return this.server
  }

  // A server whose program writes into documents.
  async robot () {
    this.server = this.keep(await Server.start(this.robotProgram, { robot: true }))
    return this.server
  }

  // Ends the server with the scenario.
  keep (server) {
    this.servers.push(server)
    return server
  }

  // Returns a person with a browser of their own, and no page open.
  async person (name) {
    this.guests[name] ??= await Person.arrive(this.browser, name)
    this.guests[name].enter(this)
    this.people.push(this.guests[name])
    return this.guests[name]
  }

  // People in the room of this scenario, at a demo.
  async meet (demo, ...names) {
    return Promise.all(names.map(async name => {
      const person = await this.person(name)
      await person.open(demo)
      await person.introduce()
      return person
    }))
  }

  // Returns what a new client gets from a server: the lines of the demo.
  async held (demo, server = this.server) {
    const stage = new Clients(await kits['y-websocket 3'](), server.url.replace('http:', 'ws:'), this.room)
    const [client] = await stage.synced('a new client')
    const lines = demo.stored(client.doc)
    stage.end()
    return lines
  }

  // Waits until all show the same lines, the server too, and all is saved.
  async converge (...people) {
    const [{ demo }] = people
    let seen
    await until(() => `${people.map(p => p.name)} see the same: ${JSON.stringify(seen)}`, async () => {
      seen = await Promise.all(people.map(person => person.lines()))
      return seen.every(lines => JSON.stringify(lines) === JSON.stringify(seen[0]))
    })
    for (const person of people) await person.saved()
    const [lines, held] = [seen[0], await this.held(demo)]
    hold(`the server has what they see: ${JSON.stringify(lines)}, not ${JSON.stringify(held)}`, JSON.stringify(held) === JSON.stringify(lines))
    return lines
  }

  // Writes to a connection as no page would, and waits until the server has been through it. Hocuspocus has the
  // room's name in front of each message, and the message Auth with an empty token as the first.
  async trespass (url, demo, text) {
    const { Y } = await kits['y-websocket 3']()
    const doc = new Y.Doc()
    demo.scribble(Y, doc, text)
    const update = Y.encodeStateAsUpdate(doc)
    hold('the lengths fit a byte', update.length < 128 && this.room.length < 128)
    const hocuspocus = new URL(url).pathname === '/hocuspocus'
    const address = hocuspocus ? [this.room.length, ...Buffer.from(this.room)] : []
    const socket = new WebSocket(url)
    await once(socket, 'open')
    const send = (...message) => socket.send(new Uint8Array([...address, ...message]))
    if (hocuspocus) send(2, 0, 0)
    for (const kind of [1, 2]) send(0, kind, update.length, ...update) // SyncStep2 and Update
    send(0, 0, 1, 0) // SyncStep1: the answer is SyncStep2
    for await (const [message] of on(socket, 'message')) {
      if (message[address.length] === 0 && message[address.length + 1] === 1) break
    }
    socket.terminate()
  }

  async picture (person, what) {
    await mkdir(this.pictures, { recursive: true })
    await person.page.screenshot({ path: join(this.pictures, `${what}.png`), animations: 'disabled' })
  }

  // Takes pictures of what people saw when an expectation failed, and closes their browsers, whose state is unknown.
  async failed () {
    for (const person of this.people) {
      await this.picture(person, `failed, ${this.name}, ${person.name}`).catch(() => {})
      await person.end()
      delete this.guests[person.name]
    }
    this.people = []
  }

  // An error in the console of a page is a failure, whatever else holds.
  check () {
    for (const { name, complaints } of this.people) {
      hold(`${name}'s pages have no errors, which they have: ${complaints.join('\n')}`, complaints.length === 0)
    }
  }

  async end () {
    await Promise.all(this.people.map(person => person.leave()))
    await Promise.all(this.servers.map(server => server.end()))
  }
}
