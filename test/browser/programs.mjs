// Programs write into the documents that people have open.

import { execFile } from 'node:child_process'
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { kits } from '../clients/kits.mjs'
import * as demos from './demos.mjs'
import { hold, until } from './until.mjs'

const run = promisify(execFile)
const line = 'HAL' // no letter of it is in the alphabet of a person

export const programs = {}

for (const demo of Object.values(demos)) {
  // Two people go on writing and undo their own while a program writes a line at the beginning.
  const beside = async (stage, write) => {
    const [ann, bob] = await stage.meet(demo, 'Ann', 'Bob')
    await ann.write()
    await bob.reads(ann)
    await bob.write()
    await ann.reads(ann, bob)
    await write()
    for (const person of [ann, bob]) {
      await until(`${person.name} sees the program's line`, async () => (await person.lines()).includes(line))
    }
    const { written } = ann
    await ann.undo()
    hold('Ann has undone what she wrote', ann.written === '')
    await bob.reads(ann, bob)
    await ann.redo(written)
    await bob.reads(ann, bob)
    await bob.undo()
    await ann.reads(ann, bob)
    const lines = await stage.converge(ann, bob)
    hold(`the program's line is the first of ${JSON.stringify(lines)}`, lines[0] === line)
  }

  programs[`${demo.name}, a Go program writes`] = async stage => {
    await stage.robot()
    await beside(stage, async () => {
      const answer = await fetch(`${stage.server.url}/write/${demo.name}/${stage.room}`, { method: 'POST', body: line })
      hold(`the program has written: ${await answer.text()}`, answer.ok)
      for (const person of stage.people) await person.sees('#people', 'Robot')
    })
    for (const person of stage.people) await person.misses('#people', 'Robot')
  }

  programs[`${demo.name}, curl writes`] = async stage => {
    await stage.own({ api: true })
    await beside(stage, async () => {
      const { url, folder, token } = stage.server
      const address = `${url}/api/rooms/${encodeURIComponent(stage.room)}`
      const curl = async (...more) => {
        const options = ['--silent', '--show-error', '--fail-with-body', '--header', `Authorization: Bearer ${token}`]
        return (await run('curl', [...options, ...more], { encoding: 'buffer' })).stdout
      }
      const { Y } = await kits['y-websocket 3']()
      const doc = new Y.Doc()
      Y.applyUpdate(doc, await curl(`${address}?format=update`))
      const before = Y.encodeStateVector(doc)
      demo.scribble(Y, doc, demo.name === 'codemirror' ? line + '\n' : line)
      const file = join(folder, 'update')
      await writeFile(file, Y.encodeStateAsUpdate(doc, before))
      await curl('--data-binary', `@${file}`, '--header', 'Content-Type: application/octet-stream', address)
    })
  }
}
