import { bytes, lastChange, rate, say } from '../../shared/follow.js'

// newRow returns the row of a room, without what changes.
export function newRow (name) {
  const link = document.createElement('a')
  link.href = '/rooms/' + encodeURIComponent(name)
  link.textContent = name
  return row(link, ['state', 'number', 'number', 'number', 'number', 'number', '', 'worker'])
}

// row returns a row with a head, and empty cells of some classes.
export function row (head, classes) {
  const row = document.createElement('tr')
  const first = document.createElement('th')
  first.scope = 'row'
  first.append(head)
  row.append(first)
  for (const kind of classes) {
    const cell = document.createElement('td')
    cell.className = kind
    row.append(cell)
  }
  return row
}

// say a value in a cell, with its unit, which is shown on a phone, where the column has no head.
export function put (cell, value, unit) {
  say(cell, value)
  cell.dataset.unit = unit
}

export function fill (row, room) {
  const [, state, people, connections, edits, size, pending, changed, worker] = row.children
  const open = room.state === 'open'
  const stored = room.state === 'stored'
  state.dataset.state = room.state
  state.title = room.reason ?? ''
  say(state, open && isEmpty(room) ? 'open, nothing stored' : room.state)
  put(people, open ? room.people.toLocaleString('en') : '', room.people === 1 ? 'person' : 'people')
  put(connections, open ? room.connections.toLocaleString('en') : '', room.connections === 1 ? 'connection' : 'connections')
  put(edits, open ? rate(room.edits_per_second) : '', 'edits/s')
  say(size, open || stored ? bytes(room.bytes) : '')
  put(pending, open && room.pending > 0 ? bytes(room.pending) : '', 'pending')
  say(changed, (open && !isEmpty(room)) || room.stored ? lastChange(room) : '')
  changed.title = room.changed ?? room.stored ?? ''
  say(worker, room.worker ?? '')
}

const isEmpty = room => room.bytes === 0 && !room.stored
