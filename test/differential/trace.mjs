// Replays a recorded editing session. Each of its users is a yjs client. A session that
// names no users has one.

import * as Y from 'yjs'
import { readFileSync } from 'node:fs'
import { gunzipSync } from 'node:zlib'

// Returns one update per transaction.
export function replay (path) {
  const { txns, numAgents = 1 } = JSON.parse(gunzipSync(readFileSync(path)))
  const astral = txns.some(({ patches }) => patches.some(([, , inserted]) => /[\ud800-\udbff]/.test(inserted)))
  const agents = Array.from({ length: numAgents }, (_, i) => new Agent(i + 1, astral))
  const log = []
  for (const [index, { parents = index === 0 ? [] : [index - 1], agent = 0, patches }] of txns.entries()) {
    agents[agent].receive(txns, log, parents)
    log.push(agents[agent].edit(index, patches))
  }
  return log
}

class Agent {
  constructor (clientID, astral) {
    this.doc = new Y.Doc({ guid: 'main' })
    this.doc.clientID = clientID
    this.has = new Set() // indexes into the log
    this.text = this.doc.get('text', Y.Text)
    this.shown = '' // the content of text, if there are characters of two UTF-16 units
    this.astral = astral
    if (!astral) return
    this.text.observe(({ delta }) => {
      let rest = this.shown
      const parts = []
      for (const { retain = 0, insert = '', delete: gone = 0 } of delta) {
        parts.push(rest.slice(0, retain), insert)
        rest = rest.slice(retain + gone)
      }
      this.shown = parts.join('') + rest
    })
  }

  // Applies the transactions that the author of the next one had seen.
  receive (txns, log, parents) {
    const missing = []
    for (const open = [...parents]; open.length > 0;) {
      const index = open.pop()
      if (this.has.has(index)) continue
      this.has.add(index)
      missing.push(index)
      open.push(...txns[index].parents)
    }
    for (const index of missing.sort((a, b) => a - b)) Y.applyUpdate(this.doc, log[index])
  }

  edit (index, patches) {
    let update
    this.doc.once('update', bytes => { update = bytes })
    this.doc.transact(() => {
      let shown = this.shown
      for (const [position, deleted, inserted] of patches) {
        const from = units(shown, position)
        const to = deleted === 0 ? from : units(shown, position + deleted)
        if (to > from) this.text.delete(from, to - from)
        if (inserted !== '') this.text.insert(from, inserted)
        if (this.astral) shown = shown.slice(0, from) + inserted + shown.slice(to)
      }
    })
    this.has.add(index)
    return update
  }
}

// The recordings count code points, yjs counts UTF-16 units.
function units (text, points) {
  if (!/[\ud800-\udbff]/.test(text)) return points
  let at = 0
  while (points-- > 0) at += text.codePointAt(at) > 0xffff ? 2 : 1
  return at
}
