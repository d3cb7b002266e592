// Random histories: a few yjs documents are edited concurrently and receive each other's
// updates now and then. Every update that one of them makes is logged.

import * as Y from 'yjs'
import { Random } from './random.mjs'

// The root types that every profile draws from.
export const roots = {
  text: Y.Text,
  rich: Y.Text,
  map: Y.Map,
  array: Y.Array,
  xml: Y.XmlFragment,
  '': Y.Map
}

const profiles = {
  text: { start: ['text'], ops: [editText] },
  rich: { start: ['rich'], ops: [editRich] },
  collections: { start: ['map', 'array', ''], ops: [editTypes], nest: nestCollections },
  xml: { start: ['xml'], ops: [editTypes], nest: nestXml },
  mixed: { start: Object.keys(roots), ops: [editTypes, editTypes, editTypes, undoOrRedo], nest: nestAnything, undo: true, subdocs: true },
  surrogates: { start: ['text', 'rich'], ops: [editText, editRich], split: true }
}

export const profileNames = Object.keys(profiles)

const remote = Symbol('remote')

// Returns the updates in V1, in the order in which they were made.
export function generate (seed, profileName) {
  return history(seed, profileName).map(({ v1 }) => v1)
}

// Returns the updates as { v1, v2 }, in both encodings of yjs. gc is the share of the documents that collect garbage.
export function history (seed, profileName, gc = 0.9) {
  const profile = profiles[profileName]
  const random = new Random(seed * 7919 + profileNames.indexOf(profileName))
  const world = { random, profile, gc, log: [], counter: 0 }
  const peers = []
  for (let i = random.between(2, 4); i > 0; i--) {
    peers.push(newPeer(world, peers))
  }
  for (let steps = random.between(15, 70); steps > 0; steps--) {
    const peer = random.pick(peers)
    if (random.chance(0.25)) {
      receive(world, peer)
    } else if (random.chance(0.03)) {
      // What a provider sends when it reconnects: garbage-collected blocks and several clients in one update.
      const other = random.pick(peers)
      const stateVector = random.chance(0.5) ? Y.encodeStateVector(other.doc) : undefined
      world.log.push({ peer, v1: Y.encodeStateAsUpdate(peer.doc, stateVector), v2: Y.encodeStateAsUpdateV2(peer.doc, stateVector) })
    } else {
      const edits = random.chance(0.2) ? random.between(2, 4) : 1
      const op = random.pick(profile.ops)
      if (op === undoOrRedo) {
        op(world, peer)
      } else {
        peer.doc.transact(() => {
          for (let i = 0; i < edits; i++) op(world, peer)
        })
      }
    }
  }
  for (const peer of peers) {
    peer.undo?.destroy()
  }
  return world.log.map(({ v1, v2 }) => ({ v1, v2 }))
}

function newPeer (world, others) {
  const { random, profile, gc } = world
  const doc = new Y.Doc({ guid: 'main', gc: random.chance(gc) })
  do {
    const size = random.pick([7, 14, 32, 53])
    doc.clientID = 1 + Math.floor(random.next() * (2 ** size - 2))
  } while (others.some(other => other.doc.clientID === doc.clientID))
  const peer = { doc, received: new Set() }
  let entry = null
  doc.on('update', (v1, origin) => {
    entry = origin !== remote || random.chance(0.02) ? { peer, v1 } : null
    if (entry !== null) world.log.push(entry)
  })
  // This event follows directly after the one above.
  doc.on('updateV2', v2 => {
    if (entry !== null) entry.v2 = v2
  })
  const types = profile.start.map(name => doc.get(name, roots[name]))
  if (profile.undo) {
    peer.undo = new Y.UndoManager(types, { captureTimeout: 0 })
  }
  return peer
}

// The peer receives some of the updates that it lacks: in order, or with gaps.
function receive ({ random, log }, peer) {
  const news = log.filter(entry => entry.peer !== peer && !peer.received.has(entry))
  const everything = random.chance(0.3)
  const upTo = everything ? news.length : random.below(news.length + 1)
  const gaps = random.chance(0.2)
  for (const entry of news.slice(0, upTo)) {
    if (gaps && random.chance(0.3)) continue
    peer.received.add(entry)
    Y.applyUpdate(peer.doc, entry.v1, remote)
  }
}

function undoOrRedo ({ random }, { undo }) {
  if (random.chance(0.6)) undo.undo()
  else undo.redo()
}

// ---- text

