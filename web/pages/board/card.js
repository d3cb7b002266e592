import { paint } from '../../shared/colours.js'
import { nameOf } from '../../shared/people.js'
import { difference } from './difference.js'
import { make } from './make.js'

// cardView returns the element of a card, and functions on it. draw() shows the state of
// the board.
export function cardView (board, id, readonly) {
  const element = make('li', { className: 'card' })
  element.dataset.id = id
  const handle = make('button', { type: 'button', className: 'handle', ariaHasPopup: 'dialog' })
  const text = make('textarea', { rows: 1, readOnly: readonly, maxLength: 1000, ariaLabel: 'Card' })
  const people = make('span', { className: 'here' })
  const remove = make('button', { type: 'button', className: 'delete', textContent: '×' })
  if (readonly) element.append(text, people)
  else element.append(handle, text, remove, people)

  let shown = '' // the text when the field and the board were last the same
  let composing = false // an input method is composing: the field's text isn't final
  let fitted = '' // the text and the width for which the field has its height
  const push = () => {
    const { from, count, insert } = difference(shown, text.value)
    shown = text.value
    board.edit(id, from, count, insert)
  }
  text.addEventListener('input', () => composing || push())
  text.addEventListener('compositionstart', () => { composing = true })
  text.addEventListener('compositionend', () => {
    composing = false
    push()
  })

  const pull = () => {
    const now = board.text(id).toString()
    if (composing || now === text.value) return
    const { from, count, insert } = difference(text.value, now)
    const along = at => at <= from ? at : Math.max(from, at + insert.length - count)
    const [start, end] = [along(text.selectionStart), along(text.selectionEnd)]
    text.value = shown = now
    if (document.activeElement === text) text.setSelectionRange(start, end)
  }

  const fit = () => {
    const now = `${text.clientWidth} ${text.value}`
    if (now === fitted) return
    fitted = now
    text.style.height = 'auto'
    text.style.height = text.scrollHeight + 'px'
  }

  const draw = () => {
    pull()
    shown = composing ? shown : text.value
    handle.ariaLabel = `Move: ${title()}`
    remove.ariaLabel = remove.title = `Delete: ${title()}`
    fit()
  }
  const title = () => text.value.trim() || 'empty card'

  // visit shows the users that are at the card.
  const visit = users => {
    people.replaceChildren(...users.map(user => paint(make('span', { textContent: nameOf(user) }), user)))
    element.classList.toggle('visited', users.length > 0)
    if (users.length > 0) paint(element, users[0])
  }
  return { element, handle, text, remove, title, draw, fit, visit }
}
