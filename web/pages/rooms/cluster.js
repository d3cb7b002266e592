import { arrange } from '../../shared/arrange.js'
import { ago, bytes, follow, rate, say } from '../../shared/follow.js'
import { moment, newGraph } from './graph.js'
import { columns, newHour } from './hour.js'
import { put, row } from './row.js'

const element = id => document.getElementById(id)
const hour = newHour()
const count = n => Math.round(n).toLocaleString('en')
const percent = n => `${(100 * n).toLocaleString('en', { maximumFractionDigits: n < 0.1 ? 1 : 0 })} %`

// Each format says what the top of a graph may be: see scale in graph.js.
const formats = {
  connections: Object.assign(n => count(n), { least: 5 }),
  rooms: Object.assign(n => count(n), { least: 5 }),
  edits: Object.assign(n => rate(n), { least: 1 }),
  cpu: Object.assign(n => percent(n), { least: 0.1 }),
  memory: Object.assign(n => bytes(n), { base: 2, least: 16 << 20 }),
  problems: Object.assign(n => count(n), { least: 5 })
}
const labels = { connections: 'Connections', rooms: 'Rooms in memory', edits: 'Edits a second', cpu: 'CPU', memory: 'Memory', problems: 'Warnings and errors' }

let at // the time that is chosen; undefined: now
const graphs = new Map(Object.entries(columns).map(([name, column]) => [column, newGraph(labels[name], formats[name], choose)]))
element('graphs').append(...[...graphs.values()].map(graph => graph.element))

function choose (time) {
  at = time
  draw()
}

function draw () {
  const range = { newest: hour.newest, step: hour.step, span: hour.span() }
  for (const [column, graph] of graphs) graph.set(hour.points(column, element('of').value), range, at)
  say(element('when'), at === undefined ? '' : `${new Date(1000 * at).toLocaleTimeString('en-GB')}, ${moment(hour.newest - at)}`)
}

element('of').addEventListener('change', draw)
follow(() => `/cluster.json?after=${hour.newest}`, show, element('cluster-problem'))

function show (answer) {
  hour.add(answer)
  showNames()
  draw()
  showProcesses(answer.processes)
  showLog(answer)
}

function showNames () {
  const names = hour.names().sort()
  const select = element('of')
  element('of-tools').hidden = names.length < 2
  const options = [['', 'all processes'], ...names.map(name => [name, name])]
  if (JSON.stringify(options) === JSON.stringify([...select.options].map(option => [option.value, option.text]))) return
  const chosen = select.value
  select.replaceChildren(...options.map(([value, text]) => new Option(text, value)))
  select.value = names.includes(chosen) ? chosen : ''
}

let rows = new Map() // by the name of the process

function showProcesses (processes) {
  const old = rows
  rows = new Map()
  for (const process of processes) {
    const line = old.get(process.name) ?? row(process.name, ['state', '', 'version', 'number', 'number', 'number', 'number', 'number', 'number'])
    rows.set(process.name, line)
    fill(line, process)
  }
  arrange(element('processes'), [...rows.values()])
}

function fill (line, process) {
  const [, state, parts, version, connections, rooms, edits, cpu, memory, problems] = line.children
  const gone = process.state === 'gone'
  state.dataset.state = process.state
  state.title = process.reason ?? ''
  say(state, gone ? `gone, last seen ${ago(process.seen)}` : process.reason ? `${process.state}: ${process.reason}` : process.state)
  say(parts, gone ? '' : [process.consumer && 'consumer', process.worker && 'worker'].filter(Boolean).join(', '))
  say(version, process.version)
  put(connections, gone || !process.consumer ? '' : count(process.connections), process.connections === 1 ? 'connection' : 'connections')
  put(rooms, gone || !process.worker ? '' : count(process.rooms), process.rooms === 1 ? 'room' : 'rooms')
  put(edits, gone || !process.worker ? '' : rate(process.edits_per_second), 'edits/s')
  put(cpu, gone ? '' : percent(process.cpu), 'CPU')
  say(memory, gone ? '' : bytes(process.memory))
  put(problems, count(process.problems), process.problems === 1 ? 'warning or error' : 'warnings and errors')
}

const logs = new Map() // the answers by the process that has sent them

// Each process sends its own log, and what it has heard of the logs of others, which is
// less. Behind a proxy, several may have answered by now.
function showLog ({ process, log, processes }) {
  logs.set(process, log)
  const running = new Map(processes.filter(({ state }) => state !== 'gone').map(one => [one.name, one]))
  for (const name of logs.keys()) if (!running.has(name)) logs.delete(name)
  const own = [...logs].flatMap(([name, log]) => log.filter(line => line.process === name))
  const heard = log.filter(line => !logs.has(line.process))
  const lines = [...own, ...heard].sort((a, b) => Date.parse(b.last) - Date.parse(a.last))
  const others = [...running.values()].filter(({ name, problems }) => !logs.has(name) && problems > 0).map(({ name }) => name)
  say(element('log-of'), (lines.length === 0 ? 'None in the last hour.' : `Logged by ${[...logs.keys()].sort().join(', ')} in the last hour.`) +
    (others.length > 0 ? ` Of the ${others.length === 1 ? 'log' : 'logs'} of ${others.join(', ')}, this page shows only a part.` : ''))
  const list = element('log')
  const shown = lines.map(line => JSON.stringify([line, ago(line.first), ago(line.last)])).join()
  if (list.dataset.shown === shown) return
  list.dataset.shown = shown
  list.replaceChildren(...lines.map(newLine))
}

function newLine ({ process, level, message, details, count: times, first, last }) {
  const item = document.createElement('li')
  item.dataset.level = level
  const add = (name, text, title = '') => {
    const part = document.createElement(name)
    part.textContent = text
    part.title = title
    item.append(part, ' ')
  }
  add('b', level === 'warn' ? 'Warning' : 'Error')
  add('span', message)
  if (details) add('code', details)
  add('small', `${process}: ` + (times > 1 ? `${times.toLocaleString('en')} times, first ${ago(first)}, last ${ago(last)}` : ago(last)), last)
  return item
}