const letters = ['a', 'b', 'c', ' ', '\n', 'é', '中', '\u0000', '😀', '👩‍👩‍👧', '🇨🇭', 'Z']

export function someText (random) {
  let out = ''
  for (let i = random.between(1, 5); i > 0; i--) out += random.pick(letters)
  return out
}

// Returns the positions that edits may use: those between code points, or all of them if surrogate pairs may be split.
export function positions (text, split) {
  const out = [0]
  let at = 0
  for (const { insert } of text.toDelta()) {
    if (typeof insert !== 'string') {
      out.push(++at)
    } else if (split) {
      for (let i = 0; i < insert.length; i++) out.push(++at)
    } else {
      for (const point of insert) out.push(at += point.length)
    }
  }
  return out
}

export function range (random, at) {
  const from = random.below(at.length)
  const to = Math.min(at.length - 1, from + random.between(1, 6))
  return [at[from], at[to] - at[from]]
}

function editText (world, peer) {
  plainEdit(world, peer.doc.get('text', Y.Text))
}

// The position after the last insertion. Half of the insertions continue there, as in typing.
const carets = new WeakMap()

function place (random, text, at, length) {
  const caret = carets.get(text)
  const from = random.chance(0.5) && at.includes(caret) ? caret : random.pick(at)
  carets.set(text, from + length)
  return from
}

function plainEdit ({ random, profile }, text) {
  const at = positions(text, profile.split)
  if (random.chance(0.65)) {
    const inserted = someText(random)
    text.insert(place(random, text, at, inserted.length), inserted)
  } else {
    const [from, length] = range(random, at)
    if (length > 0) text.delete(from, length)
  }
}

function editRich (world, peer) {
  richEdit(world, peer.doc.get('rich', Y.Text))
}

export function someFormat (random) {
  return random.pick([
    { bold: true },
    { bold: null },
    { italic: true, bold: true },
    { italic: null },
    { colour: random.pick(['', 'red', '😀']) },
    { colour: null },
    { link: { href: '/' + random.below(3), '': [null, -0, 1.5] } },
    { '': '' }
  ])
}

function richEdit (world, text) {
  const { random, profile } = world
  const at = positions(text, profile.split)
  const choice = random.next()
  if (choice < 0.35) {
    const inserted = someText(random)
    text.insert(place(random, text, at, inserted.length), inserted, random.chance(0.5) ? undefined : random.chance(0.3) ? {} : someFormat(random))
  } else if (choice < 0.6) {
    const [from, length] = range(random, at)
    if (length > 0) text.format(from, length, someFormat(random))
  } else if (choice < 0.7) {
    const embed = random.chance(0.7) || profile.nest === undefined ? random.pick([{ image: 'x.png' }, {}, { '': null, n: [1, -0, NaN], u: undefined }]) : profile.nest(world)
    text.insertEmbed(random.pick(at), embed, random.chance(0.5) ? {} : someFormat(random))
  } else if (choice < 0.75) {
    text.applyDelta([{ retain: random.pick(at) }, { insert: someText(random), attributes: someFormat(random) }])
  } else if (choice < 0.78) {
    text.setAttribute(random.pick(['', 'dir', 'k']), someValue(random, 1))
  } else {
    const [from, length] = range(random, at)
    if (length > 0) text.delete(from, length)
  }
}

// ---- values

const scalars = [
  null, true, false, '', 'text', '😀 emoji', 0, -0, 1, -1, 63, 64, -64, 2 ** 31, -(2 ** 31), 2 ** 53 - 1, -(2 ** 53 - 1), 1.5, 0.1, 1e300, 3.4e38,
  NaN, Infinity, -Infinity
]

export function someValue (random, depth) {
  const choice = random.next()
  if (choice < 0.65 || depth === 0) return random.pick(scalars)
  if (choice < 0.72) return new Uint8Array(random.below(5)).map(() => random.below(256))
  if (choice < 0.76) return random.pick([0n, -1n, 2n ** 63n - 1n, -(2n ** 63n)])
  if (choice < 0.88) {
    return Array.from({ length: random.below(4) }, () => random.chance(0.1) ? undefined : someValue(random, depth - 1))
  }
  const object = {}
  for (let i = random.below(4); i > 0; i--) {
    object[random.pick(['z', 'a', '', '😀', 'key', '1'])] = random.chance(0.1) ? undefined : someValue(random, depth - 1)
  }
  return object
}

// ---- nested types

function nestCollections ({ random }) {
  return random.pick([
    () => new Y.Map(),
    () => new Y.Map([['', 'x'], ['a', -0]]),
    () => new Y.Array(),
    () => Y.Array.from([1, 'two', null]),
    () => new Y.Text('nested')
  ])()
}

