import { paint } from '../../shared/colours.js'
import { nameOf } from '../../shared/people.js'
import { difference } from './difference.js'

// row returns the element of an item, and functions on it. draw() shows the state of the list.
export function row (list, id, readonly) {
  const element = document.createElement('li')
  element.dataset.id = id
  const handle = make('button', { type: 'button', className: 'handle' })
  const tick = make('input', { type: 'checkbox', disabled: readonly })
  const text = make('textarea', { rows: 1, readOnly: readonly, maxLength: 1000, ariaLabel: 'Item' })
  const people = make('span', { className: 'here' })
  const remove = make('button', { type: 'button', className: 'delete', textContent: 'Delete' })
  if (readonly) element.append(tick, text, people)
  else element.append(handle, tick, text, people, remove)

  tick.addEventListener('change', () => list.tick(id, tick.checked))

  let shown = '' // the text when the field and the list were last the same
  let composing = false // an input method is composing: the field's text isn't final
  const push = () => {
    const { from, count, insert } = difference(shown, text.value)
    shown = text.value
    list.edit(id, from, count, insert)
  }
  text.addEventListener('input', () => composing || push())
  text.addEventListener('compositionstart', () => { composing = true })
  text.addEventListener('compositionend', () => {
    composing = false
    push()
  })

  const pull = () => {
    const now = list.text(id).toString()
    if (composing || now === text.value) return
    const { from, count, insert } = difference(text.value, now)
    const along = at => at <= from ? at : Math.max(from, at + insert.length - count)
    const [start, end] = [along(text.selectionStart), along(text.selectionEnd)]
    text.value = shown = now
    if (document.activeElement === text) text.setSelectionRange(start, end)
  }

  const draw = () => {
    pull()
    shown = composing ? shown : text.value
    const title = text.value.trim() || 'empty item'
    tick.checked = list.done(id)
    tick.ariaLabel = `Done: ${title}`
    handle.ariaLabel = `Move: ${title}`
    remove.ariaLabel = `Delete: ${title}`
    element.classList.toggle('done', list.done(id))
    text.style.height = 'auto'
    text.style.height = text.scrollHeight + 'px'
  }

  // visit shows the users that are at the item.
  const visit = users => {
    people.replaceChildren(...users.map(user => paint(make('span', { textContent: nameOf(user) }), user)))
    element.classList.toggle('visited', users.length > 0)
    if (users.length > 0) paint(element, users[0])
  }
  return { element, handle, text, remove, draw, visit }
}

const make = (name, properties) => Object.assign(document.createElement(name), properties)
