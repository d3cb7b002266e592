// Computes which blocks of some updates in V1 can be integrated: those of which origin, right origin and parent are. A gap in the
// clocks of their client doesn't matter, as in yjs 14. yjs 13 holds back what is behind a gap.

import * as Y from 'yjs'
import * as encoding from 'lib0/encoding'

export class Reach {
  constructor (updates) {
    const { structs, ds } = Y.decodeUpdate(Y.mergeUpdates(updates))
    this.ds = ds
    this.clients = new Map()
    for (const struct of structs) {
      if (struct instanceof Y.Skip) continue
      const { client, clock } = struct.id
      if (!this.clients.has(client)) this.clients.set(client, [])
      this.clients.get(client).push({ struct, clock, end: clock + struct.length, there: false })
    }
    for (let again = true; again;) {
      again = false
      for (const blocks of this.clients.values()) {
        for (const block of blocks) {
          if (!block.there && references(block.struct).every(id => this.has(id))) block.there = again = true
        }
      }
    }
  }

  has ({ client, clock }) {
    const blocks = this.clients.get(client) ?? []
    let [from, to] = [0, blocks.length]
    while (from < to) {
      const middle = (from + to) >> 1
      if (blocks[middle].end <= clock) from = middle + 1
      else to = middle
    }
    return from < blocks.length && blocks[from].there && blocks[from].clock <= clock
  }

  // Returns the state vector: for each client, how many elements are there before the first gap.
  stateVector () {
    const reached = new Map()
    for (const [client, blocks] of this.clients) {
      let end = 0
      for (const block of blocks) if (block.there && block.clock === end) end = block.end
      if (end > 0) reached.set(client, end)
    }
    return Y.encodeStateVector(reached)
  }

  // Reports whether blocks are there behind a gap.
  get hasHoles () {
    return [...this.clients.values()].some(blocks => {
      let end = 0
      return blocks.some(block => {
        if (!block.there) return false
        const behind = block.clock > end
        end = block.end
        return behind
      })
    })
  }

  // Returns an update with everything that is there, in which gaps are GC blocks. So yjs 13 shows what is behind them.
  withoutGaps () {
    const encoder = new Y.UpdateEncoderV1()
    const sections = [...this.clients].map(([client, blocks]) => [client, blocks.filter(({ there }) => there)]).filter(([, blocks]) => blocks.length > 0)
    encoding.writeVarUint(encoder.restEncoder, sections.length)
    for (const [client, blocks] of sections.sort(([a], [b]) => b - a)) {
      const parts = []
      let end = 0
      for (const block of blocks) {
        if (block.clock > end) parts.push(new Y.GC(Y.createID(client, end), block.clock - end))
        parts.push(block.struct)
        end = block.end
      }
      encoding.writeVarUint(encoder.restEncoder, parts.length)
      encoder.writeClient(client)
      encoding.writeVarUint(encoder.restEncoder, 0)
      for (const part of parts) part.write(encoder, 0)
    }
    const deletions = [...this.ds.clients]
    encoding.writeVarUint(encoder.restEncoder, deletions.length)
    for (const [client, spans] of deletions) {
      encoding.writeVarUint(encoder.restEncoder, client)
      encoding.writeVarUint(encoder.restEncoder, spans.length)
      for (const { clock, len } of spans) {
        encoding.writeVarUint(encoder.restEncoder, clock)
        encoding.writeVarUint(encoder.restEncoder, len)
      }
    }
    return encoder.toUint8Array()
  }
}

function references (struct) {
  if (struct instanceof Y.GC) return []
  return [struct.origin, struct.rightOrigin, struct.parent instanceof Y.ID ? struct.parent : null].filter(id => id)
}
