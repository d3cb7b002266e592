import { bytes, lastChange, say } from '../../shared/follow.js'

// newRow returns the row of a room, without what changes.
export function newRow (name) {
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

export function fill (row, room) {
  const [, state, people, connections, size, changed, worker] = row.children
  const open = room.state === 'open'
  const stored = room.state === 'stored'
  state.dataset.state = room.state
  state.title = room.reason ?? ''
  say(state, open && isEmpty(room) ? 'open, nothing stored' : room.state)
  say(people, open ? room.people.toLocaleString('en') : '')
  say(connections, open ? room.connections.toLocaleString('en') : '')
  people.dataset.unit = room.people === 1 ? 'person' : 'people' // shown on a phone, where the column has no head
  connections.dataset.unit = room.connections === 1 ? 'connection' : 'connections'
  say(size, open || stored ? bytes(room.bytes) : '')
  say(changed, (open && !isEmpty(room)) || room.stored ? lastChange(room) : '')
  changed.title = room.changed ?? room.stored ?? ''
  say(worker, room.worker ?? '')
}

const isEmpty = room => room.bytes === 0 && !room.stored
