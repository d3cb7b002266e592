import * as Y from 'yjs'

// List is a to-do list in a document: a Y.Map of the items by id, each a Y.Map
// of its text (a Y.Text) and whether it is done, and a Y.Array of the ids in
// order. So one user can move an item while another edits it.
export class List {
  #doc
  #items
  #order

  constructor (doc) {
    this.#doc = doc
    this.#items = doc.getMap('board')
    this.#order = doc.getArray('board-order')
    // Only changes that were made through this list can be undone.
    this.history = new Y.UndoManager([this.#items, this.#order], { trackedOrigins: new Set([this]) })
  }

  observe (listener) {
    this.#doc.on('afterTransaction', ({ changed }) => changed.size > 0 && listener())
  }

  // ids are the ids of the items in order. If two users move an item at the same
  // time, the array has its id twice; an undo may restore an item whose id it lacks.
  get ids () {
    const placed = new Set(this.#order.toArray().filter(id => this.#has(id)))
    return [...placed, ...[...this.#items.keys()].filter(id => !placed.has(id) && this.#has(id)).sort()]
  }

  // #has reports whether id is an item: a program may have stored something else there.
  #has (id) {
    const item = this.#items.get(id)
    return item instanceof Y.Map && item.get('text') instanceof Y.Text
  }

  text (id) {
    return this.#items.get(id).get('text')
  }

  done (id) {
    return this.#items.get(id).get('done') === true
  }

  // add inserts an item at index and returns its id.
  add (text, index) {
    const id = crypto.getRandomValues(new Uint32Array(2)).join('-')
    this.#step(() => {
      const item = new Y.Map()
      item.set('text', new Y.Text(text))
      item.set('done', false)
      this.#items.set(id, item)
      this.#place(id, index)
    })
    return id
  }

  tick (id, done) {
    this.#step(() => this.#items.get(id).set('done', done))
  }

  move (id, index) {
    this.#step(() => {
      this.#take(id)
      this.#place(id, index)
    })
  }

  delete (id) {
    this.#step(() => {
      this.#take(id)
      this.#items.delete(id)
    })
  }

  // edit replaces count characters of an item's text.
  edit (id, index, count, insert) {
    this.#doc.transact(() => {
      this.text(id).delete(index, count)
      this.text(id).insert(index, insert)
    }, this)
  }

  // asJSON returns the list in a document as JSON, or an empty string if there is none.
  static asJSON (doc) {
    const value = { 'board-order': doc.getArray('board-order').toJSON(), board: doc.getMap('board').toJSON() }
    return value['board-order'].length === 0 && Object.keys(value.board).length === 0 ? '' : JSON.stringify(value, null, 2)
  }

  // #step makes a change that is undone apart from what was typed just before or after.
  #step (change) {
    this.history.stopCapturing()
    this.#doc.transact(change, this)
    this.history.stopCapturing()
  }

  #take (id) {
    const at = this.#order.toArray()
    for (let i = at.length - 1; i >= 0; i--) {
      if (at[i] === id) this.#order.delete(i)
    }
  }

  // #place inserts id at an index of ids. The array may have more entries than ids.
  #place (id, index) {
    const before = this.ids.filter(other => other !== id)[index]
    const at = before === undefined ? -1 : this.#order.toArray().indexOf(before)
    this.#order.insert(at < 0 ? this.#order.length : at, [id])
  }
}
