// Plays scenarios with one kind of client: node play.mjs KIT URL together|alone|compressed.
// Says on stdout how each went, one JSON object a line, and at last how many there were.

import { kits } from './kits.mjs'
import { alone, compressed, scenarios } from './scenarios.mjs'
import { Stage } from './stage.mjs'

const [kitName, url, how] = process.argv.slice(2)
const say = what => process.stdout.write(JSON.stringify(what) + '\n')
const played = Object.entries({ together: scenarios, alone, compressed }[how])
const kit = await kits[kitName]()

await Promise.all(played.map(async ([name, play]) => {
  const stage = new Stage(kit, url, `${name}, ${kitName}`)
  const start = Date.now()
  let error = ''
  try {
    await play(stage)
  } catch (failure) {
    error = failure.stack
  }
  stage.end()
  say({ name, error, milliseconds: Date.now() - start })
}))
say({ played: played.length })
process.exit(0)
