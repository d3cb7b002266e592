// Writes transcripts: random edits of a yjs document with their results, which a Doc must
// reproduce. Run it in test/, which has the npm modules:
//
//   node ../yjs/testdata/transcripts.mjs FIRST-SEED END >>../yjs/testdata/transcripts.jsonl

import { createRequire } from 'node:module'
import { pathToFileURL } from 'node:url'

const require = createRequire(pathToFileURL(process.cwd() + '/'))
const Y = await import(pathToFileURL(require.resolve('yjs').replace('dist/yjs.cjs', 'dist/yjs.mjs')))
const { Random } = await import(pathToFileURL(process.cwd() + '/differential/random.mjs'))

const roots = { text: Y.Text, array: Y.Array, map: Y.Map, xml: Y.XmlFragment }
const make = {
  text: () => new Y.Text(),
  array: () => new Y.Array(),
  map: () => new Y.Map(),
  'xml-element': name => new Y.XmlElement(name),
  'xml-text': () => new Y.XmlText()
}

function transcript (seed) {
  const random = new Random(seed * 31 + 7)
  const docs = [1, 2].map(n => {
    const doc = new Y.Doc({ guid: 'main' })
    doc.clientID = n === 1 ? 100 : random.pick([7, 2000])
    for (const [name, Type] of Object.entries(roots)) doc.get(name, Type)
    return doc
  })
  const steps = []
  const sent = []
  docs[1].on('update', update => sent.push(update))
  for (let i = 0; i < 25; i++) {
    const [doc, other] = docs
    if (random.chance(0.3)) {
      if (random.chance(0.5)) Y.applyUpdate(other, Y.encodeStateAsUpdate(doc, Y.encodeStateVector(other)))
      sent.length = 0
      other.transact(() => edits(random, other))
      if (sent.length === 0) continue
      const update = sent[0]
      Y.applyUpdate(doc, update)
      steps.push({ apply: base64(update), encoded: base64(Y.encodeStateAsUpdate(doc)), shows: show(doc, i) })
      continue
    }
    let update = null
    doc.once('update', u => { update = u })
    let ops
    doc.transact(() => { ops = edits(random, doc) })
    steps.push({ ops, update: update === null ? undefined : base64(update), shows: show(doc, i) })
  }
  return { seed, client: 100, steps }
}

function show (doc, step) {
  // A delta refers to types that later edits change, so it is printed at once.
  return {
    text: JSON.parse(JSON.stringify(doc.getText('text').toDelta())),
    array: doc.getArray('array').toJSON(),
    map: doc.getMap('map').toJSON(),
    xml: doc.getXmlFragment('xml').toString(),
    positions: step % 8 === 7 ? positions(doc) : []
  }
}

// Returns relative positions in each text and list: encoded, as JSON, and resolved.
function positions (doc) {
  return ['text', 'array', 'xml'].flatMap(name => {
    const type = doc.get(name)
    return [[0, 0], [type.length >> 1, -1], [type.length, 0], [type.length, -1], [type.length >> 1, 0]].map(([at, assoc]) => {
      const p = Y.createRelativePositionFromTypeIndex(type, at, assoc)
      const { index } = Y.createAbsolutePositionFromRelativePosition(Y.decodeRelativePosition(Y.encodeRelativePosition(p)), doc)
      return { name, at, assoc, bytes: base64(Y.encodeRelativePosition(p)), json: JSON.stringify(Y.relativePositionToJSON(p)), index }
    })
  })
}

function base64 (bytes) { return Buffer.from(bytes).toString('base64') }

function edits (random, doc) {
  const ops = []
  for (let n = random.chance(0.3) ? random.between(2, 4) : 1; n > 0; n--) {
    const [path, type] = random.pick(types(doc))
    const op = { path, ...edit(random, type) }
    perform(type, op)
    ops.push(op)
  }
  return ops
}

// Returns all types with their paths: the name of the root, then positions and keys.
function types (doc) {
  const out = []
  const walk = (path, type) => {
    out.push([path, type])
    let at = 0
    for (let item = type._start; item !== null; item = item.right) {
      if (item.deleted || !item.countable) continue
      if (item.content instanceof Y.ContentType) walk([...path, at], item.content.type)
      at += item.length
    }
    for (const [key, item] of type._map) {
      if (!item.deleted && item.content instanceof Y.ContentType) walk([...path, key], item.content.type)
    }
  }
  for (const name of Object.keys(roots)) walk([name], doc.get(name))
  return out
}

