import { colourOf, paint } from './colours.js'
import { nameOf } from './people.js'

const lasting = 3000 // ms for which the name is shown
const reach = 8 // pixels around a caret within which the pointer shows the name

const shown = new Map() // timeouts by client id, of the names that are shown

// withClients returns awareness for editors of rich text: each user in it has a name and a
// colour that can be shown, and the id of the client, because not every editor says to which
// client a caret belongs.
export function withClients (awareness) {
  const getStates = () => new Map([...awareness.getStates()].map(([client, state]) => [client, { ...state, user: userOf(client, state) }]))
  return Object.assign(Object.create(awareness), { getStates })
}

// userOf returns the user of an awareness state with the id of the client.
export function userOf (client, { user }) {
  return { client, name: nameOf(user), color: colourOf(user) }
}

// caret returns an element for a user's cursor with a name on it, to be put between
// characters.
export function caret (user) {
  const element = document.createElement('span')
  const name = document.createElement('span')
  element.className = 'caret'
  element.dataset.client = user.client
  element.classList.toggle('named', shown.has(user.client))
  element.ariaHidden = 'true' // screen readers read the list of people, and this is not part of the text
  name.className = 'caret-name'
  // Word joiners, so that no line break is at a cursor.
  element.append('\u2060', name, '\u2060')
  label(element, user)
  return element
}

function label (element, user) {
  paint(element, user)
  element.querySelector('.caret-name').textContent = user.name
}

// fit moves the name to the left as far as it would reach out of the editor.
function fit (element) {
  const { left } = element.getBoundingClientRect()
  const { right } = element.closest('#editor').getBoundingClientRect()
  const { offsetWidth } = element.querySelector('.caret-name')
  element.style.setProperty('--over', `${Math.max(0, left + offsetWidth - right)}px`)
}

const carets = client => document.querySelectorAll(`.caret[data-client="${client}"]`)

// selectionStyle returns the style for an element of the class "selection".
export function selectionStyle (user) {
  return `--person: ${user.color}`
}

// showNames keeps the names and colours on carets as they are in awareness: an editor may
// keep the element of a caret as long as its client has one. It shows the name for a while
// when its user writes or moves the cursor, and when the pointer comes near. The name covers
// other text, so it must disappear.
export function showNames (doc, awareness) {
  const show = client => {
    if (client === awareness.clientID || !awareness.getStates().has(client)) return
    clearTimeout(shown.get(client))
    shown.set(client, setTimeout(() => {
      shown.delete(client)
      draw(client)
    }, lasting))
    draw(client)
  }
  const draw = client => {
    const state = awareness.getStates().get(client)
    for (const element of carets(client)) {
      if (state) label(element, userOf(client, state))
      element.classList.toggle('named', shown.has(client))
    }
    requestAnimationFrame(() => carets(client).forEach(fit)) // an editor may draw it again until then
  }
  awareness.on('change', ({ added, updated }) => [...added, ...updated].forEach(show))
  // The position of a cursor at the end of a paragraph is the same before and after typing.
  doc.on('afterTransaction', ({ beforeState, afterState }) => {
    for (const [client, clock] of afterState) if (clock > (beforeState.get(client) ?? 0)) show(client)
  })
  document.addEventListener('pointermove', ({ clientX: x, clientY: y }) => {
    for (const element of document.querySelectorAll('.caret')) {
      const { left, right, top, bottom } = element.getBoundingClientRect()
      if (x > left - reach && x < right + reach && y > top - reach && y < bottom + reach) show(Number(element.dataset.client))
    }
  })
}
