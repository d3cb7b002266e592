// Scripts: the updates that a document receives and the edits that it makes, with the
// result of yjs for each step. A document that follows a script has to make the same
// updates and to have the same contents at the end.

import * as Y from 'yjs'
import { positions, range, roots, someFormat, someText, someValue, typesIn } from './generate.mjs'
import { Random } from './random.mjs'

const profiles = {
  text: ['text'],
  rich: ['rich'],
  collections: ['map', 'array', ''],
  xml: ['xml'],
  mixed: Object.keys(roots)
}

export const scriptProfiles = Object.keys(profiles)

// A step is { update, version } for an update of another document, or { edits, made } for a transaction and its update in V1, which is
// null if nothing changed.
export function script (seed, profile) {
  const random = new Random(seed * 104729 + scriptProfiles.indexOf(profile))
  const names = profiles[profile]
  const author = newDoc(random, [])
  const others = [newDoc(random, [author]), newDoc(random, [author])]
  others[1].clientID = others[0].clientID + 1
  const steps = []
  const undelivered = new Map(others.map(other => [other, []]))
  for (const other of others) {
    other.on('update', (v1, origin) => { if (origin === 'own') undelivered.get(other).push(v1) })
  }
  for (let left = random.between(10, 50); left > 0; left--) {
    const choice = random.next()
    if (choice < 0.3) {
      const other = random.pick(others)
      if (random.chance(0.5)) Y.applyUpdate(other, Y.encodeStateAsUpdate(author, Y.encodeStateVector(other)))
      transact(random, other, names)
    } else if (choice < 0.45) {
      deliver(random, author, random.pick([...undelivered.values()]), steps)
    } else {
      steps.push(transact(random, author, names))
    }
  }
  for (const news of undelivered.values()) while (news.length > 0) deliver(random, author, news, steps)
  return { clientID: author.clientID, steps, doc: author }
}

function newDoc (random, others) {
  const doc = new Y.Doc({ guid: 'main' })
  do {
    doc.clientID = 1 + Math.floor(random.next() * (2 ** random.pick([7, 32, 53]) - 4))
  } while (others.some(other => Math.abs(other.clientID - doc.clientID) < 2))
  for (const name in roots) doc.get(name, roots[name])
  return doc
}

// The author receives the first undelivered update, or sometimes a later one, unless blocks would be pending: yjs 13 doesn't show what
// is behind a gap, as package yjs does.
function deliver (random, author, news, steps) {
  if (news.length === 0) return
  const at = random.chance(0.2) ? random.below(news.length) : 0
  const [v1] = news.splice(leavesPending(author, news[at]) ? 0 : at, 1)
  const version = random.pick([1, 2])
  Y.applyUpdate(author, v1)
  steps.push({ update: version === 1 ? v1 : Y.convertUpdateFormatV1ToV2(v1), version })
}

function leavesPending (doc, update) {
  const copy = new Y.Doc({ guid: 'main' })
  Y.applyUpdate(copy, Y.encodeStateAsUpdate(doc))
  Y.applyUpdate(copy, update)
  return copy.store.pendingStructs !== null
}

function transact (random, doc, names) {
  const edits = []
  let made = null
  const listen = update => { made = update }
  doc.on('update', listen)
  doc.transact(() => {
    for (let n = random.chance(0.3) ? random.between(2, 4) : 1; n > 0; n--) {
      const name = random.pick(names)
      edit(random, random.pick(typesIn(doc.get(name, roots[name]), [])), profileNest(names), edits)
    }
  }, 'own')
  doc.off('update', listen)
  return { edits, made }
}

// Returns the path of a type: the name of its root, then keys and positions.
export function pathOf (type) {
  const path = []
  for (; type._item !== null; type = type._item.parent) {
    const item = type._item
    if (item.parentSub !== null) {
      path.unshift(item.parentSub)
      continue
    }
    let at = 0
    for (let left = item.left; left !== null; left = left.left) {
      if (!left.deleted && left.countable) at += left.length
    }
    path.unshift(at)
  }
  path.unshift(Object.keys(roots).find(name => type.doc.share.get(name) === type))
  return path
}

// Performs a random edit of a type and records it.
function edit (random, type, nest, edits) {
  const on = pathOf(type)
  const record = (op, args = {}) => edits.push({ on, op, ...args })
  if (type instanceof Y.XmlHook) return
  if (type instanceof Y.Map) return editMap(random, type, nest, record)
  if (type instanceof Y.Text) return editText(random, type, nest, record)
  if (type instanceof Y.XmlElement && random.chance(0.3)) return editAttribute(random, type, record)
  editList(random, type, nest, record)
}

function editText (random, text, nest, record) {
  const at = positions(text, false)
  const choice = random.next()
  const [from, length] = range(random, at)
  if (choice < 0.4) {
    const [index, inserted] = [random.pick(at), someText(random)]
    const attributes = random.chance(0.5) ? undefined : random.chance(0.3) ? {} : someFormat(random)
    text.insert(index, inserted, attributes)
    record('insertText', { at: index, text: inserted, attributes: attributes && tag(attributes) })
  } else if (choice < 0.6) {
    const attributes = someFormat(random)
    if (length > 0) {
      text.format(from, length, attributes)
      record('format', { at: from, length, attributes: tag(attributes) })
    }
  } else if (choice < 0.7) {
    const index = random.pick(at)
    const attributes = random.chance(0.5) ? {} : someFormat(random)
    if (nest !== null && random.chance(0.3)) {
      const made = newType(random, nest)
      text.insertEmbed(index, made.type, attributes)
      record('embedType', { at: index, type: made.is, attributes: tag(attributes) })
    } else {
      const embed = random.pick([{ image: 'x.png' }, {}, { '': null, n: [1, -0.5] }])
      text.insertEmbed(index, embed, attributes)
      record('embed', { at: index, value: tag(embed), attributes: tag(attributes) })
    }
  } else if (choice < 0.76) {
    const delta = [{ retain: random.pick(at) }, { insert: someText(random), attributes: someFormat(random) }]
    if (delta[0].retain === 0) delta.shift()
    text.applyDelta(delta)
    record('applyDelta', { delta: delta.map(({ retain, insert, attributes }) => ({ retain, insert, attributes: attributes && tag(attributes) })) })
  } else if (length > 0) {
    text.delete(from, length)
    record('delete', { at: from, length })
  }
}