function nestXml (world) {
  const { random } = world
  if (random.chance(0.45)) {
    const text = new Y.XmlText()
    text.insert(0, someText(random))
    return text
  }
  if (random.chance(0.03)) return new Y.XmlHook('hook')
  const element = new Y.XmlElement(random.pick(['p', 'h1', 'ul', 'li', '', 'äß']))
  if (random.chance(0.4)) element.setAttribute(random.pick(['id', 'class', '']), random.pick(['', 'x', '"<&']))
  if (random.chance(0.3)) element.insert(0, [nestXml(world)])
  return element
}

function nestAnything (world) {
  return world.random.chance(0.5)
    ? nestCollections(world)
    : world.random.chance(0.1) ? new Y.XmlFragment() : nestXml(world)
}

export function typesIn (type, out) {
  out.push(type)
  for (let item = type._start; item !== null; item = item.right) {
    if (!item.deleted && item.content instanceof Y.ContentType) typesIn(item.content.type, out)
  }
  for (const item of type._map.values()) {
    if (!item.deleted && item.content instanceof Y.ContentType) typesIn(item.content.type, out)
  }
  return out
}

function editTypes (world, peer) {
  const { random, profile } = world
  const root = random.pick(profile.start)
  const type = random.pick(typesIn(peer.doc.get(root, roots[root]), []))
  if (type instanceof Y.XmlHook || type instanceof Y.Map) editMap(world, type)
  else if (type instanceof Y.XmlText) random.chance(0.9) ? richEdit(world, type) : editAttribute(world, type)
  else if (type instanceof Y.Text) random.chance(0.5) ? richEdit(world, type) : plainEdit(world, type)
  else if (type instanceof Y.XmlElement && random.chance(0.3)) editAttribute(world, type)
  else editList(world, type)
}

function editAttribute ({ random }, type) {
  const name = random.pick(['id', 'class', '', 'level'])
  if (random.chance(0.75)) type.setAttribute(name, random.pick(['', 'x', 'ÿ', '😀', 1, null]))
  else type.removeAttribute(name)
}

function someSubdocument (world) {
  return new Y.Doc({
    guid: 'sub' + world.counter++,
    autoLoad: world.random.chance(0.5),
    meta: world.random.pick([undefined, null, { '': -0 }])
  })
}

function editMap (world, map) {
  const { random, profile } = world
  const key = random.pick(['', 'a', 'b', 'c', '😀'])
  if (random.chance(0.2)) {
    map.delete(key)
  } else if (random.chance(0.3)) {
    map.set(key, profile.nest(world))
  } else if (profile.subdocs && random.chance(0.1)) {
    map.set(key, someSubdocument(world))
  } else {
    map.set(key, random.chance(0.1) ? undefined : someValue(random, 2))
  }
}

function editList (world, list) {
  const { random, profile } = world
  const xml = list instanceof Y.XmlFragment
  const choice = random.next()
  if (choice < 0.35 && list.length > 0) {
    const from = random.below(list.length)
    list.delete(from, Math.min(list.length - from, random.between(1, 4)))
  } else if (xml || choice < 0.5) {
    list.insert(random.below(list.length + 1), Array.from({ length: random.between(1, 2) }, () => xml ? nestXml(world) : profile.nest(world)))
  } else if (profile.subdocs && choice < 0.55) {
    list.insert(random.below(list.length + 1), [someSubdocument(world)])
  } else if (choice < 0.6) {
    appendJSON(list, Array.from({ length: random.between(1, 3) }, () => random.pick([undefined, null, '', 0, -0.5, { '': [] }])))
  } else {
    // yjs accepts a BigInt in an array only inside another value.
    const value = () => {
      const some = someValue(random, 2)
      return typeof some === 'bigint' ? [some] : some
    }
    const at = random.chance(0.5) ? list.length : random.below(list.length + 1)
    list.insert(at, Array.from({ length: random.between(1, 4) }, value))
  }
}

// Appends JSON content, which old documents contain and current versions of yjs only read.
function appendJSON (list, values) {
  list.doc.transact(transaction => {
    const { store, clientID } = list.doc
    let left = list._start
    while (left !== null && left.right !== null) left = left.right
    const id = Y.createID(clientID, Y.getState(store, clientID))
    new Y.Item(id, left, left && left.lastId, null, null, list, null, new Y.ContentJSON(values)).integrate(transaction, 0)
  })
}
