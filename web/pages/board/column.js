import { make } from './make.js'

const longest = 100 // characters of a title

// columnView returns the element of a column, and functions on it. draw(column, only)
// shows the state of a column; it can't be deleted if it is the only one.
export function columnView (id, readonly) {
  const element = make('section', { className: 'column' })
  element.dataset.id = id
  const head = make('div', { className: 'column-head' })
  const title = make('input', { className: 'title', readOnly: readonly, maxLength: longest, autocomplete: 'off', ariaLabel: 'Name of the column' })
  const number = make('span', { className: 'number' })
  const remove = make('button', { type: 'button', className: 'delete', textContent: '×' })
  const cards = make('ol', { className: 'cards' })
  const form = make('form', { className: 'add' })
  const field = make('input', { className: 'new-card', autocomplete: 'off', placeholder: 'Add a card', maxLength: 1000 })
  const button = make('button', { textContent: 'Add' })
  head.append(title, number)
  form.append(field, button)
  element.append(head, cards)
  if (!readonly) {
    head.append(remove)
    element.append(form)
  }
  title.addEventListener('keydown', event => {
    if (event.key === 'Enter' && !event.isComposing) title.blur()
  })

  const draw = (column, only) => {
    if (document.activeElement !== title) title.value = column.title
    element.ariaLabel = column.title
    cards.ariaLabel = `Cards in ${column.title}`
    number.textContent = column.cards.length
    field.ariaLabel = `New card in ${column.title}`
    button.ariaLabel = `Add to ${column.title}`
    remove.ariaLabel = remove.title = `Delete the column ${column.title}`
    remove.disabled = only
  }
  return { element, title, cards, form, field, remove, draw }
}
