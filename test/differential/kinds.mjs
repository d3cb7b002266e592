// Makes documents whose roots hold content of several kinds, and reads each root as each kind. They are made by two clients of yjs 13 that
// use a root as different kinds, or by yjs 14, in which all types are of one kind.

import * as Y from 'yjs'
import * as Y14 from '../node_modules/@y/y/src/index.js'
import { Random } from './random.mjs'
import { stringify } from './script.mjs'

const kinds = {
  text: Y.Text,
  array: Y.Array,
  map: Y.Map,
  'xml-fragment': Y.XmlFragment,
  'xml-element': Y.XmlElement,
  'xml-text': Y.XmlText
}
const names = ['a', 'b', 'C']

// Returns a document as updates in V1 and V2, and what yjs reads: for each root and each kind { json, text, delta }. A value is null if yjs
// throws when it is read.
export function mixed (seed) {
  const random = new Random(seed * 6007)
  const by14 = random.chance(0.5)
  const updates = by14 ? edited14(random) : edited13(random)
  const readings = {}
  for (const name of names) {
    readings[name] = {}
    for (const [kind, Type] of Object.entries(kinds)) readings[name][kind] = read(updates, name, kind, Type)
  }
  return { by14, updates, updatesV2: updates.map(update => Y.convertUpdateFormatV1ToV2(update)), readings }
}

function read (updates, name, kind, Type) {
  const doc = new Y.Doc()
  const doc14 = new Y14.Doc()
  for (const update of updates) {
    Y.applyUpdate(doc, update)
    Y14.applyUpdate(doc14, update)
  }
  const type = doc.get(name, Type)
  if (kind === 'xml-element') type.nodeName = name // the name of a root element is not in the document
  const json = () => stringify(jsonOf(type, doc14.get(name)))
  const text = () => String(type.toString()).toWellFormed()
  return {
    json: unlessThrown(json),
    text: kind === 'array' || kind === 'map' ? null : unlessThrown(text),
    delta: type instanceof Y.Text ? unlessThrown(() => stringify(deltaOf(type, doc14.get(name)))) : null
  }
}

function unlessThrown (f) {
  try {
    return f()
  } catch {
    return null
  }
}

// Returns toJSON of a root, as yjs 13 prints it. Types in it that yjs 13 can't have made are as yjs 14 prints them.
function jsonOf (type, type14) {
  if (type instanceof Y.Array) {
    const list14 = type14.slice(0)
    return type.toArray().map((value, i) => memberOf(value, list14[i]))
  }
  if (type instanceof Y.Map) {
    return Object.fromEntries([...type.entries()].map(([key, value]) => [key, memberOf(value, type14.getAttr(key))]))
  }
  return type.toJSON()
}

// Returns toDelta of a root, as jsonOf does.
function deltaOf (type, type14) {
  const types14 = type14.slice(0).filter(value => value instanceof Y14.Type)
  return type.toDelta().map(op => op.insert instanceof Y.AbstractType ? { ...op, insert: memberOf(op.insert, types14.shift()) } : op)
}

function memberOf (value, value14) {
  if (value14 instanceof Y14.Type && isBeyondXML(value, value14)) return value14.toJSON()
  return value instanceof Y.AbstractType ? value.toJSON() : value
}

function isBeyondXML (type, type14) {
  if (!(type instanceof Y.XmlFragment)) return false
  if (!(type instanceof Y.XmlElement) && type14.attrSize > 0) return true
  for (let item = type._start; item !== null; item = item.right) {
    const { content } = item
    if (!item.deleted && item.countable && !(content instanceof Y.ContentString) && !(content instanceof Y.ContentType)) return true
  }
  return false
}

// ---- yjs 13

