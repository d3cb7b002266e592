import * as Y from 'yjs'
import { between, keyOf } from './key.js'

// The columns of a board in which none was added, named or deleted. They are not written
// into the document, because users that open a new room at the same time would each write
// them.
const initial = [
  ['todo', { title: 'To do', key: 'G' }],
  ['doing', { title: 'Doing', key: 'V' }],
  ['done', { title: 'Done', key: 'k' }]
]

// Board is a board in a document, which has two roots for it:
//  - `board`, a Y.Map of the cards by id, each a Y.Map of its `text` (a Y.Text) and its
//    `place`, the value { column, key }
//  - `board-columns`, a Y.Map of the columns by id, each a value { title, key }, or null
//    if the column was deleted
//
// Cards and columns are in the order of their keys. To move a card is to set its place,
// one value. So of two moves at the same time one takes effect, the card is neither lost
// nor in two places, and text that a third user types into it stays. A card whose column
// doesn't exist is in the first one: a column can be deleted while a card is moved there.
//
// In version 0.1.0 the board was a to-do list. Its cards have `done` and no place, and their
// order is in an array, `board-order`, which is only read.
export class Board {
  #doc
  #cards
  #columns
  #order

  constructor (doc) {
    this.#doc = doc
    this.#cards = doc.getMap('board')
    this.#columns = doc.getMap('board-columns')
    this.#order = doc.getArray('board-order')
    // Only changes that were made through this board can be undone.
    this.history = new Y.UndoManager([this.#cards, this.#columns], { trackedOrigins: new Set([this]) })
  }

  observe (listener) {
    this.#doc.on('afterTransaction', ({ changed }) => changed.size > 0 && listener())
  }

  // columns returns the columns in order, each { id, title, key, cards }. Its cards are in
  // order too, each { id, key }. There is always a column.
  get columns () {
    const found = [...new Map([...initial, ...this.#columns.entries()])].filter(([, column]) => isColumn(column))
    const columns = (found.length > 0 ? found : initial.slice(0, 1)).map(([id, { title, key }]) => ({ id, title, key, cards: [] })).sort(byKey)
    const byID = new Map(columns.map(column => [column.id, column]))
    const listed = new Map(this.#order.toArray().map((id, i) => [id, i]))
    for (const [id, card] of this.#cards) {
      if (!isCard(card)) continue
      const { column, key } = placeOf(card, listed.get(id))
      const { cards } = byID.get(column) ?? columns[0]
      cards.push({ id, key })
    }
    for (const { cards } of columns) cards.sort(byKey)
    return columns
  }

  // find returns where a card is, as { column, index }.
  find (id) {
    for (const column of this.columns) {
      const index = column.cards.findIndex(card => card.id === id)
      if (index >= 0) return { column, index }
    }
  }

  text (id) {
    return this.#cards.get(id).get('text')
  }

  // add inserts a card at an index of a column, or at its end if the index is greater, and
  // returns the card's id.
  add (text, column, index) {
    const id = newID()
    this.#step(() => {
      const card = new Y.Map()
      card.set('text', new Y.Text(text))
      card.set('place', this.#place(id, column, index))
      this.#cards.set(id, card)
    })
    return id
  }

  // move moves a card to a column, to an index among its other cards.
  move (id, column, index) {
    this.#step(() => this.#cards.get(id).set('place', this.#place(id, column, index)))
  }

  delete (id) {
    this.#step(() => this.#cards.delete(id))
  }

  // edit replaces count characters of a card's text.
  edit (id, index, count, insert) {
    this.#doc.transact(() => {
      this.text(id).delete(index, count)
      this.text(id).insert(index, insert)
    }, this)
  }

  // addColumn adds a column at the end and returns its id.
  addColumn (title) {
    const id = newID()
    this.#step(() => this.#columns.set(id, { title, key: between(this.columns.at(-1).key, '') }))
    return id
  }

  nameColumn (id, title) {
    const { key } = this.columns.find(column => column.id === id)
    this.#step(() => this.#columns.set(id, { title, key }))
  }

  // deleteColumn deletes a column. Its cards are in the first one from then on.
  deleteColumn (id) {
    this.#step(() => this.#columns.set(id, null))
  }

  // asJSON returns the board in a document as JSON, or an empty string if there is none.
  static asJSON (doc) {
    const value = {
      board: doc.getMap('board').toJSON(),
      'board-columns': doc.getMap('board-columns').toJSON(),
      'board-order': doc.getArray('board-order').toJSON()
    }
    for (const root of Object.keys(value)) if (Object.keys(value[root]).length === 0) delete value[root]
    return Object.keys(value).length === 0 ? '' : JSON.stringify(value, null, 2)
  }

  // #step makes a change that is undone apart from what was typed just before or after.
  #step (change) {
    this.history.stopCapturing()
    this.#doc.transact(change, this)
    this.history.stopCapturing()
  }

  // #place returns the place of a card at an index among the other cards of a column.
  #place (id, column, index) {
    const others = this.columns.find(other => other.id === column).cards.filter(card => card.id !== id)
    const at = Math.min(index, others.length)
    const low = others[at - 1]?.key ?? ''
    const high = others.slice(at).find(({ key }) => key > low)?.key ?? ''
    return { column, key: between(low, high) }
  }
}

// A program may have stored something else in the roots.
const isColumn = column => typeof column?.title === 'string' && typeof column.key === 'string'
const isCard = card => card instanceof Y.Map && card.get('text') instanceof Y.Text

// placeOf returns the place of a card. index is its index in the to-do list of version
// 0.1.0, or undefined.
function placeOf (card, index) {
  const place = card.get('place')
  if (typeof place?.column === 'string' && typeof place.key === 'string') return place
  return { column: card.get('done') === true ? 'done' : 'todo', key: keyOf(index ?? Infinity) }
}

const byKey = (a, b) => a.key < b.key ? -1 : a.key > b.key ? 1 : a.id < b.id ? -1 : 1

const newID = () => crypto.getRandomValues(new Uint32Array(2)).join('-')
