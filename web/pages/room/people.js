import { arrange } from '../../shared/arrange.js'
import { ago, say } from '../../shared/follow.js'
import { clipped } from './clipped.js'
import { control } from './control.js'

const list = document.getElementById('people')
let drawn = new Map() // by the connection's id

let room = ''
let tell = () => {}

// onControl sets the name of the room, and what is called with a sentence when a connection
// was changed.
export function onControl (name, told) {
  room = name
  tell = told
}

// drawPeople shows the connections of a room, and the awareness states that each owns.
export function drawPeople (members) {
  const old = drawn
  drawn = new Map()
  for (const member of members) {
    const row = old.get(member.id) ?? newMember()
    drawn.set(member.id, row)
    row.set(member)
  }
  arrange(list, [...drawn.values()].map(row => row.element))
  document.getElementById('no-people').hidden = members.length > 0
}

function newMember () {
  const element = document.createElement('li')
  const heading = document.createElement('h3')
  const states = document.createElement('div')
  const names = document.createElement('span')
  const what = document.createElement('small')
  const access = document.createElement('button')
  const expel = document.createElement('button')
  const buttons = document.createElement('p')
  for (const button of [access, expel]) button.type = 'button'
  expel.textContent = 'Expel'
  buttons.className = 'buttons'
  buttons.append(access, ' ', expel)
  heading.append(names, ' ', what)
  element.append(heading, buttons, states)
  let member
  const label = () => `${names.textContent}, connection ${member.id}`
  access.addEventListener('click', () => changeAccess(member, label()))
  expel.addEventListener('click', () => expelOne(member, label()))
  let shown = new Map() // by client id
  const set = newMember => {
    member = newMember
    const { id, user, write, present, states: all } = member
    say(what, `connection ${id}${user ? ` of ${user}` : ''}, ${write ? 'may write' : 'read only'}${present ? '' : ', invisible'}`)
    const old = shown
    shown = new Map()
    for (const state of all) {
      const row = old.get(state.client) ?? newState(state)
      shown.set(state.client, row)
      row.set(state)
    }
    arrange(states, [...shown.values()].map(row => row.element))
    const users = all.map(state => shownUser(state.state)).filter(user => user.name)
    say(names, users.map(user => user.name).join(', ') || (all.length > 0 ? 'No name' : 'No awareness state'))
    say(access, write ? 'Make read-only' : 'Allow writing')
    for (const button of [access, expel]) button.setAttribute('aria-label', `${button.textContent}: ${label()}`)
    const colour = users.map(user => user.color).find(color => CSS.supports('color', color))
    if (colour) heading.style.setProperty('--person', colour)
    else heading.style.removeProperty('--person')
  }
  return { element, set }
}

const address = what => `/api/rooms/${encodeURIComponent(room)}/${what}`

function changeAccess ({ id, write, present }, label) {
  const access = write ? (present ? 'read' : 'hidden') : (present ? 'write' : 'hidden-write')
  control({
    title: write ? 'Make read-only' : 'Allow writing',
    text: `${label}: this lasts until the connection ends. What a new connection may do is decided by your login.`,
    button: write ? 'Make read-only' : 'Allow writing',
    address: address('access'),
    body: { connection: id, access },
    done: () => tell(`${label} ${write ? 'may only read' : 'may write'}.`)
  })
}

function expelOne ({ id }, label) {
  control({
    title: 'Expel',
    text: `${label}: the connection is closed. The client may connect again, unless your login refuses it.`,
    button: 'Expel',
    withReason: true,
    address: address('expel'),
    body: { connection: id },
    done: () => tell(`${label} was expelled.`)
  })
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
