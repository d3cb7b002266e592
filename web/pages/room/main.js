import * as Y from 'yjs'
import { follow, bytes, lastChange, rate, say } from '../../shared/follow.js'
import { newDocument } from './document.js'
import { drawPeople, onControl } from './people.js'

const name = roomName()
const drawDocument = newDocument()
const people = document.getElementById('people')
let doc = new Y.Doc() // what the server sent
let at = ''

document.title = `${name} · yroom`
say(document.getElementById('room'), name)
for (const link of document.querySelectorAll('a[data-demo]')) {
  link.href = `/${link.dataset.demo}/${encodeURIComponent(name)}?readonly`
}
const ask = follow(() => '/room.json?' + new URLSearchParams({ room: name, since: at }), show)
onControl(name, told => {
  document.getElementById('told').textContent = told
  ask()
})

function roomName () {
  const path = location.pathname.slice('/rooms/'.length)
  try {
    return decodeURIComponent(path)
  } catch {
    return path
  }
}

const states = { stored: 'stored, not open', open: 'open', loading: 'being loaded', busy: 'open, and too busy to answer' }

function show (room) {
  const state = document.getElementById('state')
  state.dataset.state = room.state
  say(state, room.reason ?? (states[room.state] ?? room.state))
  say(document.getElementById('people-count'), String(room.people))
  say(document.getElementById('connection-count'), String(room.connections))
  say(document.getElementById('edits'), rate(room.edits_per_second))
  say(document.getElementById('size'), bytes(room.bytes) + (room.pending > 0 ? `, ${bytes(room.pending)} pending` : ''))
  const changed = document.getElementById('changed')
  say(changed, lastChange(room))
  changed.title = room.changed ?? room.stored ?? ''
  say(document.getElementById('worker'), room.worker ?? 'none')
  drawPeople(room.members)
  people.classList.toggle('fixed', !room.api)
  document.getElementById('no-control').hidden = room.api || room.members.length === 0
  if (room.document) {
    if (room.whole) {
      doc.destroy()
      doc = new Y.Doc()
    }
    Y.applyUpdate(doc, Uint8Array.from(atob(room.document), char => char.charCodeAt(0)))
    drawDocument(doc)
  }
  at = room.at ?? ''
}
