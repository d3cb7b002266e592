import { colourOf, paint } from './colours.js'
import { nameOf } from './people.js'

// caret returns an element for a user's cursor with a name on it, to be put between characters.
export function caret (user) {
  const name = document.createElement('span')
  name.className = 'caret-name'
  name.textContent = nameOf(user)
  const element = paint(document.createElement('span'), user)
  element.className = 'caret'
  element.ariaHidden = 'true' // screen readers read the list of people, and this is not part of the text
  // Word joiners, so that no line break is at a cursor.
  element.append('\u2060', name, '\u2060')
  return element
}

// selectionStyle returns the style for an element of the class "selection".
export function selectionStyle (user) {
  return `--person: ${colourOf(user)}`
}