// Two clients use each root as kinds of their own.
function edited13 (random) {
  const docs = [1, 2].map(() => {
    const doc = new Y.Doc()
    doc.clientID = 1 + Math.floor(random.next() * (2 ** random.pick([7, 32, 53]) - 2))
    return doc
  })
  if (docs[0].clientID === docs[1].clientID) docs[1].clientID++
  for (const name of names) {
    const used = docs.map(doc => doc.get(name, random.pick(Object.values(kinds))))
    for (let n = random.between(1, 8); n > 0; n--) {
      const at = random.below(2)
      edit13(random, used[at])
      if (random.chance(0.4)) Y.applyUpdate(docs[1 - at], Y.encodeStateAsUpdate(docs[at], Y.encodeStateVector(docs[1 - at])))
    }
  }
  return docs.map(doc => Y.encodeStateAsUpdate(doc))
}

function edit13 (random, type) {
  const at = type instanceof Y.Map ? 0 : random.below(type.length + 1)
  if (!(type instanceof Y.Map) && type.length > at && random.chance(0.2)) return type.delete(at, 1)
  if (type instanceof Y.Text) {
    const formats = random.pick([undefined, { b: true }, { b: null, i: {} }])
    if (random.chance(0.2)) return type.insertEmbed(at, random.pick([{}, { x: 1 }]), formats)
    if (random.chance(0.1)) return type.setAttribute('k', 'v')
    return type.insert(at, random.pick(['x', 'yz', '😀']), formats)
  }
  if (type instanceof Y.XmlElement && random.chance(0.3)) return type.setAttribute(random.pick(['k', 'l']), 'v')
  if (type instanceof Y.XmlFragment) return type.insert(at, [random.chance(0.4) ? new Y.XmlText('t') : new Y.XmlElement(random.pick(['p', 'H1']))])
  const value = random.pick([() => 1, () => 'v', () => null, () => true, () => ({ o: [1] }), () => new Y.Map([['m', 1]]), () => new Y.Text('u'), () => new Uint8Array([1, 2]), () => new Y.Doc({ guid: 'd' })])()
  if (type instanceof Y.Map) type.set(random.pick(['k', 'l']), value)
  else type.insert(at, [value])
}

// ---- yjs 14

const bold = [undefined, { b: {} }, { b: null }, { i: { n: 1 }, b: {} }]

function newDoc14 (random) {
  const doc = new Y14.Doc()
  doc.clientID = 2 ** 52 + Math.floor(random.next() * 2 ** 52)
  return doc
}

function edited14 (random) {
  const docs = [newDoc14(random), newDoc14(random)]
  for (let n = random.between(3, 30); n > 0; n--) {
    const at = random.below(2)
    const type = random.pick(typesIn14(docs[at].get(random.pick(names)), []))
    edit14(random, type, true)
    if (random.chance(0.3)) Y14.applyUpdate(docs[1 - at], Y14.encodeStateAsUpdate(docs[at], Y14.encodeStateVector(docs[1 - at])))
  }
  return docs.map(doc => Y14.encodeStateAsUpdate(doc))
}

// Returns a type and the types in its list and its keys.
function typesIn14 (type, out) {
  out.push(type)
  for (const child of type.slice(0)) if (child instanceof Y14.Type) typesIn14(child, out)
  type.forEachAttr(value => { if (value instanceof Y14.Type) typesIn14(value, out) })
  return out
}

function edit14 (random, type, values) {
  const at = random.below(type.length + 1)
  const choice = random.next()
  if (choice < 0.15 && type.length > at) return type.delete(at, 1)
  if (choice < 0.3 && type.length > at) return type.format(at, random.between(1, Math.min(3, type.length - at)), random.pick(bold.slice(1)))
  if (choice < 0.6) return type.insert(at, random.pick(['x', 'yz', 'word']), random.pick(bold))
  if (choice < 0.75) return type.insert(at, [new Y14.Type(random.pick([null, 'p', 'IMG']))], random.pick(bold))
  if (choice < 0.9 || !values) return type.setAttr(random.pick(['k', 'l']), random.pick([() => 1, () => 'v', () => null, () => new Y14.Type()])())
  type.insert(at, random.pick([() => [1], () => ['v', null], () => [{ o: [1] }], () => [true, 1.5]])(), random.pick(bold))
}

