import { ago, say } from '../../shared/follow.js'
import { clipped } from './clipped.js'

const list = document.getElementById('people')
let drawn = new Map() // by the connection's id

// drawPeople shows the connections of a room, and the awareness states that each owns.
export function drawPeople (members) {
  const old = drawn
  drawn = new Map()
  members.forEach((member, i) => {
    const row = old.get(member.id) ?? newMember()
    drawn.set(member.id, row)
    row.set(member)
    if (list.children[i] !== row.element) list.insertBefore(row.element, list.children[i] ?? null)
  })
  for (const [id, row] of old) if (!drawn.has(id)) row.element.remove()
  document.getElementById('no-people').hidden = members.length > 0
}

function newMember () {
  const element = document.createElement('li')
  const heading = document.createElement('h3')
  const states = document.createElement('div')
  const names = document.createElement('span')
  const what = document.createElement('small')
  heading.append(names, ' ', what)
  element.append(heading, states)
  let shown = new Map() // by client id
  const set = ({ id, user, write, present, states: all }) => {
    say(what, `connection ${id}${user ? ` of ${user}` : ''}, ${write ? 'may write' : 'read only'}${present ? '' : ', invisible'}`)
    const old = shown
    shown = new Map()
    all.forEach((state, i) => {
      const row = old.get(state.client) ?? newState(state)
      shown.set(state.client, row)
      row.set(state)
      if (states.children[i] !== row.element) states.insertBefore(row.element, states.children[i] ?? null)
    })
    for (const [client, row] of old) if (!shown.has(client)) row.element.remove()
    const users = all.map(state => shownUser(state.state)).filter(user => user.name)
    say(names, users.map(user => user.name).join(', ') || (all.length > 0 ? 'No name' : 'No awareness state'))
    const colour = users.map(user => user.color).find(color => CSS.supports('color', color))
    if (colour) heading.style.setProperty('--person', colour)
    else heading.style.removeProperty('--person')
  }
  return { element, set }
}

function newState ({ client }) {
  const element = document.createElement('details')
  const label = document.createElement('summary')
  const content = clipped(`Awareness of client ${client}`)
  element.append(label, content.element)
  const set = state => {
    say(label, `Awareness of client ${client}: state number ${state.clock.toLocaleString('en')}, received ${ago(state.renewed)}`)
    content.set(pretty(state.state))
  }
  return { element, set }
}

// shownUser returns the name and colour in an awareness state. What is not a string becomes empty.
function shownUser (state) {
  const { user } = Object(parse(state))
  const { name, color } = Object(user)
  return { name: typeof name === 'string' ? name : '', color: typeof color === 'string' ? color : '' }
}

function parse (json) {
  try {
    return JSON.parse(json)
  } catch {
    return undefined
  }
}

function pretty (json) {
  const value = parse(json)
  return value === undefined ? json : JSON.stringify(value, null, 2)
}
