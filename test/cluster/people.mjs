// Stock clients of several kinds in the rooms of a cluster: node people.mjs SEED. It reads commands from stdin, a JSON
// object in each line, and answers each with a line of JSON:
//
//   {"do": "join", "rooms": […], "addresses": […], "each": N}   N clients join each room, one of them to read only
//   {"do": "type", "on": true}       they begin to type and to move their cursors, or stop
//   {"do": "replace", "room": …, "all": true}   one client of a room leaves, or all of them at once; others come
//   {"do": "closed"}                 which sockets were closed since the last answer
//   {"do": "pending"}                why the clients of a room don't have the same document yet, or ""
//   {"do": "move"}                   everyone moves the cursor once
//   {"do": "absent"}                 why the clients of a room don't see each other's states yet, or ""
//   {"do": "lag"}                    how many milliseconds ago the oldest edit was made that a client lacks, and whose it is
//   {"do": "compare", "room": …, "stored": …}   what is wrong with the stored document of a room, in base64
//   {"do": "count"}                  how much was typed

import { createInterface } from 'node:readline'
import { kits } from '../clients/kits.mjs'
import { Room } from './room.mjs'

const stock = await Promise.all(Object.entries(kits).filter(([name]) => name.includes('websocket')).map(([, load]) => load()))

let seed = Number(process.argv[2])
// Returns a number from 0 on and below 1. This is mulberry32.
function random () {
  seed = (seed + 0x6D2B79F5) | 0
  let t = Math.imul(seed ^ (seed >>> 15), 1 | seed)
  t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t
  return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32
}

const rooms = new Map()
let closed = []
let typing = false

function live (room) {
  if (typing) room.live(random)
  setTimeout(live, 100 + random() * 400, room)
}

// The first reason that a room has, or "".
const first = reason => [...rooms.values()].map(reason).find(why => why) ?? ''

const commands = {
  join ({ rooms: names, addresses, each }) {
    for (const name of names) {
      const room = new Room(name, event => closed.push(event))
      rooms.set(name, room)
      for (let i = 0; i < each; i++) {
        const n = rooms.size + i
        room.join(stock[n % stock.length], addresses[n % addresses.length], i < each - 1)
      }
      live(room)
    }
  },

  type ({ on }) { typing = on },

  replace ({ room, all }) {
    const { clients } = rooms.get(room)
    rooms.get(room).replace(all ? [...clients] : [clients[Math.floor(random() * clients.length)]], random)
  },

  closed () {
    const events = closed
    closed = []
    return events
  },

  pending () { return first(room => room.pending()) },

  move () {
    for (const room of rooms.values()) for (const client of room.clients) client.move()
  },

  absent () { return first(room => room.absent()) },

  lag () { return [...rooms.values()].map(room => room.lag()).reduce((a, b) => a.age < b.age ? b : a) },

  compare ({ room, stored }) { return rooms.get(room).compare(Buffer.from(stored, 'base64')) },

  count () {
    const all = [...rooms.values()]
    const edits = all.flatMap(room => room.authors.flatMap(author => author.edits))
    return {
      clients: all.reduce((sum, room) => sum + room.authors.length, 0),
      edits: edits.length,
      deleted: edits.filter(edit => edit.deleted).length
    }
  }
}

for await (const line of createInterface(process.stdin)) {
  const command = JSON.parse(line)
  process.stdout.write(JSON.stringify(commands[command.do](command) ?? null) + '\n')
}
process.exit()
