import { follow, bytes, lastChange, say } from '../../shared/follow.js'

const prefix = document.getElementById('prefix')
const body = document.getElementById('rooms')
const first = document.getElementById('first')
const next = document.getElementById('next')
const none = document.getElementById('none')
let after = ''
let rows = new Map() // by the room's name

const ask = follow(() => '/rooms.json?' + new URLSearchParams({ prefix: prefix.value, after }), show)

function show (answer) {
  const old = rows
  rows = new Map()
  answer.rooms.forEach((room, i) => {
    const row = old.get(room.name) ?? newRow(room.name)
    rows.set(room.name, row)
    fill(row, room)
    // A row that is in its place is not moved, so that it keeps the focus.
    if (body.children[i] !== row) body.insertBefore(row, body.children[i] ?? null)
  })
  for (const [name, row] of old) if (!rows.has(name)) row.remove()
  const count = answer.open === 1 ? '1 room is in memory' : `${answer.open.toLocaleString('en')} rooms are in memory`
  say(document.getElementById('count'), `${count}, listed by ${answer.consumer}`)
  // In a server of one process, the name would be the same in each row.
  body.parentElement.classList.toggle('alone', answer.rooms.every(({ worker = answer.consumer }) => worker === answer.consumer))
  body.parentElement.hidden = rows.size === 0
  none.hidden = rows.size > 0
  say(none, after !== '' ? 'No more rooms.' : prefix.value !== '' ? 'No room has a name that begins like this.' : 'No rooms yet. A room is created when the first client connects to it.')
  first.hidden = after === ''
  next.hidden = !answer.next
  next.dataset.after = answer.next ?? ''
}

function newRow (name) {
  const row = document.createElement('tr')
  const head = document.createElement('th')
  head.scope = 'row'
  const link = document.createElement('a')
  link.href = '/rooms/' + encodeURIComponent(name)
  link.textContent = name
  head.append(link)
  row.append(head)
  for (const kind of ['state', 'number', 'number', 'number', '', 'worker']) {
    const cell = document.createElement('td')
    cell.className = kind
    row.append(cell)
  }
  return row
}

function fill (row, room) {
  const [, state, people, connections, size, changed, worker] = row.children
  const inMemory = room.state === 'open'
  state.dataset.state = room.state
  state.title = room.reason ?? ''
  say(state, room.state)
  say(people, inMemory ? room.people.toLocaleString('en') : '')
  say(connections, inMemory ? room.connections.toLocaleString('en') : '')
  people.dataset.unit = room.people === 1 ? 'person' : 'people' // shown on a phone, where the column has no head
  connections.dataset.unit = room.connections === 1 ? 'connection' : 'connections'
  say(size, inMemory || room.state === 'stored' ? bytes(room.bytes) : '')
  say(changed, inMemory || room.stored ? lastChange(room) : '')
  changed.title = room.changed ?? room.stored ?? ''
  say(worker, room.worker ?? '')
}

prefix.addEventListener('input', () => {
  after = ''
  ask()
})
first.addEventListener('click', () => {
  after = ''
  ask()
})
next.addEventListener('click', () => {
  after = next.dataset.after
  ask()
})
