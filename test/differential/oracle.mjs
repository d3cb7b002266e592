// Answers requests of the Go tests, which wait for each answer. Requests and answers are JSON, one per line. Bytes are in base64.

import * as Y from 'yjs'
import { Case } from './check.mjs'
import { checkAccepted, cleanUpFailures } from './accepts.mjs'
import { attributions } from './attributions.mjs'
import { ForgedRoom } from './forged.mjs'
import { history } from './generate.mjs'
import { mixed, mixedEdits, textEditFailures, textEdits } from './kinds.mjs'
import { Holes } from './holes.mjs'
import { lossless } from './lossless.mjs'
import { compareDocuments, docFailures } from './docs.mjs'
import { readings, relativePositions, script } from './script.mjs'
import { exportFailures } from './pending.mjs'
import { MixedRoom } from './rooms.mjs'
import { restoreFailures } from './snapshots.mjs'
import { replay } from './trace.mjs'

const encode = bytes => Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString('base64')
const decode = text => new Uint8Array(Buffer.from(text, 'base64'))
const encodeAll = list => list.map(encode)
const decodeAll = list => list.map(text => text === null ? null : decode(text))

let current
let forgedRooms
let holes
let mixedRooms

const answers = {
  // Returns the deliveries of a random history, with state vectors for diffs.
  generate ({ seed, profile }) {
    current = Case.random(seed, profile)
    return deliveries()
  },

  // Returns the deliveries of a recorded editing session.
  trace ({ path }) {
    current = Case.recorded(replay(path))
    return deliveries()
  },

  // Returns the updates of a recorded editing session.
  updates ({ path }) {
    return { updates: encodeAll(replay(path)) }
  },

  // Compares the results of the store after the deliveries.
  check ({ results }) {
    return current.check(results.map(result => ({
      encoded: decode(result.encoded),
      stateVector: decode(result.stateVector),
      merged: decode(result.merged),
      diffs: decodeAll(result.diffs),
      added: decodeAll(result.added),
      otherForm: decode(result.otherForm),
      mergedStateVector: decode(result.mergedStateVector),
      mergedDiffs: decodeAll(result.mergedDiffs),
      compacted: {
        encoded: decode(result.compacted.encoded),
        diffs: decodeAll(result.compacted.diffs),
        midway: decode(result.compacted.midway)
      }
    })))
  },

  // Compares the contents of documents after the deliveries.
  read ({ documents }) {
    return compareDocuments(current, documents.map(({ readings, whole, encoded, stateVector }) => ({
      readings,
      whole,
      encoded: decode(encoded),
      stateVector: decode(stateVector)
    })))
  },

  // Returns a script with the updates that yjs makes of its edits, and the contents at the end.
  script ({ seed, profile }) {
    const made = script(seed, profile)
    current = made.doc
    return {
      clientID: made.clientID,
      steps: made.steps.map(step => ({
        ...step,
        update: step.update && encode(step.update),
        made: step.made && encode(step.made)
      })),
      readings: readings(made.doc),
      positions: relativePositions(made.doc, seed).map(position => ({ ...position, encoded: encode(position.encoded) }))
    }
  },

  // Compares a document that followed the script.
  followed ({ encoded, encodedV2, stateVector }) {
    return { failures: docFailures(current, decode(encoded), decode(encodedV2), decode(stateVector)), yjsBytes: Y.encodeStateAsUpdate(current).length }
  },

  // Returns a random history: each update in V1 and V2, and whether V1 represents it without loss. gc is the share of the documents
  // that collect garbage.
  history ({ seed, profile, gc }) {
    const updates = history(seed, profile, gc)
    return { updates: encodeAll(updates.map(({ v1 }) => v1)), updatesV2: encodeAll(updates.map(({ v2 }) => v2)), lossless: updates.map(lossless) }
  },

  // Checks mutants that the store accepted on top of base.
  accepted ({ base, version, mutants }) {
    return checkAccepted(decode(base), version, mutants.map(({ update, added, encoded, compacted }) => ({
      update: decode(update),
      added: decode(added ?? 'AAA='),
      encoded: decode(encoded),
      compacted: decode(compacted)
    })))
  },

  // Restores an old snapshot from the encodings of a store, and returns the differences.
  restore ({ updates, first, v1, v2, diff, profile }) {
    const made = { v1: decode(v1), v2: decode(v2), diff: decode(diff) }
    return { failures: restoreFailures(decodeAll(updates), first, made, profile === 'surrogates') }
  },

  // Compares the export of a room with the updates that the room has and those that were lost.
  exported ({ exported, version, kept, lost, profile }) {
    return exportFailures(decode(exported), version, decodeAll(kept), decodeAll(lost), profile === 'surrogates')
  },

  // Lets clients join rooms with forged histories, and returns their edits.
  forged ({ rooms }) {
    forgedRooms = rooms.map(({ seed, updates, at, ...encoded }) => {
      const [middle, late, compacted, merged] = decodeAll([encoded.middle, encoded.late, encoded.compacted, encoded.merged])
      return new ForgedRoom({ seed, updates: decodeAll(updates), at, middle, late, compacted, merged })
    })
    return { edits: forgedRooms.map(room => encodeAll(room.edits())) }
  },

  // Delivers what the store has added for the edits, and returns the failures of each room.
  forgedEnd ({ further }) {
    return { failures: forgedRooms.map((room, i) => room.finish(decodeAll(further[i]))) }
  },

  // Returns a random history, and what each update inserts and deletes.
  attributions ({ seed, profile }) {
    const updates = history(seed, profile)
    const [v1, v2] = [updates.map(({ v1 }) => v1), updates.map(({ v2 }) => v2)]
    const { whole, ...made } = attributions(v1, v2)
    return { updates: encodeAll(v1), updatesV2: encodeAll(v2), whole: encode(whole), ...Object.fromEntries(Object.entries(made).map(([name, all]) => [name, encodeAll(all)])) }
  },

  // Returns a document with roots of mixed content, and what yjs reads of each root as each kind.
  mixed ({ seed }) {
    const { updates, updatesV2, ...rest } = mixed(seed)
    return { updates: encodeAll(updates), updatesV2: encodeAll(updatesV2), ...rest }
  },

  // Returns a document with roots of mixed content, edits of one root as a kind, and the update of the edits.
  mixedEdits ({ seed }) {
    const { updates, made, ...rest } = mixedEdits(seed)
    return { updates: encodeAll(updates), made: encode(made), ...rest }
  },

  // Returns a document of yjs 14 and edits of the texts in its elements.
  textEdits ({ seed }) {
    const { update, edits } = textEdits(seed)
    return { update: encode(update), edits }
  },

  // Compares a document that made the edits.
  textEdited ({ update }) {
    return { failures: textEditFailures(decode(update)) }
  },

  // Returns how yjs prints an element with a name, and which characters end a line for a regular expression.
  name ({ name }) {
    const fragment = new Y.Doc().getXmlFragment('x')
    fragment.insert(0, [new Y.XmlElement(name)])
    return { printed: fragment.toString() }
  },
  lineEnds () {
    const all = Array.from({ length: 0x10ffff + 1 }, (_, c) => c).filter(c => c < 0xd800 || c > 0xdfff)
    return { lineEnds: all.filter(c => !/./u.test(String.fromCodePoint(c))) }
  },

  // Returns updates that leave holes, those that fill them, and state vectors for diffs.
  holes ({ seed }) {
    holes = new Holes(seed)
    return { updates: encodeAll(holes.updates), rest: encodeAll(holes.rest), vectors: encodeAll(holes.stale.map(({ stateVector }) => stateVector)) }
  },

  // Compares what a store and a document have made of them.
  holesEnd ({ result: { text, diffs, ...encoded } }) {
    const decoded = Object.fromEntries(Object.entries(encoded).map(([name, bytes]) => [name, decode(bytes)]))
    return holes.check({ text, diffs: decodeAll(diffs), ...decoded })
  },

  // Lets clients of both versions work in rooms of a server.
  async roomsBegin ({ url, seeds }) {
    mixedRooms = seeds.map(seed => new MixedRoom(url, seed))
    await Promise.all(mixedRooms.map(room => room.work()))
    return { names: mixedRooms.map(({ name }) => name) }
  },

  // Lets them go on after the server was started again, until all have met.
  async roomsGoOn () {
    await Promise.all(mixedRooms.map(room => room.work().then(() => room.meet())))
    return {}
  },

  async roomsFill () {
    await Promise.all(mixedRooms.map(room => room.fill()))
    return {}
  },

  // Compares the clients with their rooms.
  roomsCheck ({ rooms, filled }) {
    const differ = rooms.filter(({ update, vector, text }, i) => mixedRooms[i].check({ update: decode(update), vector: decode(vector), text }, filled))
    return { failures: mixedRooms.map(({ failures }) => failures), differ: differ.length }
  },

  roomsEnd () {
    for (const room of mixedRooms) room.end()
    return {}
  },

  // Returns how much CPU time a client takes to load a document: the least of several times, because other load on the
  // machine makes the same work take longer.
  load ({ update }) {
    const bytes = decode(update)
    const times = [1, 2, 3].map(() => {
      const before = process.cpuUsage()
      Y.applyUpdate(new Y.Doc(), bytes)
      return process.cpuUsage(before).user / 1000
    })
    return { milliseconds: Math.min(...times) }
  },

  // Returns what Compact changes for documents that have known updates. known is a list of lists of updates.
  cleanUp ({ known, encoded, compacted }) {
    return { failures: cleanUpFailures(known.map(decodeAll), decode(encoded), decode(compacted)) }
  }
}

function deliveries () {
  return {
    deliveries: current.deliveries.map(({ name, version, bytes, stale, expected }) => ({
      name,
      version,
      updates: encodeAll(bytes),
      whole: encode(expected.whole()),
      stateVectors: stale.map(({ stateVector }) => encode(stateVector))
    }))
  }
}

// yjs logs errors that the answers report as well. Standard output is for answers.
console.log = console.warn = console.error = () => {}

let parts = []
process.stdin.setEncoding('utf8')
process.stdin.on('data', chunk => {
  for (let end = chunk.indexOf('\n'); end >= 0; end = chunk.indexOf('\n')) {
    parts.push(chunk.slice(0, end))
    const request = JSON.parse(parts.join(''))
    Promise.resolve(answers[request.op](request)).then(answer => process.stdout.write(JSON.stringify(answer) + '\n'))
    parts = []
    chunk = chunk.slice(end + 1)
  }
  parts.push(chunk)
})