function editAttribute (random, type, record) {
  const key = random.pick(['id', 'class', '', 'level'])
  if (random.chance(0.75)) {
    const value = random.pick(['', 'x', 'ÿ', '😀', 1, null])
    type.setAttribute(key, value)
    record('setAttribute', { key, value: tag(value) })
  } else {
    type.removeAttribute(key)
    record('removeAttribute', { key })
  }
}

function editMap (random, map, nest, record) {
  const key = random.pick(['', 'a', 'b', 'c', '😀', '10', '9'])
  if (random.chance(0.2)) {
    map.delete(key)
    record('deleteKey', { key })
  } else if (random.chance(0.3)) {
    const made = newType(random, nest)
    map.set(key, made.type)
    record('setType', { key, type: made.is })
  } else {
    const value = random.chance(0.1) ? undefined : someValue(random, 2)
    map.set(key, value)
    record('set', { key, value: tag(value) })
  }
}

function editList (random, list, nest, record) {
  const isXml = list instanceof Y.XmlFragment
  const choice = random.next()
  if (choice < 0.35 && list.length > 0) {
    const from = random.below(list.length)
    const length = Math.min(list.length - from, random.between(1, 4))
    list.delete(from, length)
    record('delete', { at: from, length })
    return
  }
  const at = random.chance(0.5) ? list.length : random.below(list.length + 1)
  if (isXml || choice < 0.5) {
    const made = newType(random, isXml ? nestXml : nest)
    list.insert(at, [made.type])
    record('insertType', { at, type: made.is })
    return
  }
  const values = Array.from({ length: random.between(1, 4) }, () => {
    const some = someValue(random, 2)
    return typeof some === 'bigint' ? [some] : some
  })
  list.insert(at, values)
  record('insert', { at, values: values.map(tag) })
}

// ---- nested types, empty: later edits fill them

function profileNest (names) {
  return names.includes('xml') && names.length === 1 ? nestXml : names.length === 1 ? null : names.includes('xml') ? nestAnything : nestCollections
}

const nestCollections = random => random.pick([['Map'], ['Array'], ['Text']])
const nestXml = random => random.chance(0.45) ? ['XmlText'] : ['XmlElement', random.pick(['p', 'h1', 'ul', '', 'äß'])]
const nestAnything = random => random.chance(0.5) ? nestCollections(random) : random.chance(0.1) ? ['XmlFragment'] : nestXml(random)

function newType (random, nest) {
  const is = nest(random)
  return { is, type: new Y[is[0]](...is.slice(1)) }
}

// Returns the JSON of a value with its type, so that all values can be distinguished.
export function tag (value) {
  if (value === undefined) return ['undefined']
  if (value === null) return ['null']
  if (value instanceof Uint8Array) return ['bytes', Buffer.from(value).toString('base64')]
  if (Array.isArray(value)) return ['array', value.map(tag)]
  switch (typeof value) {
    case 'string': return ['string', value]
    case 'boolean': return ['boolean', value]
    case 'bigint': return ['bigint', String(value)]
    case 'number': return ['number', Object.is(value, -0) ? '-0' : String(value)]
  }
  return ['object', Object.entries(value).map(([key, member]) => [key, tag(member)])]
}

// Returns the contents of the roots of a document: JSON, the delta of text, and XML. A lone surrogate, which UTF-8 can't represent, is
// U+FFFD.
export function readings (doc) {
  const out = {}
  for (const name in roots) {
    const type = doc.get(name, roots[name])
    out[name] = { json: stringify(type.toJSON()) }
    if (type instanceof Y.Text) out[name] = { text: type.toString().toWellFormed(), delta: stringify(type.toDelta()) }
    if (type instanceof Y.XmlFragment) out[name] = { text: type.toString().toWellFormed() }
  }
  return out
}

// JSON.stringify, but it writes the digits of a BigInt instead of throwing.
export function stringify (value) {
  const text = JSON.stringify(value, (_, some) => typeof some === 'bigint' ? `bigint ${some}` : some)
  return text.replace(/"bigint (-?[0-9]+)"/g, '$1').replace(/\\ud[89a-f][0-9a-f]{2}/g, '\ufffd')
}

// Returns relative positions in all types of a document, with the positions that they resolve to.
export function relativePositions (doc, seed) {
  const random = new Random(seed)
  const out = []
  for (const name in roots) {
    for (const type of typesIn(doc.get(name, roots[name]), [])) {
      if (type instanceof Y.Map || random.chance(0.5)) continue
      const index = random.below(type.length + 1)
      const assoc = random.pick([0, -1])
      const position = Y.createRelativePositionFromTypeIndex(type, index, assoc)
      const absolute = Y.createAbsolutePositionFromRelativePosition(position, doc)
      out.push({
        on: pathOf(type),
        index,
        assoc,
        encoded: Y.encodeRelativePosition(position),
        json: JSON.stringify(Y.relativePositionToJSON(position)),
        resolved: absolute === null ? null : { on: pathOf(absolute.type), index: absolute.index }
      })
    }
  }
  return out
}
