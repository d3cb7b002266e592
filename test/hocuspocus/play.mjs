// Plays scenarios with one kind of provider: node play.mjs SET KIT YROOM [ORIGINAL]. A server is JSON, as Stage takes
// it. Says on stdout how each went, one JSON object a line, and at last how many there were. The sets:
//
//   scenarios   what people do; with an original server, they do it with both, and what crossed the sockets is compared
//   serve       of these, what needs no program on the server
//   open        of these, some for a server that needs no token
//   raw         the same with frames that no provider sends
//   faults      the faults of the original server: it has them, and yroom doesn't
//   durable     with yroom alone: what is acknowledged is stored
//   mixed       with yroom alone: two dialects in a room
//   expiring    with yroom alone: tokens that expire

import { compare } from './compare.mjs'
import { durable } from './durable.mjs'
import { expiring } from './expiring.mjs'
import { faults } from './faults.mjs'
import { kits } from './kits.mjs'
import { mixed } from './mixed.mjs'
import { raw } from './raw.mjs'
import { programmed, scenarios } from './scenarios.mjs'
import { Stage } from './stage.mjs'

const [set, kitName, ...addresses] = process.argv.slice(2)
const servers = addresses.map(JSON.parse)
const kit = await kits[kitName]()
const say = what => process.stdout.write(JSON.stringify(what) + '\n')

// Plays something with each server, and returns the stages and what it returned.
async function play (name, what) {
  return Promise.all(servers.map(async server => {
    const stage = new Stage(kit, server, `${name}, ${kitName}`)
    try {
      const seen = await what(stage)
      await stage.quiet()
      return { stage, seen }
    } catch (failure) {
      failure.message += ` (at ${server.url})`
      throw failure
    } finally {
      stage.end()
    }
  }))
}

// Returns how what a scenario has played is wrong, or "".
async function judge (name, scenario) {
  if (set === 'faults') {
    const [yroom, original] = (await play(name, scenario.play)).map(({ seen }) => seen)
    if (original !== scenario.original) return `the original server has another fault: ${original}`
    return yroom === scenario.yroom ? '' : `with yroom: ${yroom}; wanted: ${scenario.yroom}`
  }
  const [yroom, original] = await play(name, scenario)
  return original ? compare(original.stage, yroom.stage) : ''
}

const only = names => Object.fromEntries(names.map(name => [name, scenarios[name]]))
const serve = only(Object.keys(scenarios).filter(name => !programmed.includes(name)))
const open = only(['one document', 'two people', 'ten documents on a socket', 'edits while disconnected'])
const played = Object.entries({ scenarios, serve, open, raw, faults, durable, mixed, expiring }[set])
await Promise.all(played.map(async ([name, scenario]) => {
  const start = Date.now()
  let error
  try {
    error = await judge(name, scenario)
  } catch (failure) {
    error = failure.stack
  }
  say({ name, error, milliseconds: Date.now() - start })
}))
say({ played: played.length })
process.exit(0)