const texts = ['a', 'bc', ' ', 'é中', '😀', 'x😀y', '\n', 'longer text']
const formats = [
  { bold: true }, { bold: null }, { italic: true, bold: true }, { colour: 'red' }, { colour: null }, { 2: 1, 1: 2, '': 'x' },
  { link: { href: '/a' } }, { link: { href: '/a', n: 1 } }
]
const values = [
  null, true, false, 0, -1, 63, 64, 1.5, 0.1, 1e21, 1e-7, 2 ** 31, 2 ** 53 - 1, '', 'text', '😀', [], [1, ['x', null]], {}, { b: 1, a: { 2: 'x', 1: 'y' } },
  { $bytes: 'AQL/' }, { $bytes: '' }
]
const keys = ['a', 'b', '', '10', '9', '😀', 'x y']

function someValue (random, kinds) {
  return random.chance(0.3) ? { $type: random.pick(kinds) } : random.pick(values)
}

function someRange (random, length) {
  const at = random.below(length + 1)
  return { at, n: Math.min(length - at, random.between(1, 5)) }
}

function someNode (random) {
  return random.chance(0.5) ? { $type: 'xml-text' } : { $type: 'xml-element', name: random.pick(['p', 'H1', 'li']) }
}

function edit (random, type) {
  const choice = random.next()
  if (type instanceof Y.Text) {
    if (choice < 0.4) {
      return { op: 'insert', at: random.below(type.length + 1), text: random.pick(texts), attrs: random.chance(0.5) ? null : random.chance(0.2) ? {} : random.pick(formats) }
    }
    if (choice < 0.65) return { op: 'format', ...someRange(random, type.length), attrs: random.pick(formats) }
    if (choice < 0.85) return { op: 'delete', ...someRange(random, type.length) }
    if (choice < 0.93) {
      const embed = random.pick([{ $type: 'map' }, { $type: 'xml-text' }, { image: 'x.png' }, { a: [1, null] }, 'string', 1])
      return { op: 'embed', at: random.below(type.length + 1), value: embed, attrs: random.pick([{}, ...formats]) }
    }
    const { at, n } = someRange(random, type.length)
    const delta = [{ insert: random.pick(texts), attributes: random.pick(formats) }]
    if (at > 0) delta.unshift({ retain: at })
    if (n > 0) delta.push(random.chance(0.5) ? { delete: n } : { retain: n, attributes: random.pick(formats) })
    return { op: 'delta', delta }
  }
  if (type instanceof Y.Map) {
    return choice < 0.2
      ? { op: 'remove', key: random.pick(keys) }
      : { op: 'set', key: random.pick(keys), value: someValue(random, ['text', 'array', 'map', 'xml-text']) }
  }
  if (type instanceof Y.XmlElement && choice < 0.25) {
    return choice < 0.05
      ? { op: 'unset', key: random.pick(keys) }
      : { op: 'attribute', key: random.pick(keys), value: random.pick(['', 'x', '"<', 1, null, true, [1, null, 'x']]) }
  }
  if (choice < 0.5 && type.length > 0) return { op: 'delete', ...someRange(random, type.length) }
  const list = Array.from({ length: random.between(1, 3) }, () => type instanceof Y.XmlFragment ? someNode(random) : someValue(random, ['text', 'array', 'map']))
  if (type instanceof Y.Array && choice > 0.85) return { op: 'push', values: list }
  return { op: 'insert', at: random.below(type.length + 1), values: list }
}

function real (value) {
  if (value?.$type !== undefined) return make[value.$type](value.name)
  if (value?.$bytes !== undefined) return new Uint8Array(Buffer.from(value.$bytes, 'base64'))
  return value
}

function perform (type, op) {
  const attrs = op.attrs == null ? undefined : structuredClone(op.attrs)
  switch (op.op) {
    case 'insert':
      if (op.text !== undefined) type.insert(op.at, op.text, attrs)
      else type.insert(op.at, op.values.map(real))
      break
    case 'push': type.push(op.values.map(real)); break
    case 'embed': type.insertEmbed(op.at, real(op.value), attrs); break
    case 'format': type.format(op.at, op.n, attrs); break
    case 'delete': type.delete(op.at, op.n); break
    case 'delta': type.applyDelta(JSON.parse(JSON.stringify(op.delta))); break
    case 'set': type.set(op.key, real(op.value)); break
    case 'remove': type.delete(op.key); break
    case 'attribute': type.setAttribute(op.key, op.value); break
    case 'unset': type.removeAttribute(op.key); break
  }
}

for (let seed = +process.argv[2]; seed < +process.argv[3]; seed++) {
  console.log(JSON.stringify(transcript(seed)))
}
