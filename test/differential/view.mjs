// Describes the contents of a document as a string. Two documents have the same string
// if and only if readers can't distinguish them.

import * as Y from 'yjs'
import { roots } from './generate.mjs'

export function view (doc, blurSurrogates = false) {
  const out = {}
  for (const [name, Type] of Object.entries(roots)) {
    out[name] = show(doc.get(name, Type))
  }
  for (const name of [...doc.share.keys()].sort()) {
    const type = doc.share.get(name)
    // A block that is already known creates the root that it names. An empty root is invisible.
    if (!(name in roots) && (type._start !== null || type._map.size > 0)) out['?' + name] = showRaw(type)
  }
  const text = JSON.stringify(out)
  // A surrogate pair becomes U+FFFD when it is split. Documents may differ in whether they have split it yet.
  return blurSurrogates ? text.replace(/\\ud[89a-f][0-9a-f]{2}|[\ud800-\udfff\ufffd]/g, '?') : text
}

function show (value) {
  if (value instanceof Y.Text) return [value.constructor.name, delta(value), entries(value.getAttributes())]
  if (value instanceof Y.XmlHook) return ['XmlHook', value.hookName, mapEntries(value)]
  if (value instanceof Y.Map) return ['Map', mapEntries(value)]
  if (value instanceof Y.Array) return ['Array', value.toArray().map(show)]
  if (value instanceof Y.XmlElement) return ['XmlElement', value.nodeName, entries(value.getAttributes()), value.toArray().map(show)]
  if (value instanceof Y.XmlFragment) return ['XmlFragment', value.toArray().map(show)]
  if (value instanceof Y.AbstractType) return showRaw(value)
  if (value instanceof Y.Doc) return ['Doc', value.guid, value.autoLoad, show(value.meta)]
  if (value instanceof Uint8Array) return ['bytes', Buffer.from(value).toString('hex')]
  switch (typeof value) {
    case 'undefined': return ['undefined']
    case 'bigint': return ['bigint', String(value)]
    case 'number': return Number.isFinite(value) && !Object.is(value, -0) ? value : ['number', Object.is(value, -0) ? '-0' : String(value)]
    case 'object': break
    default: return value
  }
  if (value === null) return null
  if (Array.isArray(value)) return ['array', value.map(show)]
  // The order of the keys of an object is significant.
  return ['object', Object.entries(value).map(([key, member]) => [key, show(member)])]
}

function entries (object) {
  return Object.entries(object).sort(byKey).map(([key, value]) => [key, show(value)])
}

function mapEntries (map) {
  return [...map.entries()].sort(byKey).map(([key, value]) => [key, show(value)])
}

function byKey ([a], [b]) {
  return a < b ? -1 : a > b ? 1 : 0
}

// Returns a delta in which neighbours with the same formats are joined, regardless of format marks between them.
function delta (text) {
  const out = []
  for (const { insert, attributes } of text.toDelta()) {
    const format = JSON.stringify(entries(attributes ?? {}))
    const last = out.at(-1)
    if (typeof insert === 'string' && last?.format === format && typeof last.insert === 'string') last.insert += insert
    else out.push({ insert: typeof insert === 'string' ? insert : [show(insert)], format })
  }
  return out
}

// Describes a type of unknown kind.
function showRaw (type) {
  const list = []
  for (let item = type._start; item !== null; item = item.right) {
    if (!item.deleted) list.push(showContent(item.content))
  }
  const map = [...type._map].filter(([, item]) => !item.deleted).sort(byKey).map(([key, item]) => [key, showContent(item.content)])
  return [type.constructor.name, list, map]
}

function showContent (content) {
  if (content instanceof Y.ContentFormat) return ['format', content.key, show(content.value)]
  return content.getContent().map(show)
}

// Describes the state vector of a document, or an encoded one.
export function showStateVector (docOrBytes) {
  const vector = Y.decodeStateVector(docOrBytes instanceof Y.Doc ? Y.encodeStateVector(docOrBytes) : docOrBytes)
  return [...vector].sort(([a], [b]) => a - b).map(([client, clock]) => `${client}:${clock}`).join(' ')
}
