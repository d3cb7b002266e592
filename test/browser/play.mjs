// Plays scenarios in a browser: node play.mjs YROOM ROBOT CHROMIUM SCREENSHOTS [PATTERN].
// Says on stdout how each went, one JSON object a line, and at last how many there were.

import { chromium } from 'playwright-core'
import { blocks } from './blocks.mjs'
import { boards } from './boards.mjs'
import { carets } from './carets.mjs'
import { code } from './code.mjs'
import { docs } from './docs.mjs'
import { markdown } from './markdown.mjs'
import { programs } from './programs.mjs'
import { providers } from './providers.mjs'
import { reasons } from './reasons.mjs'
import { rooms } from './rooms.mjs'
import { scenarios } from './scenarios.mjs'
import { Server } from './server.mjs'
import { Stage } from './stage.mjs'

const atOnce = 3 // much of it is waiting

const [program, robotProgram, executablePath, pictures, pattern = ''] = process.argv.slice(2)
const say = what => process.stdout.write(JSON.stringify(what) + '\n')
const server = await Server.start(program)
const browser = await chromium.launch({ executablePath, args: ['--disable-gpu'], chromiumSandbox: process.getuid() !== 0 })

const waiting = Object.entries({ ...scenarios, ...rooms, ...boards, ...blocks, ...code, ...programs, ...providers, ...markdown, ...carets, ...reasons, ...docs }).filter(([name]) => new RegExp(pattern).test(name))
const played = waiting.length

// Plays one scenario after the other, with the same people: to start a browser's profile takes longer than most of them.
async function playOn () {
  const guests = {}
  for (let next = waiting.shift(); next; next = waiting.shift()) {
    const [name, play] = next
    const stage = new Stage({ program, robotProgram, server, browser, pictures }, guests, name)
    const start = Date.now()
    let error = ''
    try {
      await play(stage)
      stage.check()
    } catch (failure) {
      error = failure.stack
      await stage.failed()
    }
    await stage.end()
    say({ name, error, milliseconds: Date.now() - start })
  }
  for (const guest of Object.values(guests)) await guest.end()
}
await Promise.all(Array.from({ length: atOnce }, playOn))

say({ played })
await browser.close()
await server.end()
