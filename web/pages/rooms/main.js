import { arrange } from '../../shared/arrange.js'
import { follow, bytes, say } from '../../shared/follow.js'
import './cluster.js'
import { query } from './query.js'
import { fill, newRow } from './row.js'

const element = id => document.getElementById(id)
const body = element('rooms')
const heads = [...document.querySelectorAll('th[data-sort]')]
const few = ['name', 'state', 'worker'] // columns that are sorted in ascending order first
let rows = new Map() // by the room's name
let last // the answer that is shown

const ask = follow(query.address, show)

function show (answer) {
  last = answer
  const old = rows
  rows = new Map()
  for (const room of answer.rooms) {
    const row = old.get(room.name) ?? newRow(room.name)
    rows.set(room.name, row)
    fill(row, room)
  }
  arrange(body, [...rows.values()])
  say(element('count'), `${totals(answer)} Listed by ${answer.consumer}.`)
  // In a server of one process, the name would be the same in each row.
  body.parentElement.classList.toggle('alone', answer.rooms.every(({ worker = answer.consumer }) => worker === answer.consumer))
  body.parentElement.hidden = rows.size === 0
  element('none').hidden = rows.size > 0
  say(element('none'), query.get('search') !== '' || query.get('show') !== ''
    ? 'No room matches.'
    : query.get('after') !== '' ? 'No more rooms.' : 'No rooms yet. A room is created when the first client connects to it and writes.')
  showPager(answer)
  showMore(answer)
}

const number = (n, one, more = one + 's') => `${n.toLocaleString('en')} ${n === 1 ? one : more}`

function totals ({ found, open, stored, failed, people, connections, bytes: size, pending }) {
  const inOpen = open > 0 ? `, with ${number(people, 'person', 'people')} on ${number(connections, 'connection')}` : ''
  return `${number(found, 'room')}: ${open.toLocaleString('en')} open${inOpen}; ${stored.toLocaleString('en')} stored and not open` +
    `${failed > 0 ? `; ${failed.toLocaleString('en')} failed` : ''}. ${bytes(size)} together${pending > 0 ? `, ${bytes(pending)} of it pending` : ''}.`
}

function showPager ({ rooms, skip, matching }) {
  const more = skip + rooms.length < matching
  element('pager').hidden = skip === 0 && !more
  const focused = document.activeElement
  element('previous').disabled = skip === 0
  element('next').disabled = !more
  if (focused.disabled) element(more ? 'next' : 'previous').focus()
  say(element('range'), `${(skip + Math.min(1, rooms.length)).toLocaleString('en')} to ${(skip + rooms.length).toLocaleString('en')} of ${matching.toLocaleString('en')}`)
}

// There may be more rooms than the server sorts and searches at once.
function showMore ({ next, read }) {
  const more = element('more')
  const after = query.get('after')
  more.hidden = !next && after === ''
  if (more.hidden) return
  const besides = query.get('search') === '' ? '' : ', and those whose names begin with the search'
  const which = after === '' ? 'the first by name' : `those after “${after}” by name`
  say(more.firstElementChild, next
    ? `There are more rooms than are listed at once. ${number(read, 'room')} were read: ${which}${besides}.`
    : `${number(read, 'room')} were read: ${which}.`)
  element('further').hidden = !next
  say(element('further'), next ? `The rooms after “${next}”` : '')
  element('first').hidden = after === ''
}

function sortBy (sort, order) {
  query.set({ sort: sort === 'name' ? '' : sort, order: order === 'descending' ? order : '', skip: '' })
  showSort()
  const label = heads.find(({ dataset }) => dataset.sort === sort).textContent
  element('told').textContent = `Sorted by ${label}, ${order}`
  ask()
}

const sorted = () => [heads.find(({ dataset }) => dataset.sort === query.get('sort'))?.dataset.sort ?? 'name', query.get('order') === 'descending' ? 'descending' : 'ascending']

function showSort () {
  const [sort, order] = sorted()
  for (const head of heads) head.ariaSort = head.dataset.sort === sort ? order : null
  element('sort').value = `${sort} ${order}`
}

for (const head of heads) {
  const { sort } = head.dataset
  const orders = few.includes(sort) ? ['ascending', 'descending'] : ['descending', 'ascending']
  head.firstElementChild.addEventListener('click', () => {
    const [now, order] = sorted()
    sortBy(sort, now === sort && order === orders[0] ? orders[1] : orders[0])
  })
  // On a phone the table has no heads.
  for (const order of orders) element('sort').append(new Option(`${head.textContent}, ${order}`, `${sort} ${order}`))
}
element('sort').addEventListener('change', event => sortBy(...event.target.value.split(' ')))

const change = changes => {
  query.set({ skip: '', ...changes })
  ask()
}
element('search').value = query.get('search')
element('show').value = query.get('show')
element('search').addEventListener('input', event => change({ search: event.target.value.trim() }))
element('show').addEventListener('change', event => change({ show: event.target.value }))
element('tools').addEventListener('submit', event => event.preventDefault())
element('further').addEventListener('click', () => change({ after: last.next }))
element('first').addEventListener('click', () => change({ after: '' }))

document.addEventListener('keydown', event => {
  if (event.key !== '/' || event.ctrlKey || event.metaKey || event.altKey || event.target.closest('input, select, textarea')) return
  event.preventDefault()
  element('search').focus()
})

const turn = skip => change({ skip: skip > 0 ? String(skip) : '' })
element('next').addEventListener('click', () => turn(last.skip + last.rooms.length))
element('previous').addEventListener('click', () => turn(last.skip - last.page))
showSort()
