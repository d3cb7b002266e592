import { enter } from '../../shared/room.js'
import { websocket } from '../../shared/websocket.js'
import { drag } from './drag.js'
import { List } from './list.js'
import { row } from './row.js'

const { doc, awareness, readonly, connect } = enter(websocket, List.asJSON)
const list = new List(doc)
const rows = new Map() // by id
const element = id => document.getElementById(id)
const tell = text => { element('told').textContent = text }

function draw () {
  const { ids } = list
  const focused = document.activeElement
  for (const [id, { element }] of rows) {
    if (ids.includes(id)) continue
    element.remove()
    rows.delete(id)
  }
  const items = element('items')
  ids.forEach((id, at) => {
    if (!rows.has(id)) rows.set(id, begin(id))
    const { element, draw } = rows.get(id)
    if (items.children[at] !== element) items.insertBefore(element, items.children[at] ?? null)
    draw()
  })
  if (focused?.isConnected && focused !== document.activeElement) focused.focus({ preventScroll: true }) // moving an element takes its focus

  const done = ids.filter(id => list.done(id)).length
  element('count').textContent = ids.length === 0 ? 'Nothing to do yet.' : `${done} of ${ids.length} done`
  element('undo').disabled = list.history.undoStack.length === 0
  element('redo').disabled = list.history.redoStack.length === 0
  visit()
}

// begin returns the row for an item that has none yet.
function begin (id) {
  const made = row(list, id, readonly)
  made.element.addEventListener('focusin', () => awareness.setLocalStateField('item', id))
  if (readonly) return made

  const move = to => {
    const { ids } = list
    if (to < 0 || to >= ids.length || to === ids.indexOf(id)) return
    list.move(id, to)
    tell(`Moved to ${to + 1} of ${ids.length}`)
  }
  const step = event => {
    const by = { ArrowUp: -1, ArrowDown: 1 }[event.key]
    if (!by) return
    event.preventDefault()
    move(list.ids.indexOf(id) + by)
  }
  made.handle.addEventListener('keydown', step)
  drag(made.handle, made.element, move)

  const remove = () => {
    const at = list.ids.indexOf(id)
    list.delete(id)
    tell('Deleted')
    const next = list.ids[Math.min(at, list.ids.length - 1)]
    if (next) rows.get(next).text.focus()
    else element('new-item').focus()
  }
  made.remove.addEventListener('click', remove)
  made.text.addEventListener('keydown', event => {
    if (event.isComposing) return
    if (event.altKey) return step(event)
    if (event.key === 'Enter') {
      event.preventDefault()
      rows.get(list.add('', list.ids.indexOf(id) + 1)).text.focus()
    }
    if (event.key === 'Backspace' && made.text.value === '') {
      event.preventDefault()
      remove()
    }
  })
  return made
}

// visit shows which other users are at which item.
function visit () {
  const others = [...awareness.getStates()].filter(([id]) => id !== awareness.clientID).map(([, state]) => state)
  for (const [id, { visit }] of rows) {
    visit(others.filter(({ item, user }) => item === id && user).map(({ user }) => user))
  }
}

list.observe(draw)
awareness.on('change', visit)
addEventListener('resize', draw)
element('items').addEventListener('focusout', event => {
  if (!element('items').contains(event.relatedTarget)) awareness.setLocalStateField('item', null)
})

if (readonly) {
  for (const id of ['add', 'how']) element(id).remove()
  document.querySelector('.history').hidden = true
} else {
  element('add').addEventListener('submit', event => {
    event.preventDefault()
    const input = element('new-item')
    const text = input.value.trim()
    if (text === '') return
    list.add(text, list.ids.length)
    input.value = ''
    tell('Added')
  })
  const undo = () => list.history.undo() && tell('Undone')
  const redo = () => list.history.redo() && tell('Redone')
  element('undo').addEventListener('click', undo)
  element('redo').addEventListener('click', redo)
  for (const change of ['stack-item-added', 'stack-item-popped', 'stack-cleared']) list.history.on(change, draw)
  // In the fields for the name and a new item, the browser's own undo is left as it is.
  addEventListener('keydown', event => {
    if (!(event.ctrlKey || event.metaKey) || event.target.closest?.('input:not([type=checkbox]), dialog')) return
    const key = event.key.toLowerCase()
    const act = key === 'z' && !event.shiftKey ? undo : key === 'y' || key === 'z' ? redo : undefined
    if (!act) return
    event.preventDefault()
    act()
  })
}

draw()
connect()
