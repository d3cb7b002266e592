import { colourOf, paint } from './colours.js'
import { nameOf } from './people.js'

const lasting = 3000 // ms for which the name is shown after an edit or a move
const reach = 8 // pixels around a caret within which the pointer shows the name

const active = new Map() // users that wrote or moved just now: timeouts by mark

// caret returns an element for a user's cursor with a name on it, to be put between characters.
export function caret (user) {
  const name = document.createElement('span')
  name.className = 'caret-name'
  name.textContent = nameOf(user)
  const element = paint(document.createElement('span'), user)
  element.className = 'caret'
  element.dataset.mark = markOf(user)
  element.classList.toggle('active', active.has(element.dataset.mark))
  element.ariaHidden = 'true' // screen readers read the list of people, and this is not part of the text
  // Word joiners, so that no line break is at a cursor.
  element.append('\u2060', name, '\u2060')
  return element
}

// selectionStyle returns the style for an element of the class "selection".
export function selectionStyle (user) {
  return `--person: ${colourOf(user)}`
}

// showNames makes the carets of users that write or move their cursor "active" for a
// while, and those at the pointer "near". The name is on top of other text, so it must
// not stay.
export function showNames (doc, awareness) {
  const show = id => {
    const user = awareness.getStates().get(id)?.user
    if (!user || id === awareness.clientID) return
    const mark = markOf(user)
    clearTimeout(active.get(mark))
    active.set(mark, setTimeout(() => {
      active.delete(mark)
      draw(mark)
    }, lasting))
    draw(mark)
  }
  awareness.on('change', ({ added, updated }) => [...added, ...updated].forEach(show))
  // The position of a cursor at the end of a paragraph is the same before and after typing.
  doc.on('afterTransaction', ({ beforeState, afterState }) => {
    for (const [id, clock] of afterState) if (clock > (beforeState.get(id) ?? 0)) show(id)
  })
  document.addEventListener('pointermove', ({ clientX: x, clientY: y }) => {
    for (const element of document.querySelectorAll('.caret')) {
      const { left, right, top, bottom } = element.getBoundingClientRect()
      element.classList.toggle('near', x > left - reach && x < right + reach && y > top - reach && y < bottom + reach)
    }
  })
}

function draw (mark) {
  for (const element of document.querySelectorAll('.caret')) {
    if (element.dataset.mark === mark) element.classList.toggle('active', active.has(mark))
  }
}

// markOf returns what the carets of a user have in common. Not every editor says to which
// client a caret belongs.
const markOf = user => `${colourOf(user)} ${nameOf(user)}`
