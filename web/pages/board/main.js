import { arrange } from '../../shared/arrange.js'
import { enter } from '../../shared/room.js'
import { websocket } from '../../shared/websocket.js'
import { Board } from './board.js'
import { cardView } from './card.js'
import { columnView } from './column.js'
import { drag } from './drag.js'
import { askPlace } from './move.js'

const { doc, awareness, readonly, connect } = enter(websocket, Board.asJSON)
const board = new Board(doc)
const columnViews = new Map() // by id
const cardViews = new Map() // by id
const element = id => document.getElementById(id)
const tell = text => { element('told').textContent = text }

function draw () {
  const { columns } = board
  const cards = columns.flatMap(column => column.cards)
  const focused = document.activeElement
  drop(columnViews, columns)
  drop(cardViews, cards)
  arrange(element('columns'), columns.map(({ id }) => view(columnViews, id, beginColumn).element))
  for (const column of columns) {
    const shown = columnViews.get(column.id)
    shown.draw(column, columns.length === 1)
    arrange(shown.cards, column.cards.map(({ id }) => view(cardViews, id, beginCard).element))
    for (const { id } of column.cards) cardViews.get(id).draw()
  }
  if (focused?.isConnected && focused !== document.activeElement) focused.focus({ preventScroll: true }) // moving an element takes its focus

  element('count').textContent = cards.length === 1 ? '1 card' : `${cards.length} cards`
  element('undo').disabled = board.history.undoStack.length === 0
  element('redo').disabled = board.history.redoStack.length === 0
  visit()
}

// drop removes the elements of what is no longer on the board.
function drop (views, present) {
  const ids = new Set(present.map(({ id }) => id))
  for (const [id, { element }] of views) {
    if (ids.has(id)) continue
    element.remove()
    views.delete(id)
  }
}

function view (views, id, begin) {
  if (!views.has(id)) views.set(id, begin(id))
  return views.get(id)
}

function beginColumn (id) {
  const made = columnView(id, readonly)
  if (readonly) return made
  made.title.addEventListener('change', () => {
    const title = made.title.value.trim()
    if (title !== '') board.nameColumn(id, title)
  })
  made.title.addEventListener('blur', () => { // another user may have named it meanwhile
    made.title.value = board.columns.find(column => column.id === id)?.title ?? ''
  })
  made.form.addEventListener('submit', event => {
    event.preventDefault()
    const text = made.field.value.trim()
    if (text === '') return
    board.add(text, id, Infinity)
    made.field.value = ''
    tell('Added')
  })
  made.remove.addEventListener('click', () => {
    const { columns } = board
    const at = columns.findIndex(column => column.id === id)
    if (columns.length === 1) return
    board.deleteColumn(id)
    const rest = board.columns
    tell(columns[at].cards.length > 0 ? `Deleted. Its cards are in ${rest[0].title}.` : 'Deleted')
    columnViews.get(rest[Math.min(at, rest.length - 1)].id).title.focus()
  })
  return made
}

function beginCard (id) {
  const made = cardView(board, id, readonly)
  made.element.addEventListener('focusin', () => awareness.setLocalStateField('card', id))
  if (readonly) return made

  const move = (column, index) => {
    const at = board.find(id)
    const target = board.columns.find(other => other.id === column)
    if (!at || !target || (at.column.id === column && at.index === index)) return
    board.move(id, column, index)
    const now = board.find(id)
    tell(`Moved to ${now.column.title}, ${now.index + 1} of ${now.column.cards.length}`)
  }
  // step moves the card by an arrow key: up and down in its column, left and right to the next.
  const step = event => {
    const { column, index } = board.find(id)
    const { columns } = board
    const along = columns.findIndex(other => other.id === column.id)
    const to = {
      ArrowUp: [column, index - 1],
      ArrowDown: [column, index + 1],
      ArrowLeft: [columns[along - 1], index],
      ArrowRight: [columns[along + 1], index]
    }[event.key]
    if (!to) return
    event.preventDefault()
    const [target, at] = to
    if (!target || at < 0 || (target.id === column.id && at >= column.cards.length)) return
    move(target.id, Math.min(at, target.cards.length))
  }
  made.handle.addEventListener('keydown', step)
  drag(made.handle, made.element, document.querySelector('main'), () => [...columnViews.values()].map(({ cards }) => cards), {
    drop: (list, index) => move(list.parentElement.dataset.id, index),
    press: () => askPlace(made.title(), board.columns, board.find(id), move)
  })

  const remove = () => {
    const { column, index } = board.find(id)
    board.delete(id)
    tell('Deleted')
    const next = column.cards[index + 1] ?? column.cards[index - 1]
    if (next) cardViews.get(next.id).text.focus()
    else columnViews.get(column.id).field.focus()
  }
  made.remove.addEventListener('click', remove)
  made.text.addEventListener('keydown', event => {
    if (event.isComposing) return
    if (event.altKey && /^Arrow(Up|Down)$/.test(event.key)) return step(event)
    if (event.key === 'Enter') {
      event.preventDefault()
      const { column, index } = board.find(id)
      cardViews.get(board.add('', column.id, index + 1)).text.focus()
    }
    if (event.key === 'Backspace' && made.text.value === '') {
      event.preventDefault()
      remove()
    }
  })
  return made
}

// visit shows which other users are at which card.
function visit () {
  const others = [...awareness.getStates()].filter(([id]) => id !== awareness.clientID).map(([, state]) => state)
  for (const [id, { visit }] of cardViews) {
    visit(others.filter(({ card, user }) => card === id && user).map(({ user }) => user))
  }
}

board.observe(draw)
awareness.on('change', visit)
addEventListener('resize', () => {
  for (const { fit } of cardViews.values()) fit()
})
element('columns').addEventListener('focusout', event => {
  if (!element('columns').contains(event.relatedTarget)) awareness.setLocalStateField('card', null)
})

if (readonly) {
  for (const id of ['add-column', 'how']) element(id).remove()
  document.querySelector('.history').hidden = true
} else {
  element('add-column').addEventListener('submit', event => {
    event.preventDefault()
    const input = element('new-column')
    const title = input.value.trim()
    if (title === '') return
    columnViews.get(board.addColumn(title)).field.focus()
    input.value = ''
    tell('Added')
  })
  const undo = () => board.history.undo() && tell('Undone')
  const redo = () => board.history.redo() && tell('Redone')
  element('undo').addEventListener('click', undo)
  element('redo').addEventListener('click', redo)
  for (const change of ['stack-item-added', 'stack-item-popped', 'stack-cleared']) board.history.on(change, draw)
  // In fields of one line, the browser's own undo is left as it is.
  addEventListener('keydown', event => {
    if (!(event.ctrlKey || event.metaKey) || event.target.closest?.('input, dialog')) return
    const key = event.key.toLowerCase()
    const act = key === 'z' && !event.shiftKey ? undo : key === 'y' || key === 'z' ? redo : undefined
    if (!act) return
    event.preventDefault()
    act()
  })
}

draw()
connect()
