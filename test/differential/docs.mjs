// Compares the documents of package yjs with those of npm yjs.

import * as Y from 'yjs'
import ywasm from '../node_modules/ywasm/ywasm.js'
import { roots } from './generate.mjs'
import { difference, integrate, settled } from './check.mjs'
import { Reach } from './reach.mjs'
import { readings } from './script.mjs'
import { showStateVector, view } from './view.mjs'

// Checks that the readings after each delivery are those of the yjs document that applied the same updates in the same order or, if
// yjs itself is inconsistent, those of its merged updates. The order of the keys of a map is the order in which they arrived, in
// yjs as well. It is compared only for updates in log order.
export function compareDocuments (current, documents) {
  const report = { failures: [], asMerged: 0 }
  const blur = readings => blurred(readings, current.blurSurrogates)
  current.deliveries.forEach(({ name, expected }, i) => {
    const { readings: read, whole, stateVector, encoded } = documents[i]
    const look = name.startsWith('log order') ? blur : readings => sorted(JSON.parse(blur(readings)))
    const [seen, shown] = [look(read), look(readings(expected.complete()))]
    if (seen !== shown) {
      if (seen === look(readings(integrate([expected.merged()])))) report.asMerged++
      else report.failures.push(`${name}: ${difference(seen, shown)}`)
    }
    const holes = expected.reach().hasHoles
    const lookWhole = holes ? readings => sorted(JSON.parse(blur(readings))) : blur
    const [seenWhole, shownWhole] = [lookWhole(whole), lookWhole(readings(holes ? expected.complete() : integrate([expected.whole()])))]
    if (seenWhole !== shownWhole) report.failures.push(`${name}, as one update: ${difference(seenWhole, shownWhole)}`)
    const loaded = integrate([encoded])
    const reached = expected.reach().stateVector()
    if (showStateVector(stateVector) !== showStateVector(reached)) {
      report.failures.push(`${name}: the state vector is ${showStateVector(stateVector)}, expected ${showStateVector(reached)}`)
    }
    if (holes) {
      const [filled, complete] = [integrate([new Reach([encoded]).withoutGaps()]), expected.complete()].map(doc => current.look(doc))
      if (filled !== complete) report.failures.push(`${name}: Encode: ${difference(filled, complete)}`)
    } else if (current.look(settled(loaded)) !== expected.shown() && current.look(loaded) !== expected.shownMerged()) {
      report.failures.push(`${name}: Encode: ${difference(current.look(loaded), expected.shown())}`)
    }
  })
  return report
}

function blurred (readings, surrogates) {
  const text = JSON.stringify(Object.keys(roots).map(name => readings[name]))
  return surrogates ? text.replace(/[\ud800-\udfff\ufffd]/g, '?') : text
}

// Returns JSON with sorted keys in all objects, including objects in strings of JSON.
function sorted (readings) {
  return JSON.stringify(readings.map(({ json, ...rest }) => json === undefined ? rest : JSON.stringify(JSON.parse(json), (_, value) => {
    if (Object(value) !== value || Array.isArray(value)) return value
    return Object.fromEntries(Object.entries(value).sort(([a], [b]) => a < b ? -1 : 1))
  })))
}

// Loads the encodings of a document into yjs and ywasm, and returns how they differ from the document that yjs made.
export function docFailures (made, encoded, encodedV2, stateVector) {
  const failures = []
  // V1 writes some values as JSON, which has no -0.
  const doc = integrate([Y.encodeStateAsUpdate(made)])
  const compare = (what, loaded) => {
    const [seen, shown] = [loaded, doc].map(some => view(some))
    if (seen !== shown) failures.push(`${what}: ${difference(seen, shown)}`)
    if (showStateVector(loaded) !== showStateVector(doc)) failures.push(`${what}: ${showStateVector(loaded)}, in yjs ${showStateVector(doc)}`)
  }
  compare('Encode in V1', integrate([encoded]))
  compare('Encode in V2', integrate([Y.convertUpdateFormatV2ToV1(encodedV2)]))
  if (showStateVector(stateVector) !== showStateVector(doc)) failures.push(`StateVector: ${showStateVector(stateVector)}, in yjs ${showStateVector(doc)}`)
  // ywasm truncates client ids to 32 bits.
  if ([...doc.store.clients.keys()].every(id => id < 2 ** 32)) failures.push(...wasmFailures(doc, encoded))
  return failures
}

function wasmFailures (doc, encoded) {
  const failures = []
  const wasm = new ywasm.YDoc({ guid: 'main' })
  ywasm.applyUpdate(wasm, encoded)
  for (const name of ['text', 'rich']) {
    const [got, expected] = [wasm.getText(name).toString(), doc.get(name, Y.Text).toString()]
    if (got !== expected) failures.push(`${name} in ywasm: ${difference(got, expected)}`)
  }
  if (showStateVector(ywasm.encodeStateVector(wasm)) !== showStateVector(doc)) failures.push(`ywasm: ${showStateVector(ywasm.encodeStateVector(wasm))}, in yjs ${showStateVector(doc)}`)
  wasm.free()
  return failures
}
