import { colourOf, paint } from './colours.js'
import { nameOf } from './people.js'

// caret is somebody's cursor with a name on it, to stand between characters.
export function caret (user) {
  const name = document.createElement('span')
  name.className = 'caret-name'
  name.textContent = nameOf(user)
  const element = paint(document.createElement('span'), user)
  element.className = 'caret'
  element.ariaHidden = 'true' // the people are read out elsewhere, and this is no text
  // Word joiners: a line must not break at a cursor.
  element.append('\u2060', name, '\u2060')
  return element
}

// selectionStyle goes with the class "selection".
export function selectionStyle (user) {
  return `--person: ${colourOf(user)}`
}
