// Answers the Go tests: one JSON request a line comes in, one JSON answer a line goes out. Bytes are in base64.

import * as Y from 'yjs'
import { Case } from './check.mjs'
import { checkAccepted, cleanUpFailures } from './accepts.mjs'
import { history } from './generate.mjs'
import { lossless } from './lossless.mjs'
import { compareDocuments, docFailures } from './docs.mjs'
import { readings, relativePositions, script } from './script.mjs'
import { restoreFailures } from './snapshots.mjs'
import { replay } from './trace.mjs'

const encode = bytes => Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString('base64')
const decode = text => new Uint8Array(Buffer.from(text, 'base64'))
const encodeAll = list => list.map(encode)
const decodeAll = list => list.map(text => text === null ? null : decode(text))

let current

const answers = {
  // A random history, how it is delivered, and the state vectors to make diffs against.
  generate ({ seed, profile }) {
    current = Case.random(seed, profile)
    return deliveries()
  },

  // The same of a recorded editing session.
  trace ({ path }) {
    current = Case.recorded(replay(path))
    return deliveries()
  },

  // Compares what the store made of the deliveries.
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

  // Compares what documents that integrated the deliveries read as.
  read ({ documents }) {
    return compareDocuments(current, documents.map(({ readings, whole, encoded, stateVector }) => ({
      readings,
      whole,
      encoded: decode(encoded),
      stateVector: decode(stateVector)
    })))
  },

  // What a document is told and edits, the updates that yjs writes meanwhile, and what it reads as in the end.
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

  // What yjs and ywasm say to a document that followed the script.
  followed ({ encoded, encodedV2, stateVector }) {
    return { failures: docFailures(current, decode(encoded), decode(encodedV2), decode(stateVector)), yjsBytes: Y.encodeStateAsUpdate(current).length }
  },

  // A random history alone: each update in V1 and V2, and whether V1 holds all that V2 does.
  // Of the documents that make it, gc is the share that collect garbage.
  history ({ seed, profile, gc }) {
    const updates = history(seed, profile, gc)
    return { updates: encodeAll(updates.map(({ v1 }) => v1)), updatesV2: encodeAll(updates.map(({ v2 }) => v2)), lossless: updates.map(lossless) }
  },

  // What yjs says to mutants that the store accepted on top of base.
  accepted ({ base, version, mutants }) {
    return checkAccepted(decode(base), version, mutants.map(({ update, encoded, compacted }) => ({
      update: decode(update),
      encoded: decode(encoded),
      compacted: decode(compacted)
    })))
  },

  // What an old snapshot shows differently that is restored from a store.
  restore ({ updates, first, v1, v2, diff, profile }) {
    const made = { v1: decode(v1), v2: decode(v2), diff: decode(diff) }
    return { failures: restoreFailures(decodeAll(updates), first, made, profile === 'surrogates') }
  },

  // What Compact changed for readers who have known updates: lists of such lists.
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

// yjs says on the console what it refuses; the answers say it too, and the console is theirs.
console.log = console.warn = console.error = () => {}

let parts = []
process.stdin.setEncoding('utf8')
process.stdin.on('data', chunk => {
  for (let end = chunk.indexOf('\n'); end >= 0; end = chunk.indexOf('\n')) {
    parts.push(chunk.slice(0, end))
    const request = JSON.parse(parts.join(''))
    process.stdout.write(JSON.stringify(answers[request.op](request)) + '\n')
    parts = []
    chunk = chunk.slice(end + 1)
  }
  parts.push(chunk)
})