// ---- edits

// Returns a document with roots of mixed content, edits of one root as a kind, and the update that yjs makes of them.
export function mixedEdits (seed) {
  const random = new Random(seed * 4273)
  const { updates } = mixed(seed)
  const doc = new Y.Doc()
  doc.clientID = 1000003
  const [name, kind] = [random.pick(names), random.pick(['text', 'array'])]
  const type = doc.get(name, kinds[kind])
  for (const update of updates) Y.applyUpdate(doc, update)
  const before = Y.encodeStateVector(doc)
  const edits = []
  doc.transact(() => {
    for (let n = random.between(1, 6); n > 0; n--) {
      const at = random.below(type.length + 1)
      const length = random.below(Math.min(4, type.length - at) + 1)
      const formats = random.pick([{}, { b: true }, { b: null, i: {} }])
      // An array of yjs counts a format as an element when it deletes.
      const op = kind === 'array' ? 'insertValue' : random.pick(['insert', 'embed', 'delete', 'format'])
      const text = random.pick(['x', 'yz'])
      edits.push({ op, at, length, formats, text })
      if (op === 'insertValue') type.insert(at, [text])
      else if (op === 'insert') type.insert(at, text, { ...formats })
      else if (op === 'embed') type.insertEmbed(at, new Y.XmlElement('IMG'), { ...formats })
      else if (length > 0 && op === 'delete') type.delete(at, length)
      else if (length > 0) type.format(at, length, { ...formats })
    }
  })
  return { updates, name, kind, edits, made: Y.encodeStateAsUpdate(doc, before) }
}

let edited

// Returns a document of yjs 14, and edits of the texts in it, which yjs 14 makes, too. A text is named by a root and a path of positions.
export function textEdits (seed) {
  const random = new Random(seed * 7717)
  const doc = newDoc14(random)
  const root = doc.get('doc')
  root.insert(0, [new Y14.Type('p'), new Y14.Type('h1')])
  for (let n = random.between(1, 12); n > 0; n--) edit14(random, random.pick(root.slice(0).filter(child => child instanceof Y14.Type && child.name !== null)), false)
  const update = Y14.encodeStateAsUpdate(doc)
  const edits = []
  for (let n = random.between(1, 10); n > 0; n--) {
    const path = random.below(2)
    const type = root.get(path)
    const at = random.below(type.length + 1)
    const length = random.below(Math.min(4, type.length - at) + 1)
    const formats = random.pick([{}, { b: {} }, { i: { n: 1 } }, { b: null, i: {} }])
    const op = random.pick(['insert', 'insert', 'embed', 'delete', 'format'])
    const text = random.pick(['x', 'yz'])
    edits.push({ path, op, at, length, formats, text })
    if (op === 'insert') type.insert(at, text, { ...formats })
    else if (op === 'embed') type.insert(at, [new Y14.Type('IMG')], { ...formats })
    else if (op === 'delete') type.delete(at, length)
    else if (length > 0) type.format(at, length, { ...formats })
  }
  edited = doc
  return { update, edits }
}

// Compares a document that made the edits.
export function textEditFailures (update) {
  const doc = new Y14.Doc()
  Y14.applyUpdate(doc, update)
  const [got, expected] = [doc, edited].map(some => JSON.stringify(some.get('doc').toDeltaDeep(), withSortedKeys))
  return got === expected ? [] : [`\n  got      ${got}\n  expected ${expected}`]
}

function withSortedKeys (_, value) {
  if (Object(value) !== value || Array.isArray(value) || value.toJSON !== undefined) return value
  return Object.fromEntries(Object.entries(value).sort(([a], [b]) => a < b ? -1 : 1))
}
