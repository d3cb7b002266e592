import * as Y from 'yjs'
import { follow, bytes, lastChange, say } from '../../shared/follow.js'
import { clipped } from './clipped.js'
import { parts } from './parts.js'
import { drawPeople } from './people.js'

const name = roomName()
const roots = document.getElementById('roots')
let doc = new Y.Doc() // what the server sent
let drawn = new Map() // by the name and kind of the root type
let at = ''

document.title = `${name} · yroom`
say(document.getElementById('room'), name)
for (const link of document.querySelectorAll('a[data-demo]')) {
  link.href = `/${link.dataset.demo}/${encodeURIComponent(name)}?readonly`
}
follow(() => '/room.json?' + new URLSearchParams({ room: name, since: at }), show)

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
  say(document.getElementById('size'), bytes(room.bytes))
  const changed = document.getElementById('changed')
  say(changed, lastChange(room))
  changed.title = room.changed ?? room.stored ?? ''
  say(document.getElementById('worker'), room.worker ?? 'none')
  drawPeople(room.members)
  if (room.document) {
    if (room.whole) {
      doc.destroy()
      doc = new Y.Doc()
    }
    Y.applyUpdate(doc, Uint8Array.from(atob(room.document), char => char.charCodeAt(0)))
    drawDocument()
  }
  at = room.at ?? ''
}

function drawDocument () {
  const old = drawn
  drawn = new Map()
  for (const [root, type] of [...doc.share].sort(([a], [b]) => a < b ? -1 : 1)) {
    for (const { kind, text } of parts(type)) {
      const id = JSON.stringify([root, kind])
      const part = old.get(id) ?? newPart(root, kind)
      drawn.set(id, part)
      part.set(text)
      if (roots.children[drawn.size - 1] !== part.element) roots.insertBefore(part.element, roots.children[drawn.size - 1] ?? null)
    }
  }
  for (const [id, part] of old) if (!drawn.has(id)) part.element.remove()
  document.getElementById('empty').hidden = drawn.size > 0
}

function newPart (root, kind) {
  const element = document.createElement('article')
  const heading = document.createElement('h3')
  const title = document.createElement('span')
  title.textContent = root === '' ? '(no name)' : root
  const label = document.createElement('small')
  label.textContent = kind
  heading.append(title, ' ', label)
  const content = clipped(`${kind} ${root}`)
  element.append(heading, content.element)
  return { element, set: content.set }
}
